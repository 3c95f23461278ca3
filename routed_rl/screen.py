"""The terminal: what is printed there is text, never markup, whatever names hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


def screen(error: bool = False) -> Console:
    """Standard output, or standard error, for tables, bars and text.

    A name with brackets, such as `exp[v2]`, is shown as it is.
    """
    from rich.console import Console  # Help need not wait for it.

    return Console(stderr=error, markup=False, highlight=False)
