"""Learning curves: the deployed policy's return while the runs trained."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from routed_rl.charts.canvas import (
    make_panels,
    named_panels,
    reference_line,
    step_axis,
    value_limits,
)
from routed_rl.charts.colours import level_colour
from routed_rl.charts.drawing import Drawing
from routed_rl.charts.legend import key
from routed_rl.charts.statistics import FEWEST, SEED, mean_bands
from routed_rl.charts.tables import NO_INTERVAL, Record
from routed_rl.charts.text import is_number
from routed_rl.environment_config import episodes_on_the_way
from routed_rl.report.series import RETURN, Comparison, leaders_text, series_keys, style_of

HEADER = ("series", "oversight", "environment_steps", "seeds", "mean", "low", "high")


@dataclass(frozen=True)
class Curve:
    """One series at one level, over time.

    Attributes:
        series: Its name.
        level: The oversight.
        points: The rest of a row under `HEADER`, ascending; where fewer than three runs were
            judged there is no interval, but None.
    """

    series: str
    level: float
    points: tuple[Record, ...]


def learning_curves(comparison: Comparison) -> list[Curve]:
    """The mean curve of the deployed policy, for every series at every level."""
    names = {row["run"]: series.name for series in comparison.series for row in series.rows}
    groups: dict[tuple[str, float], dict[float, list[float]]] = {}
    for row in comparison.curves:
        if row.get("is_deployed") and row["run"] in names and is_number(row.get(RETURN.column)):
            place = (names[row["run"]], float(row["oversight"]))
            scores = groups.setdefault(place, {}).setdefault(row["environment_steps"], [])
            scores.append(row[RETURN.column])
    order = {series.name: index for index, series in enumerate(comparison.series)}
    ordered = sorted(groups, key=lambda place: (order[place[0]], place[1]))
    return [_curve(name, level, groups[name, level]) for name, level in ordered]


def draw_learning_curves(comparison: Comparison) -> Drawing | None:
    """Draw a panel for each level, or for each series if there are many.

    Returns:
        None if there is no evaluation of a deployed policy.
    """
    curves = learning_curves(comparison)
    drawn = {series.name for series in comparison.drawn}
    shown = [curve for curve in curves if curve.series in drawn]
    if not shown:
        return None
    figure = _draw(comparison, shown)
    for panel in figure.axes:
        _dress(panel, shown, comparison)
    band = ""
    if comparison.has_intervals:
        few = f"where there are at least {FEWEST} seeds"
        band = f"Band: 95% bootstrap interval of the mean, {few}. "
    return Drawing(
        name="learning_curves",
        figure=figure,
        header=HEADER,
        records=tuple((c.series, c.level, *point) for c in curves for point in c.points),
        caption=(
            "Return of the deployed policy in the evaluations on the way, against environment "
            f"steps. Line: mean over seeds. {band}A short line is a method that takes fewer steps."
            + _sampled(comparison)
        ),
        alt=f"Learning curves of {len(drawn)} series. At the end: {leaders_text(comparison)}",
    )


def _sampled(comparison: Comparison) -> str:
    """Of how many episodes a point is, where they are sampled; fewer than at the runs' ends."""
    rows = (row for row in comparison.rows if "evaluation_episodes" in row)
    counts: set[int] = {row["evaluation_episodes"] for row in rows}
    if len(counts) != 1:
        return ""
    (count,) = counts
    few = episodes_on_the_way(count)
    return f" A point samples {few} episodes of each run, the other figures {count}."


def _curve(name: str, level: float, returns: dict[float, list[float]]) -> Curve:
    """The means of some runs' returns by steps, with bands."""
    steps = sorted(returns)
    bands: dict[float, tuple[float, float]] = {}
    for seeds in {len(scores) for scores in returns.values()} - set(range(FEWEST)):
        alike = [step for step in steps if len(returns[step]) == seeds]
        scores = np.array([sorted(returns[step]) for step in alike]).T
        ends = mean_bands(scores, np.random.default_rng(SEED))
        bands.update(zip(alike, zip(*(end.tolist() for end in ends), strict=True), strict=True))
    points = (
        (step, len(returns[step]), float(np.mean(returns[step])), *bands.get(step, NO_INTERVAL))
        for step in steps
    )
    return Curve(name, level, tuple(points))


def _draw(comparison: Comparison, curves: list[Curve]) -> Figure:
    """A panel for each level and a line for each series; of many series the other way round."""
    levels = sorted({curve.level for curve in curves})
    if comparison.overlaid:
        keys = series_keys(comparison, marked=False)
        titles = [f"oversight {level:g}" for level in levels]
        figure, panels = make_panels(titles, 2 if len(levels) in (2, 4) else 3, 1.9, keys)
        lines = [(levels.index(c.level), style_of(comparison, c.series)[0]) for c in curves]
    else:
        names = list(dict.fromkeys(curve.series for curve in curves))
        colours = {lev: level_colour(index, len(levels)) for index, lev in enumerate(levels)}
        keys = [key(f"oversight {level:g}", colours[level], "none") for level in levels]
        figure, panels = named_panels(names, 4, 1.35, keys)
        lines = [(names.index(curve.series), colours[curve.level]) for curve in curves]
    for curve, (panel, colour) in zip(curves, lines, strict=True):
        _draw_curve(panels[panel], curve, colour)
    return figure


def _draw_curve(axes: Axes, curve: Curve, colour: str) -> None:
    steps, _, means, lows, highs = np.array(curve.points, dtype=np.float64).T
    marker = "o" if len(steps) == 1 else "none"
    axes.plot(steps, means, color=colour, linewidth=1.7, marker=marker, markersize=4)
    axes.fill_between(steps, lows, highs, color=colour, alpha=0.18, linewidth=0)


def _dress(axes: Axes, curves: list[Curve], comparison: Comparison) -> None:
    returns = [end for curve in curves for point in curve.points for end in point[2:]]
    ends = [end for end in returns if end is not None]
    axes.set_ylim(value_limits(ends, RETURN.share, comparison.landmarks(RETURN)))
    step_axis(axes, max(curve.points[-1][0] for curve in curves))
    axes.grid(axis="y")
    if comparison.best is not None:
        reference_line(axes, comparison.best)
