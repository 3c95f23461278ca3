"""Oversight for any environment: who watches, what is said, and what the agent sees of it."""
