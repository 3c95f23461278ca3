"""Reports of the paper's other experiments."""
