"""From a trained run to a policy in use: export, access, monitoring, and a report."""
