"""Policies: a mixture of experts with a gate, steered, and cut down to some of its experts."""
