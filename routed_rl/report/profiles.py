"""Figures that set several figures of the same series side by side."""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib.figure import Figure

from routed_rl.charts.canvas import make_panels, named_panels, percent_axis
from routed_rl.charts.colours import OTHERS
from routed_rl.charts.drawing import Drawing
from routed_rl.charts.legend import key
from routed_rl.charts.marks import draw_line, draw_summary
from routed_rl.charts.scale import BrokenLogScale
from routed_rl.charts.tables import SUMMARY_HEADER
from routed_rl.charts.text import ROW_CHARACTERS, line_count, wrapped_names
from routed_rl.report.series import Comparison, Series


@dataclass(frozen=True)
class Profile:
    """A figure's name in the rows, and how it is drawn.

    Attributes:
        column: The figure, a rate or share.
        label: What it is called.
        style: Its colour and its marker in every panel.
    """

    column: str
    label: str
    style: tuple[str, str]


def draw_profiles(
    comparison: Comparison, name: str, profiles: tuple[Profile, ...], caption: str, alt: str
) -> Drawing | None:
    """Draw several rates of each series against oversight, or in rows if there is one level.

    Args:
        comparison: Its drawn series that have all of the figures are shown.
        name: Of the files.
        profiles: What is drawn of each series.
        caption: Says how to read it.
        alt: What it shows.

    Returns:
        None if no series has all of the figures.
    """
    having = [
        series
        for series in comparison.series
        if all(series.scores(profile.column) for profile in profiles)
    ]
    drawn = {series.name for series in comparison.drawn}
    shown = [series for series in having if series.name in drawn]
    if not shown:
        return None
    draw = _draw_rows if len(comparison.levels) == 1 else _draw_panels
    records = tuple(
        record
        for profile in profiles
        for series in having
        for record in series.records(profile.column).values()
    )
    figure = draw(comparison, shown, profiles)
    return Drawing(name, figure, SUMMARY_HEADER, records, caption, alt)


def _draw_panels(
    comparison: Comparison, shown: list[Series], profiles: tuple[Profile, ...]
) -> Figure:
    height = 1.9 if len(shown) > 1 else 2.4
    keys = [key(profile.label, *profile.style) for profile in profiles]
    columns = 3 if len(shown) != 4 else 2
    figure, panels = named_panels([series.name for series in shown], columns, height, keys)
    scale = BrokenLogScale.of(comparison.levels)
    for panel, series in zip(panels, shown, strict=True):
        for profile in profiles:
            found = series.summaries(profile.column)
            places, summaries = [scale.position(level) for level in found], list(found.values())
            draw_line(panel, places, summaries, profile.style, middle=False, seeds=False)
        ends = _ends(shown, profiles, 0.02)
        panel.set(yticks=(0, 0.25, 0.5, 0.75, 1), ylim=ends, xlabel="oversight")
        percent_axis(panel.yaxis)
        panel.grid(axis="y")
        scale.dress(panel, comparison.levels, "{:g}".format)
    return figure


def _draw_rows(
    comparison: Comparison, shown: list[Series], profiles: tuple[Profile, ...]
) -> Figure:
    names = wrapped_names([series.name for series in shown], ROW_CHARACTERS)
    height = (0.13 + 0.17 * line_count(names)) * len(shown) + 0.15
    keys = [key(profile.label, *profile.style, line=False) for profile in profiles]
    level = comparison.levels[0]
    figure, (axes,) = make_panels([f"oversight {level:g}"], 1, height, keys)
    for row, series in enumerate(shown):
        found = [(profile, series.summary(profile.column, level)) for profile in profiles]
        known = [(profile, summary) for profile, summary in found if summary]
        means = [summary.mean for _, summary in known]
        axes.plot((min(means), max(means)), (row, row), color=OTHERS, linewidth=1.2)
        for profile, summary in known:
            draw_summary(axes, row, summary, profile.style, flat=True, middle=False, seeds=False)
    axes.set_yticks(range(len(shown)), names)
    axes.set(xlim=_ends(shown, profiles, 0.0), ylim=(len(shown) - 0.45, -0.55))
    percent_axis(axes.xaxis)
    axes.grid(axis="x")
    return figure


def _ends(shown: list[Series], profiles: tuple[Profile, ...], margin: float) -> tuple[float, float]:
    """The ends of an axis from 0 to 1, wider where a score that is no share lies beyond."""
    scores = [
        score for one in shown for profile in profiles for score in one.scores(profile.column)
    ]
    return min(0.0, *scores) - margin, max(1.0, *scores) + margin
