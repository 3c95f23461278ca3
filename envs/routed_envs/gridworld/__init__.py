"""The diamond-and-ghost gridworld: rules, states, pictures and Gymnasium environments."""
