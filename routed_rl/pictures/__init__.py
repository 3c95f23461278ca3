"""Films of rollouts, policy fields and learning curves, each with its numbers in a table."""
