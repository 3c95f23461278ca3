"""Data whose kinds are known, for experiments on routing in any network."""
