"""Figures of series along an axis: one panel for all, or one for each where there are many."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from routed_rl.charts.canvas import (
    make_panels,
    named_panels,
    percent_axis,
    reference_line,
    value_limits,
)
from routed_rl.charts.colours import OTHERS
from routed_rl.charts.drawing import Drawing
from routed_rl.charts.marks import draw_line, mark_keys
from routed_rl.charts.scale import BrokenLogScale
from routed_rl.charts.statistics import Summary
from routed_rl.charts.tables import SUMMARY_HEADER
from routed_rl.charts.text import joined
from routed_rl.report.series import (
    RETURN,
    Comparison,
    Measure,
    Series,
    best_caption,
    leaders_text,
    series_keys,
    style_of,
)


@dataclass(frozen=True)
class Lines:
    """What a figure of lines shows.

    Attributes:
        name: Of its files.
        measures: The figures, a panel for each.
        scale: Of the horizontal axis.
        ticks: The labelled values on it.
        text: Writes such a value.
        place: The value of one series at one level.
        label: Of the horizontal axis.
        seeds: Whether single seeds are drawn, and series moved apart.
        caption: Says how to read it.
    """

    name: str
    measures: tuple[Measure, ...]
    scale: BrokenLogScale
    ticks: tuple[float, ...]
    text: Callable[[float], str]
    place: Callable[[Series, float], float]
    label: str
    seeds: bool
    caption: str


def draw_lines(comparison: Comparison, lines: Lines) -> list[Drawing]:
    """Draw figures along the axis.

    Few series share panels and one figure; of many each has a panel, and each measure a figure.
    """
    if comparison.overlaid:
        return [_draw_together(comparison, lines)]
    return [_draw_apart(comparison, lines, measure) for measure in lines.measures]


def _draw_together(comparison: Comparison, lines: Lines) -> Drawing:
    titles, shown = [measure.title for measure in lines.measures], comparison.drawn
    figure, panels = make_panels(titles, 2, 3.1, series_keys(comparison), _keys(comparison, lines))
    for panel, measure in zip(panels, lines.measures, strict=True):
        _dress(panel, comparison, lines, measure)
        for index, series in enumerate(shown):
            shift = lines.scale.dodge(index, len(shown)) if lines.seeds else 0.0
            places, summaries = _points(lines, series, measure)
            moved = [place + shift for place in places]
            draw_line(panel, moved, summaries, style_of(comparison, series.name), seeds=lines.seeds)
    return _drawing(comparison, lines, lines.name, lines.measures, figure)


def _draw_apart(comparison: Comparison, lines: Lines, measure: Measure) -> Drawing:
    """A panel for each series, with the others behind it."""
    shown = comparison.drawn
    figure, panels = named_panels(
        [series.name for series in shown], 4, 1.35, _keys(comparison, lines)
    )
    everyone = [_points(lines, series, measure) for series in shown]
    for panel, series, own in zip(panels, shown, everyone, strict=True):
        _dress(panel, comparison, lines, measure)
        for places, summaries in everyone:
            means = [summary.mean for summary in summaries]
            panel.plot(places, means, "o-", color=OTHERS, linewidth=0.8, markersize=2, zorder=1.5)
        draw_line(panel, *own, style_of(comparison, series.name), seeds=lines.seeds)
    name = f"{lines.name}_{measure.column}" if len(lines.measures) > 1 else lines.name
    return _drawing(comparison, lines, name, (measure,), figure)


def _keys(comparison: Comparison, lines: Lines) -> tuple[Line2D, ...]:
    """The legend of the marks."""
    return mark_keys(comparison.has_intervals, lines.seeds)


def _dress(panel: Axes, comparison: Comparison, lines: Lines, measure: Measure) -> None:
    best = comparison.best if measure == RETURN else None
    scores = [score for series in comparison.drawn for score in series.scores(measure.column)]
    panel.set_ylim(value_limits(scores, measure.share, comparison.landmarks(measure)))
    panel.grid(axis="y")
    if measure.share:
        percent_axis(panel.yaxis)
    lines.scale.dress(panel, lines.ticks, lines.text)
    panel.set_xlabel(lines.label)
    if best is not None:
        reference_line(panel, best, f"best possible {best:.3f}" if comparison.overlaid else "")


def _points(lines: Lines, series: Series, measure: Measure) -> tuple[list[float], list[Summary]]:
    """A series along the axis, in the order of its levels."""
    summaries = series.summaries(measure.column)
    places = [lines.scale.position(lines.place(series, level)) for level in summaries]
    return places, list(summaries.values())


def _drawing(
    comparison: Comparison, lines: Lines, name: str, measures: tuple[Measure, ...], figure: Figure
) -> Drawing:
    """The figure with its numbers: every series, also those that are not drawn."""
    records = [
        (*record, lines.place(series, level))
        for measure in measures
        for series in comparison.series
        for level, record in series.records(measure.column).items()
    ]
    titles = joined([measure.title for measure in measures])
    titles = f"{titles[0].upper()}{titles[1:]}"
    caption = [lines.caption]
    if not comparison.overlaid:
        caption.insert(0, f"{titles}.")
        caption.append("Grey: the other series.")
    if comparison.best is not None and RETURN in measures:
        caption.append(best_caption(comparison.best))
    return Drawing(
        name=name,
        figure=figure,
        header=(*SUMMARY_HEADER, "horizontal"),
        records=tuple(records),
        caption=" ".join(caption),
        alt=f"{titles} against {lines.label} for "
        f"{len(comparison.drawn)} series. " + leaders_text(comparison),
    )
