"""Legends that stand outside the panels of a figure and never cover data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from routed_rl.charts.colours import PAPER


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


def add_legend(figure: Figure, keys: Sequence[Key], place: Any) -> None:
    """Put entries at one of Matplotlib's places for legends, in as few rows as have room."""
    for rows in range(1, len(keys) + 1):
        columns = math.ceil(len(keys) / rows)
        # Matplotlib fills columns first; people read rows first.
        order = [r * columns + c for c in range(columns) for r in range(rows)]
        entries = [keys[index] for index in order if index < len(keys)]
        legend = figure.legend(
            [_handle(key) for key in entries],
            [key.label for key in entries],
            loc=place,
            ncols=columns,
            handlelength=1.7 if any(key.line for key in keys) else 1.0,
        )
        if columns == 1 or legend.get_window_extent().x1 < 0.98 * figure.bbox.x1:
            break
        legend.remove()


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
