"""Charts: a figure with its numbers and its words, for reports, pictures and deployment alike."""
