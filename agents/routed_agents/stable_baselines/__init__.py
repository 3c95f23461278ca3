"""stable-baselines3 with gradient routing: algorithms, a policy, a buffer with labels."""
