"""What the studies of language models share."""
