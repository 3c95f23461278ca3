"""A policy in any overseen environment, trained by an algorithm of stable-baselines3."""
