"""The explorer: one HTML page that holds whole policies and answers what they would do."""

from routed_rl.pictures.explorer.page_writer import explore

__all__ = ["explore"]
