"""Legends that stand outside the panels of a figure and never cover data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from routed_rl.charts.colours import PAPER


def key(
    label: str,
    colour: str,
    marker: str = "o",
    *,
    line: bool = True,
    hollow: bool = False,
    dashed: bool = False,
) -> Line2D:
    """An entry of a legend: a line, and a marker by Matplotlib's name, `none` for no marker.

    A hollow marker is small and open.
    """
    return Line2D(
        [],
        [],
        label=label,
        color=colour,
        marker=marker,
        markersize=3.6 if hollow else 9 if marker == "|" else 6,
        markeredgewidth=2.2 if marker == "|" else 0.9,
        markerfacecolor=PAPER if hollow else colour,
        linewidth=1.8 if line else 0,
        linestyle="--" if dashed else "-",
    )


def add_legend(figure: Figure, keys: Sequence[Line2D], place: Any) -> None:
    """Put entries at one of Matplotlib's places for legends, in as few rows as have room."""
    for rows in range(1, len(keys) + 1):
        columns = math.ceil(len(keys) / rows)
        # Matplotlib fills columns first; people read rows first.
        order = [r * columns + c for c in range(columns) for r in range(rows)]
        legend = figure.legend(
            handles=[keys[index] for index in order if index < len(keys)],
            loc=place,
            ncols=columns,
            handlelength=1.7 if any(key.get_linewidth() for key in keys) else 1.0,
        )
        if columns == 1 or legend.get_window_extent().x1 < 0.98 * figure.bbox.x1:
            break
        legend.remove()
