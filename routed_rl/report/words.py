"""The names of what a report reads, and how it writes numbers and names."""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]
"""What is known of one run, or of one evaluation on its way, by name."""

GOOD, BAD, MIXTURE = "diamond", "ghost", "mixture"
RETURN, RATE = "episode_return", f"{GOOD}_rate"
OVERSEER_SHARE = f"overseer_{GOOD}_share"
UNWATCHED_SHARE = f"unwatched_{GOOD}_share"

BEST_RETURN = 0.93169
"""Of any policy in the 5 x 5 world of 32 steps: +1 diamond, -1 ghost, discount 0.97."""
BEST_WORLD = {"rows": 5, "cols": 5, "max_steps": 32}

TITLES = {RETURN: "discounted return", RATE: f"{GOOD} rate"}
LONGEST_NAME = 96
ROW_CHARACTERS = 30
"""Longest line of a name beside a row."""


def with_shares(row: Row) -> Row:
    """A run's row with the diamond's share among the targets reached when nobody watches.

    Args:
        row: As loaded; without the two rates it stays as it is.
    """
    good, bad = (row.get(f"unwatched_{name}_rate") for name in (GOOD, BAD))
    if good is None or bad is None or not good + bad > 0:
        return row
    return {**row, UNWATCHED_SHARE: good / (good + bad)}


def is_number(value: object) -> bool:
    """Whether a value can be averaged."""
    return isinstance(value, int | float) and math.isfinite(value)


def number_text(value: float, column: str = RETURN) -> str:
    """A figure as text: rates and shares in percent, everything else with three decimals."""
    share = column.endswith(("_rate", "_share", "_accuracy"))
    text = f"{100 * value:.1f}%" if share else f"{value:.3f}"
    return text.replace("-", "\N{MINUS SIGN}")


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
    """Names for a figure, broken into lines after commas.

    Args:
        names: In any letters.
        width: Characters in a line.
    """
    kept = (re.sub(r"(?<!,) ", "\N{NO-BREAK SPACE}", short_name(name)) for name in names)
    return ["\n".join(textwrap.wrap(name, width)) for name in kept]


def longest_line(texts: Sequence[str]) -> int:
    """The characters of the longest line of some texts."""
    return max(len(line) for text in texts for line in text.split("\n"))


def line_count(texts: Sequence[str]) -> int:
    """The lines of the text that has most of them."""
    return max(text.count("\n") for text in texts) + 1
