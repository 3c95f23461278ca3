"""What the figures of returns have in common: marks, colours, axes and words."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from routed_rl.charts.colours import ACCENT, MARKERS, MUTED, SERIES
from routed_rl.charts.legend import Key
from routed_rl.report.series import Comparison, Series
from routed_rl.report.words import number_text, short_name

MARK_KEYS = (
    Key("mean", MUTED, "o", False),
    Key("interquartile mean", MUTED, "D", False, hollow=True),
    Key("95% interval of the mean", MUTED, "|", False),
    Key("one seed", MUTED, ".", False),
)
READING = (
    "Filled mark: mean over seeds. Small open diamond: interquartile mean. Bar: 95% bootstrap "
    "interval of the mean. Faint dots: single seeds."
)


def style_of(comparison: Comparison, series: Series) -> tuple[str, str]:
    """The colour and the marker of a series, the same in every figure.

    Args:
        comparison: Decides by its number of series whether each has a colour of its own.
        series: One of them.
    """
    if not comparison.overlaid:
        return ACCENT, MARKERS[0]
    index = [other.name for other in comparison.series].index(series.name)
    return SERIES[index], MARKERS[index]


def series_keys(comparison: Comparison) -> list[Key]:
    """The legend of the series that share a panel."""
    return [
        Key(short_name(series.name), *style_of(comparison, series)) for series in comparison.drawn
    ]


def value_limits(scores: list[float], column: str, best: float | None) -> tuple[float, float]:
    """The ends of an axis that holds some scores.

    Args:
        scores: At least one.
        column: The figure's name; rates stay between 0 and 1.
        best: Also on the axis of a return, like 0, which is chance.
    """
    rate = column.endswith(("_rate", "_share"))
    ends = scores if rate else [*scores, 0.0, *([] if best is None else [best])]
    margin = max(0.02, 0.07 * (max(ends) - min(ends)))
    low, high = min(ends) - margin, max(ends) + margin
    return (max(low, -0.02), min(high, 1.02)) if rate else (low, high)


def write_values(axes: Axes, column: str) -> None:
    """Write the vertical axis in percent if the figure is a rate."""
    if column.endswith(("_rate", "_share")):
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.0f}%"))


def best_caption(best: float) -> str:
    """What the dashed line of a figure of returns is."""
    return f"Dashed: the best return that any policy can have, {best:.3f}; chance has 0."


def best_text(comparison: Comparison) -> str:
    """Which series has the highest mean return at each level, as text for alternatives."""
    leaders = []
    for level in comparison.levels:
        ranking = comparison.ranking(level)
        if ranking:
            series, summary = ranking[0]
            leaders.append(f"{series.name} with {number_text(summary.mean)} at {level:g}")
    return f"Highest mean return: {'; '.join(leaders)}." if leaders else ""
