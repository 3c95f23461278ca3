"""The marks of scores that are summed up over seeds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from routed_rl.charts.colours import MUTED, PAPER
from routed_rl.charts.legend import key
from routed_rl.charts.statistics import FEWEST, Summary

NO_INTERVALS = f" There are no intervals: they take {FEWEST} seeds."


def mark_keys(intervals: bool, seeds: bool = True) -> tuple[Line2D, ...]:
    """The legend of the marks.

    Args:
        intervals: Whether any score has one.
        seeds: Whether single seeds are drawn.
    """
    keys = [
        key("mean", MUTED, "o", line=False),
        key("interquartile mean", MUTED, "D", line=False, hollow=True),
    ]
    if intervals:
        keys.append(key("95% interval of the mean", MUTED, "|", line=False))
    if seeds:
        keys.append(key("one seed", MUTED, ".", line=False))
    return tuple(keys)


def reading(intervals: bool) -> str:
    """How to read the marks, in a caption, with single seeds."""
    bar = "Bar: 95% bootstrap interval of the mean. " if intervals else ""
    return (
        "Filled mark: mean over seeds. Small open diamond: interquartile mean. "
        f"{bar}Faint dots: single seeds.{'' if intervals else NO_INTERVALS}"
    )


def reading_profiles(intervals: bool) -> str:
    """How to read marks without single seeds, in a caption."""
    bars = ", bars 95% intervals." if intervals else f".{NO_INTERVALS}"
    return f"Marks are means over seeds{bars}"


def draw_summary(
    axes: Axes,
    place: float,
    summary: Summary,
    style: tuple[str, str],
    *,
    flat: bool = False,
    middle: bool = True,
    seeds: bool = True,
) -> None:
    """Draw what the seeds of one method at one level say together.

    Args:
        axes: The panel.
        place: On the horizontal axis; on the vertical one if it is drawn flat.
        summary: Its mean is drawn with the interval.
        style: The colour, and the marker of the mean.
        flat: Whether it lies in a row instead of standing upright.
        middle: Whether the interquartile mean is drawn.
        seeds: Whether each score is drawn.
    """
    colour, marker = style

    def plot(values: Sequence[float], **look: Any) -> None:
        places = [place] * len(values)
        points = (values, places) if flat else (places, values)
        axes.plot(*points, color=colour, clip_on=False, **look)

    if seeds:
        plot(summary.scores, marker="o", markersize=3, mew=0, alpha=0.4, linestyle="none")
    if summary.interval:
        plot(summary.interval, linewidth=2.2, solid_capstyle="butt")
    plot([summary.mean], marker=marker, markersize=6, zorder=3)
    if middle:
        centre = [summary.interquartile_mean]
        plot(centre, marker="D", markersize=3, mfc=PAPER, mew=0.8, zorder=3.2)


def draw_line(
    axes: Axes,
    places: Sequence[float],
    summaries: Sequence[Summary],
    style: tuple[str, str],
    *,
    middle: bool = True,
    seeds: bool = True,
) -> None:
    """Join the means of a method's levels, with the marks of `draw_summary` at each."""
    axes.plot(places, [summary.mean for summary in summaries], color=style[0], linewidth=1.3)
    for place, summary in zip(places, summaries, strict=True):
        draw_summary(axes, place, summary, style, middle=middle, seeds=seeds)
