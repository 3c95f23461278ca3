"""Charts of dots and intervals: every series at a level, the best on top."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from routed_rl.charts.canvas import WIDTH, Grid, reference_line
from routed_rl.charts.colours import INK, MUTED, PAPER
from routed_rl.charts.drawing import SUMMARY_HEADER, Drawing, summary_record
from routed_rl.charts.legend import CHARACTER
from routed_rl.charts.statistics import Summary
from routed_rl.report.marks import MARK_KEYS, best_caption, best_text, style_of, value_limits
from routed_rl.report.series import Comparison, Series
from routed_rl.report.words import (
    RETURN,
    ROW_CHARACTERS,
    TITLES,
    line_count,
    longest_line,
    number_text,
    wrapped_names,
)

Panel = tuple[float, str]
"""A level of oversight, and the figure shown at it."""
Ranking = list[tuple[Series, Summary]]


def draw_ranking(
    comparison: Comparison, name: str, panels: list[Panel], best: float | None, caption: str
) -> Drawing:
    """Draw a panel of dots and intervals for each level and figure.

    Args:
        comparison: Its drawn series are shown, sorted by mean in each panel.
        name: Of the files.
        panels: What each panel shows.
        best: The best possible return, if it is known.
        caption: Says how to read it.
    """
    drawn = {series.name for series in comparison.drawn}
    rankings = {
        (level, column): [
            pair for pair in comparison.ranking(level, column) if pair[0].name in drawn
        ]
        for level, column in panels
    }
    panels = [panel for panel in panels if rankings[panel]]
    grid = _grid(comparison, panels, max(map(len, rankings.values())))
    figure, axes = grid.draw(MARK_KEYS)
    for place, panel in zip(axes, panels, strict=True):
        limit = best if panel[1] == RETURN else None
        _draw_panel(place, comparison, rankings[panel], panel, limit)
        title = TITLES[panel[1]]
        several = len({level for level, _ in panels}) > 1
        place.set_title(f"oversight {panel[0]:g}" if several else title)
        if several:
            place.set_xlabel(title)
    records = tuple(
        summary_record(series.name, level, column, summary)
        for level, column in panels
        for series, summary in comparison.ranking(level, column)
    )
    alt = f"Dots with intervals for {len(drawn)} series, sorted by mean. {best_text(comparison)}"
    if best is not None:
        caption = f"{caption} {best_caption(best)}"
    return Drawing(name, figure, SUMMARY_HEADER, records, caption, alt)


def _grid(comparison: Comparison, panels: list[Panel], rows: int) -> Grid:
    """Panels wide enough for their names."""
    names = wrapped_names([series.name for series in comparison.drawn], ROW_CHARACTERS)
    left = 0.3 + longest_line(names) * CHARACTER * 0.95
    columns = max(1, min(3, len(panels), int(WIDTH / (left + 2.0))))
    if len(panels) == 4:
        columns = min(columns, 2)
    height = (0.1 + 0.17 * line_count(names)) * rows + 0.12
    bottom = 0.62 if len(comparison.levels) > 1 else 0.4
    return Grid(len(panels), columns, height, left=left, bottom=bottom, right=0.55)


def _draw_panel(
    axes: Axes, comparison: Comparison, ranking: Ranking, panel: Panel, best: float | None
) -> None:
    """One level: a row for each series."""
    column = panel[1]
    drawn = comparison.drawn
    scores = [score for series in drawn for score in series.scores(column)]
    axes.set_xlim(value_limits(scores, column, best))
    axes.set_ylim(len(ranking) - 0.4, -0.6)
    axes.grid(axis="x")
    axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]))
    if column != RETURN:
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.0f}%"))
    names = wrapped_names([series.name for series, _ in ranking], ROW_CHARACTERS)
    axes.set_yticks(range(len(ranking)), names)
    axes.tick_params(axis="y", labelcolor=INK, labelsize=9)
    if best is not None:
        reference_line(axes, best, "", upright=True)
    for row, (series, summary) in enumerate(ranking):
        _draw_row(axes, row, summary, style_of(comparison, series))
        axes.annotate(
            number_text(summary.mean, column),
            (1, row),
            xycoords=axes.get_yaxis_transform(),
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
            fontsize=8.5,
            color=MUTED,
        )


def _draw_row(axes: Axes, row: int, summary: Summary, style: tuple[str, str]) -> None:
    """One series: seeds, interval, interquartile mean and mean."""
    colour, marker = style
    count = len(summary.scores)
    look: dict[str, Any] = {"s": 10, "alpha": 0.4, "linewidths": 0, "zorder": 2.2}
    axes.scatter(summary.scores, [row] * count, color=colour, **look)
    if summary.interval:
        ends = [summary.interval.low, summary.interval.high]
        axes.plot(ends, [row, row], color=colour, linewidth=2.2, solid_capstyle="butt")
    axes.plot([summary.mean], [row], marker, color=colour, markersize=6.2, zorder=3, clip_on=False)
    middle = [summary.interquartile_mean]
    small: dict[str, Any] = {"markersize": 3.1, "markeredgewidth": 0.8, "zorder": 3.2}
    axes.plot(middle, [row], "D", mfc=PAPER, mec=colour, clip_on=False, **small)
