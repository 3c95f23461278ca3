"""Training: a policy in a world, from a configuration to a finished run."""
