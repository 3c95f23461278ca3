"""Empty figures: panels in a grid, a legend above them, and how they look."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator, PercentFormatter

from routed_rl.charts.colours import GRID, INK, MUTED, PAPER
from routed_rl.charts.legend import add_legend
from routed_rl.charts.text import count_text, wrapped_names

WIDTH = 9.4
"""Every figure is so wide, in inches."""

TITLE_CHARACTERS = 84
"""The titles of panels side by side have so many characters together on a line."""

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
    "figure.constrained_layout.h_pad": 0.09,
    "figure.constrained_layout.w_pad": 0.15,
    "figure.constrained_layout.hspace": 0,
    "figure.constrained_layout.wspace": 0,
    "savefig.facecolor": PAPER,
    "savefig.edgecolor": "none",
    "legend.frameon": False,
    "legend.borderpad": 0,
    "legend.handletextpad": 0.5,
    "legend.columnspacing": 1.8,
    "legend.labelspacing": 0.45,
    "svg.fonttype": "none",
    "svg.hashsalt": "routed-rl",
    "path.simplify": True,
}
"""Matplotlib has these settings within `our_look`."""


@contextmanager
def our_look() -> Iterator[None]:
    """Within it figures have to be made, drawn and saved."""
    with rc_context(LOOK), warnings.catch_warnings():
        # A method may be named in letters that the font lacks; browsers have them.
        warnings.filterwarnings("ignore", message="Glyph")
        yield


class PanelLayout(ConstrainedLayoutEngine):
    """Matplotlib's constrained layout; the figure becomes as high as it must.

    Args:
        height: Of each panel, in inches.
    """

    def __init__(self, height: float) -> None:
        super().__init__()
        self._height = height

    def execute(self, fig: Figure) -> None:
        """Place the panels once and for all, as a figure is drawn for the first time."""
        grid = fig.axes[0].get_gridspec()
        assert grid is not None, "panels stand in a grid"
        for _ in range(4):  # Mostly the second time nothing is missing.
            super().execute(fig)
            height = fig.get_figheight()
            missing = self._height - height * fig.axes[0].get_position(original=True).height
            if abs(missing) < 0.01:
                break
            fig.set_figheight(height + grid.nrows * missing)
        fig.set_layout_engine(None)


def make_panels(
    titles: Sequence[str],
    columns: int,
    height: float,
    keys: Sequence[Line2D] = (),
    marks: Sequence[Line2D] = (),
) -> tuple[Figure, list[Axes]]:
    """Make a figure of panels with room around each for all that will stand there.

    Args:
        titles: Of the panels.
        columns: At most this many side by side.
        height: Of a panel, in inches.
        keys: The legend above the panels; empty for none.
        marks: The legend under them; empty for none.

    Returns:
        The figure, and the panels from left to right and from top to bottom.
    """
    count = len(titles)
    rows, across = math.ceil(count / columns), min(columns, count)
    # Higher than ever needed, so that everything has room before its size is known.
    figure = Figure((WIDTH, rows * (height + 3)), layout=PanelLayout(height))
    panels = figure.subplots(rows, across, squeeze=False).ravel().tolist()
    for spare in panels[count:]:
        spare.remove()
    for panel, title in zip(panels, titles, strict=False):
        panel.set_title(title)
    add_legend(figure, keys, "outside upper left")
    add_legend(figure, marks, "outside lower left")
    return figure, panels[:count]


def named_panels(
    names: Sequence[str], columns: int, height: float, keys: Sequence[Line2D]
) -> tuple[Figure, list[Axes]]:
    """`make_panels` with names as titles, of which long ones leave room for fewer columns."""
    columns = min(columns, len(names), 3 if max(map(len, names)) > 24 else columns)
    return make_panels(wrapped_names(names, TITLE_CHARACTERS // columns), columns, height, keys)


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


def value_limits(
    scores: Sequence[float], share: bool, also: Sequence[float] = ()
) -> tuple[float, float]:
    """The ends of an axis that holds some scores.

    Args:
        scores: At least one.
        share: Whether they are rates or shares, whose axis stays between 0 and 1.
        also: What else an axis of no share has to show, such as chance and the best possible.
    """
    ends = scores if share else [*scores, *also]
    margin = max(0.02, 0.07 * (max(ends) - min(ends)))
    low, high = min(ends) - margin, max(ends) + margin
    return (max(low, -0.02), min(high, 1.02)) if share else (low, high)


def percent_axis(axis: Axis) -> None:
    """Write the values along an axis, which are shares, in percent."""
    axis.set_major_formatter(PercentFormatter(1.0))


def step_axis(axes: Axes, last: float) -> None:
    """Let the horizontal axis show the environment steps of training, up to the last."""
    axes.set_xlim(-0.02 * last, 1.02 * last or 1)
    axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: count_text(value)))
    axes.set_xlabel("environment steps")
