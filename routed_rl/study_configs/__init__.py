"""What decides the runs of the studies, a record for each. Imports no PyTorch."""
