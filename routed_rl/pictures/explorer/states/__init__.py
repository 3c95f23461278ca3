"""The page of any world whose states can be listed: what happens in each, and who would do what."""
