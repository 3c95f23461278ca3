"""The experiments of the paper beside its gridworld: routing in other networks."""
