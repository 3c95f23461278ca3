"""A run whose weights grew beyond all bounds. Imports nothing heavy."""

from __future__ import annotations

EXIT_CODE = 3
"""With this a sweep's process says that its run diverged."""
REASON = "diverged"


class DivergenceError(RuntimeError):
    """Training cannot go on: the weights are no numbers to act by any more.

    Args:
        update: After which that was seen.
        kept: The update of the last checkpoint, which is sound; None if there is none.
    """

    def __init__(self, update: int, kept: int | None) -> None:
        saved = "Nothing was saved."
        if kept is not None:
            saved = f"The checkpoint of update {kept:,} is kept."
        super().__init__(
            f"Training diverged: at update {update:,} the weights are no usable numbers. "
            f"{saved} Give a smaller --learning-rate, or a smaller --largest-gradient where there "
            "is one."
        )
