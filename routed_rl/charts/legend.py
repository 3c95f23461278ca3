"""Legends that stand above the panels of a figure and never cover data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from routed_rl.charts.colours import MUTED, PAPER

CHARACTER, LINE = 0.078, 0.23
"""A character is so wide and a line of text so high, in inches."""
ROOM = 8.8
"""A legend is at most so wide, in inches."""


@dataclass(frozen=True)
class Key:
    """An entry of a legend.

    Attributes:
        label: What it stands for.
        colour: Of its line and marker.
        marker: Matplotlib's name of the marker; empty for none.
        line: Whether it has a line.
        hollow: Whether its marker is small and open.
        dashed: Whether its line is dashed.
    """

    label: str
    colour: str
    marker: str = "o"
    line: bool = True
    hollow: bool = False
    dashed: bool = False


MARK_KEYS = (
    Key("mean", MUTED, "o", False),
    Key("interquartile mean", MUTED, "D", False, hollow=True),
    Key("95% interval of the mean", MUTED, "|", False),
    Key("one seed", MUTED, ".", False),
)
"""These stand for the marks of scores that are summed up over seeds."""
READING = (
    "Filled mark: mean over seeds. Small open diamond: interquartile mean. Bar: 95% bootstrap "
    "interval of the mean. Faint dots: single seeds."
)
"""This says in a caption how to read those marks."""


def legend_rows(keys: Sequence[Key]) -> int:
    """How many rows the entries take."""
    widths = [len(key.label) * CHARACTER + (0.62 if key.line else 0.46) for key in keys]
    if sum(widths) < ROOM:
        return 1
    return math.ceil(len(keys) / max(1, int((ROOM) / max(widths))))


def add_legend(figure: Figure, keys: Sequence[Key], left: float, top: float) -> None:
    """Put entries above the panels, in rows; left and top are shares of the figure's size."""
    rows = legend_rows(keys)
    columns = math.ceil(len(keys) / rows)
    # Matplotlib fills columns first; people read rows first.
    order = [r * columns + c for c in range(columns) for r in range(rows)]
    entries = [keys[index] for index in order if index < len(keys)]
    figure.legend(
        [_handle(key) for key in entries],
        [key.label for key in entries],
        loc="upper left",
        bbox_to_anchor=(left, top),
        ncols=columns,
        frameon=False,
        borderaxespad=0,
        borderpad=0,
        handlelength=1.7 if any(key.line for key in keys) else 1.0,
        handletextpad=0.5,
        columnspacing=1.8,
        labelspacing=0.45,
    )


def _handle(key: Key) -> Line2D:
    return Line2D(
        [],
        [],
        color=key.colour,
        marker=key.marker or "none",
        markersize=3.6 if key.hollow else 9 if key.marker == "|" else 6,
        markeredgewidth=2.2 if key.marker == "|" else 0.9,
        markerfacecolor=PAPER if key.hollow else key.colour,
        linewidth=1.8 if key.line else 0,
        linestyle="--" if key.dashed else "-",
    )
