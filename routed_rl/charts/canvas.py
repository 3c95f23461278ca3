"""Empty figures: panels in a grid, a legend above them, and how they look."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from routed_rl.charts.colours import GRID, INK, MUTED, PAPER
from routed_rl.charts.legend import LINE, Key, add_legend, legend_rows
from routed_rl.charts.text import count_text, line_count, wrapped_names

WIDTH = 9.4
"""Every figure is so wide, in inches."""

TITLE = 0.34
"""Each panel has so much room above it, in inches."""
BOLD_CHARACTER = 0.09
"""A character of a title is so wide, in inches."""
TITLE_LINE = 0.17
"""Every further line of a title is so high, in inches."""

LOOK: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "text.color": INK,
    "text.parse_math": False,
    "text.usetex": False,
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlecolor": INK,
    "axes.titley": 1.0,
    "axes.labelcolor": MUTED,
    "axes.labelsize": 9,
    "axes.edgecolor": MUTED,
    "axes.facecolor": PAPER,
    "axes.linewidth": 0.7,
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "xtick.minor.size": 0,
    "figure.facecolor": PAPER,
    "savefig.facecolor": PAPER,
    "savefig.edgecolor": "none",
    "svg.fonttype": "none",
    "svg.hashsalt": "routed-rl",
    "path.simplify": True,
}
"""Matplotlib has these settings while a figure is drawn and saved."""


@dataclass(frozen=True)
class Grid:
    """The panels of a figure.

    Attributes:
        count: How many panels there are.
        columns: At most this many side by side.
        height: Of a panel, in inches.
        left: Room left of each panel, in inches.
        bottom: Room under each panel.
        right: Room right of each panel.
        title_lines: Lines of the panels' titles.
        heading: A sentence above everything; empty for none.
    """

    count: int
    columns: int
    height: float
    left: float = 0.55
    bottom: float = 0.62
    right: float = 0.2
    title_lines: int = 1
    heading: str = ""

    @property
    def across(self) -> int:
        """How many panels are side by side."""
        return min(self.columns, self.count)

    @property
    def characters(self) -> int:
        """How many characters fit into a line of a panel's title."""
        return int((self.panel_width + 0.1) / BOLD_CHARACTER)

    @property
    def panel_width(self) -> float:
        """Of a panel, in inches."""
        return WIDTH / self.across - self.left - self.right

    def draw(self, *legends: Sequence[Key]) -> tuple[Figure, list[Axes]]:
        """Make the figure and its panels.

        Args:
            *legends: Above the panels, each in rows of its own.

        Returns:
            The figure, and the panels from left to right and from top to bottom.
        """
        rooms = [LINE * legend_rows(keys) + 0.06 for keys in legends]
        heading = LINE + 0.06 if self.heading else 0.0
        header, title = heading + sum(rooms), TITLE + (self.title_lines - 1) * TITLE_LINE
        row = title + self.height + self.bottom
        total = header + row * math.ceil(self.count / self.across) - 0.12
        figure = Figure(figsize=(WIDTH, total))
        FigureCanvasAgg(figure)
        panels = []
        for index in range(self.count):
            down, along = divmod(index, self.across)
            left = along * WIDTH / self.across + self.left
            bottom = total - header - down * row - title - self.height
            size = (self.panel_width / WIDTH, self.height / total)
            panels.append(figure.add_axes((left / WIDTH, bottom / total, *size)))
        top = total - 0.04
        figure.text(self.left / WIDTH, top / total, self.heading, va="top")
        top -= heading
        for keys, room in zip(legends, rooms, strict=True):
            add_legend(figure, keys, self.left / WIDTH, top / total)
            top -= room
        return figure, panels


def named_grid(names: Sequence[str], columns: int, height: float) -> tuple[Grid, list[str]]:
    """A grid with a panel of that height, in inches, for each name; and the names as titles.

    Long names leave room for fewer columns.
    """
    long = max(map(len, names)) > 24
    grid = Grid(len(names), min(columns, 3) if long else columns, height)
    titles = wrapped_names(names, grid.characters)
    return replace(grid, title_lines=line_count(titles)), titles


def horizontal_lines(axes: Axes) -> None:
    """Faint lines across a panel, to read heights by."""
    axes.grid(axis="y")


def reference_line(axes: Axes, value: float, text: str = "", upright: bool = False) -> None:
    """A dashed line at a value that figures are compared with.

    Args:
        axes: The panel.
        value: Where.
        text: Stands above a line that is not upright; empty for none.
        upright: Whether the value is on the horizontal axis.
    """
    draw = axes.axvline if upright else axes.axhline
    draw(value, color=MUTED, linewidth=0.8, linestyle=(0, (4, 3)), zorder=1)
    if text:
        place: dict[str, Any] = {"xycoords": axes.get_yaxis_transform(), "xytext": (3, 3)}
        axes.annotate(
            text, (0.0, value), textcoords="offset points", fontsize=8, color=MUTED, **place
        )


def value_limits(scores: Sequence[float], share: bool, best: float | None) -> tuple[float, float]:
    """The ends of an axis that holds some scores.

    Args:
        scores: At least one.
        share: Whether they are rates or shares, whose axis stays between 0 and 1.
        best: Also on the axis of a return, like 0, which is chance.
    """
    ends = scores if share else [*scores, 0.0, *([] if best is None else [best])]
    margin = max(0.02, 0.07 * (max(ends) - min(ends)))
    low, high = min(ends) - margin, max(ends) + margin
    return (max(low, -0.02), min(high, 1.02)) if share else (low, high)


def percent_axis(axis: Axis) -> None:
    """Write the values along an axis, which are shares, in percent."""
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.0f}%"))


def step_axis(axes: Axes, last: float) -> None:
    """Let the horizontal axis show the environment steps of training, up to the last."""
    axes.set_xlim(-0.02 * last, 1.02 * last or 1)
    axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: count_text(value)))
    axes.set_xlabel("environment steps")
