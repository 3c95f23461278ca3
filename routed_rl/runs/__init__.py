"""Runs: a folder that explains itself, with its lock, log, checkpoint and progress."""
