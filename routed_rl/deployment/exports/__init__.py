"""A policy as a file for others, and the card that says what it is."""
