"""Charts of dots and intervals: every series at a level, the best on top."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from routed_rl.charts.canvas import make_panels, percent_axis, reference_line, value_limits
from routed_rl.charts.colours import INK, MUTED
from routed_rl.charts.drawing import Drawing
from routed_rl.charts.marks import draw_summary, mark_keys
from routed_rl.charts.statistics import Summary
from routed_rl.charts.tables import SUMMARY_HEADER, summary_record
from routed_rl.charts.text import ROW_CHARACTERS, line_count, wrapped_names
from routed_rl.report.series import (
    RETURN,
    Comparison,
    Measure,
    Series,
    best_caption,
    leaders_text,
    style_of,
)

Panel = tuple[float, Measure]
"""It is a level of oversight, and the figure that is shown at it."""
SHORT = 11
"""Beside names of so many characters there is room for three panels, else for two."""
Ranking = list[tuple[Series, Summary]]


def draw_ranking(comparison: Comparison, name: str, panels: list[Panel], caption: str) -> Drawing:
    """Draw a panel of dots and intervals for each level and figure.

    Args:
        comparison: Its drawn series are shown, sorted by mean in each panel.
        name: Of the files.
        panels: What each panel shows.
        caption: Says how to read it.
    """
    drawn = {series.name for series in comparison.drawn}
    rankings = {
        (level, measure): [
            pair for pair in comparison.ranking(level, measure) if pair[0].name in drawn
        ]
        for level, measure in panels
    }
    panels = [panel for panel in panels if rankings[panel]]
    names = wrapped_names([series.name for series in comparison.drawn], ROW_CHARACTERS)
    height = (0.1 + 0.17 * line_count(names)) * max(map(len, rankings.values())) + 0.12
    longest = max(len(line) for name in names for line in name.split("\n"))
    columns = 2 if len(panels) == 4 or longest > SHORT else 3
    several = len({level for level, _ in panels}) > 1
    titles = [f"oversight {level:g}" if several else measure.title for level, measure in panels]
    figure, axes = make_panels(titles, columns, height, mark_keys(comparison.has_intervals))
    for place, panel in zip(axes, panels, strict=True):
        _draw_panel(place, comparison, rankings[panel], panel[1])
        place.set_xlabel(panel[1].title if several else "")
    records = tuple(
        summary_record(series.name, level, measure.column, summary)
        for level, measure in panels
        for series, summary in comparison.ranking(level, measure)
    )
    alt = f"Dots with intervals for {len(drawn)} series, sorted by mean. {leaders_text(comparison)}"
    if comparison.best is not None:
        caption = f"{caption} {best_caption(comparison.best)}"
    return Drawing(name, figure, SUMMARY_HEADER, records, caption, alt)


def _draw_panel(axes: Axes, comparison: Comparison, ranking: Ranking, measure: Measure) -> None:
    """One level: a row for each series."""
    best = comparison.best if measure == RETURN else None
    scores = [score for series in comparison.drawn for score in series.scores(measure.column)]
    axes.set_xlim(value_limits(scores, measure.share, comparison.landmarks(measure)))
    axes.set_ylim(len(ranking) - 0.4, -0.6)
    axes.grid(axis="x")
    axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]))
    if measure.share:
        percent_axis(axes.xaxis)
    names = wrapped_names([series.name for series, _ in ranking], ROW_CHARACTERS)
    axes.set_yticks(range(len(ranking)), names)
    axes.tick_params(axis="y", labelcolor=INK, labelsize=9)
    if best is not None:
        reference_line(axes, best, upright=True)
    for row, (series, summary) in enumerate(ranking):
        draw_summary(axes, row, summary, style_of(comparison, series.name), flat=True)
        axes.annotate(
            measure.text(summary.mean),
            (1, row),
            xycoords=axes.get_yaxis_transform(),
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
            fontsize=8.5,
            color=MUTED,
        )
