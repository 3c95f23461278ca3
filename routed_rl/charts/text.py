"""How numbers, lists and names are written in figures, tables and sentences."""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Sequence

LONGEST_NAME = 96
"""A longer name is cut off in figures."""
ROW_CHARACTERS = 30
"""A line of a name that stands beside a row has at most this many characters."""
MINUS = "\N{MINUS SIGN}"
NONE = "\N{EN DASH}"
"""This stands in the place of a number that there is not."""


def is_number(value: object) -> bool:
    """Whether a value can be averaged."""
    return isinstance(value, int | float) and math.isfinite(value)


def number_text(value: float, decimals: int = 3) -> str:
    """A figure with so many decimals; what is rounded to nothing has no sign."""
    return f"{value:z.{decimals}f}".replace("-", MINUS)


def percent_text(share: float | None) -> str:
    """A rate or share in percent; a dash if there is none."""
    if share is None:
        return NONE
    return f"{number_text(100 * share, 1)}%"


def change_text(change: float) -> str:
    """A difference of figures with three decimals and its sign."""
    return _signed(f"{change:+.3f}")


def points_text(change: float) -> str:
    """A difference of shares in percentage points, with its sign."""
    return _signed(f"{100 * change:+.1f}")


def _signed(text: str) -> str:
    """A written number with its sign, unless it was rounded to nothing."""
    return text.replace("-", MINUS) if float(text) else text[1:]


def count_text(value: float) -> str:
    """A count in few characters, such as 12k or 1.5M."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g}{unit}"
    return f"{value:.3g}"


def joined(words: Sequence[str]) -> str:
    """Words as a list in a sentence: "a, b and c"."""
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def span_text(values: Sequence[float]) -> str:
    """The smallest and the largest of some counts: "5", or "3 to 5"."""
    low, high = min(values), max(values)
    return f"{low:,g}" if low == high else f"{low:,g} to {high:,g}"


def short_name(name: str) -> str:
    """A name that fits into a figure, on one line."""
    text = " ".join(name.split())
    if len(text) > LONGEST_NAME:
        text = text[: LONGEST_NAME - 1] + "\N{HORIZONTAL ELLIPSIS}"
    # Matplotlib leaves names that begin with an underscore out of legends.
    return f"\N{ZERO WIDTH SPACE}{text}" if text.startswith("_") else text


def wrapped_names(names: Sequence[str], width: int) -> list[str]:
    """Names for a figure, broken after commas into lines of that many characters."""
    kept = (re.sub(r"(?<!,) ", "\N{NO-BREAK SPACE}", short_name(name)) for name in names)
    return ["\n".join(textwrap.wrap(name, width)) for name in kept]


def line_count(texts: Sequence[str]) -> int:
    """The lines of the text that has most of them."""
    return max(text.count("\n") for text in texts) + 1
