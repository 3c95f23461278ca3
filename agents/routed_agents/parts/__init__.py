"""Parts of any network: named, routed to, measured, switched off, added and deleted."""
