"""Figures of series along an axis: one panel for all, or one for each where there are many."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from typing import Any

from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from routed_rl.charts.canvas import (
    horizontal_lines,
    make_panels,
    named_panels,
    percent_axis,
    reference_line,
    value_limits,
)
from routed_rl.charts.colours import OTHERS, PAPER
from routed_rl.charts.drawing import Drawing
from routed_rl.charts.legend import MARK_KEYS
from routed_rl.charts.scale import BrokenLogScale
from routed_rl.charts.statistics import Summary
from routed_rl.charts.tables import SUMMARY_HEADER, summary_record
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


@dataclass(frozen=True)
class Point:
    """One series at one level.

    Attributes:
        level: The oversight.
        value: On the horizontal axis.
        summary: What its seeds say.
    """

    level: float
    value: float
    summary: Summary


def draw_lines(comparison: Comparison, lines: Lines) -> list[Drawing]:
    """Draw figures along the axis.

    Few series share panels and one figure; of many each has a panel, and each measure a figure.
    """
    if comparison.overlaid:
        return [_draw_together(comparison, lines)]
    return [_draw_apart(comparison, lines, measure) for measure in lines.measures]


def _draw_together(comparison: Comparison, lines: Lines) -> Drawing:
    marks = MARK_KEYS if lines.seeds else MARK_KEYS[:3]
    figure, panels = make_panels(len(lines.measures), 2, 3.1, series_keys(comparison), marks)
    shown = comparison.drawn
    for panel, measure in zip(panels, lines.measures, strict=True):
        panel.set_title(measure.title)
        _dress(panel, comparison, lines, measure)
        for index, series in enumerate(shown):
            shift = lines.scale.dodge(index, len(shown)) if lines.seeds else 0.0
            points = _points(series, lines, measure)
            _draw_series(panel, lines, points, *style_of(comparison, series), shift)
    return _drawing(comparison, lines, lines.name, lines.measures, figure)


def _draw_apart(comparison: Comparison, lines: Lines, measure: Measure) -> Drawing:
    """A panel for each series, with the others behind it."""
    shown = comparison.drawn
    marks = MARK_KEYS if lines.seeds else MARK_KEYS[:3]
    figure, panels = named_panels([series.name for series in shown], 4, 1.35, marks)
    everyone = [_points(series, lines, measure) for series in shown]
    paths = [
        [(lines.scale.position(point.value), point.summary.mean) for point in points]
        for points in everyone
    ]
    for panel, series, own in zip(panels, shown, everyone, strict=True):
        _dress(panel, comparison, lines, measure)
        panel.add_collection(LineCollection(paths, colors=OTHERS, linewidths=0.8, zorder=1.5))
        dots = list(zip(*chain(*paths), strict=True))
        panel.scatter(*dots, s=7, color=OTHERS, linewidths=0, zorder=1.6)
        _draw_series(panel, lines, own, *style_of(comparison, series), 0.0)
    name = f"{lines.name}_{measure.column}" if len(lines.measures) > 1 else lines.name
    return _drawing(comparison, lines, name, (measure,), figure)


def _points(series: Series, lines: Lines, measure: Measure) -> list[Point]:
    """A series along the axis, in the order of its levels."""
    pairs = [(level, series.summary(measure.column, level)) for level in series.levels]
    return [
        Point(level, lines.place(series, level), summary)
        for level, summary in pairs
        if summary is not None
    ]


def _dress(panel: Axes, comparison: Comparison, lines: Lines, measure: Measure) -> None:
    best = comparison.best if measure == RETURN else None
    scores = [score for series in comparison.drawn for score in series.scores(measure.column)]
    panel.set_ylim(value_limits(scores, measure.share, best))
    horizontal_lines(panel)
    if measure.share:
        percent_axis(panel.yaxis)
    lines.scale.dress(panel, lines.ticks, lines.text)
    panel.set_xlabel(lines.label)
    if best is not None:
        reference_line(panel, best, f"best possible {best:.3f}" if comparison.overlaid else "")


def _draw_series(
    panel: Axes, lines: Lines, points: list[Point], colour: str, marker: str, shift: float
) -> None:
    if not points:
        return
    places = [lines.scale.position(point.value) + shift for point in points]
    summaries = [point.summary for point in points]
    panel.plot(places, [summary.mean for summary in summaries], color=colour, linewidth=1.2)
    known = list(zip(places, summaries, strict=True))
    bars = [
        [(place, summary.interval.low), (place, summary.interval.high)]
        for place, summary in known
        if summary.interval
    ]
    panel.add_collection(LineCollection(bars, colors=colour, linewidths=2.2, zorder=2))
    if lines.seeds:
        dots = [(place, score) for place, summary in known for score in summary.scores]
        look: dict[str, Any] = {"s": 9, "alpha": 0.4, "linewidths": 0, "zorder": 2.2}
        panel.scatter(*zip(*dots, strict=True), color=colour, **look)
    means = [summary.mean for summary in summaries]
    panel.plot(places, means, marker, color=colour, markersize=5.6, zorder=3, clip_on=False)
    middles = [summary.interquartile_mean for summary in summaries]
    small: dict[str, Any] = {"markersize": 2.9, "markeredgewidth": 0.8, "zorder": 3.2}
    panel.plot(places, middles, "D", mfc=PAPER, mec=colour, clip_on=False, **small)


def _drawing(
    comparison: Comparison, lines: Lines, name: str, measures: tuple[Measure, ...], figure: Figure
) -> Drawing:
    """The figure with its numbers: every series, also those that are not drawn."""
    records = [
        (*summary_record(series.name, point.level, measure.column, point.summary), point.value)
        for measure in measures
        for series in comparison.series
        for point in _points(series, lines, measure)
    ]
    caption = [lines.caption]
    if not comparison.overlaid:
        caption.append("Grey: the other series.")
    if comparison.best is not None and RETURN in measures:
        caption.append(best_caption(comparison.best))
    titles = joined([measure.title for measure in measures])
    return Drawing(
        name=name,
        figure=figure,
        header=(*SUMMARY_HEADER, "horizontal"),
        records=tuple(records),
        caption=" ".join(caption),
        alt=f"{titles[0].upper()}{titles[1:]} against {lines.label} for "
        f"{len(comparison.drawn)} series. " + leaders_text(comparison),
    )
