"""Choosing constants: by a sweep over them, or by a search, and by what they are judged."""
