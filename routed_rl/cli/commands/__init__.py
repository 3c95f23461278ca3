"""The commands, one a file; what is heavy to import is imported when a command runs."""
