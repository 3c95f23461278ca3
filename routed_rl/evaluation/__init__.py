"""Evaluation: what a policy does, exactly where the world is small and by sampling elsewhere."""
