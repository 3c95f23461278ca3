"""Methods: how a run learns, each a value that the learner reads."""
