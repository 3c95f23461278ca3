"""Sweeps: many runs from lists of settings, on one machine or a cluster."""
