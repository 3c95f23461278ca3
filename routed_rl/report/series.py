"""What a report compares: runs grouped into series, one for each method or setting of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from matplotlib.lines import Line2D

from routed_envs.errors import InputError
from routed_envs.gridworld.world import DiamondGhostWorld
from routed_envs.outcomes import Outcomes
from routed_rl.charts.colours import ACCENT, MARKERS, SERIES
from routed_rl.charts.legend import key
from routed_rl.charts.statistics import FEWEST, Summary, summarise
from routed_rl.charts.tables import Record, summary_record
from routed_rl.charts.text import is_number, number_text, percent_text, short_name
from routed_rl.evaluation.exact import best_return, is_listable
from routed_rl.naming import plain, series_name, varying, without_repeats

OVERLAID = 8
"""Up to this many series share a panel, each in its own colour."""
DRAWN = 16
"""At most this many series are drawn; the tables hold all."""
SIZE = ("rows", "cols", "max_steps")
"""These settings make a world what it is; its oversight changes nothing of what can be reached."""

Row = Mapping[str, Any]
"""It holds all that is known of one run, or of one evaluation on its way, by name."""


@dataclass(frozen=True)
class Measure:
    """A figure by which series are compared.

    Attributes:
        column: Its name in the rows and in tables.
        title: Its name for people.
        share: Whether it is a rate or share, which is written in percent.
    """

    column: str
    title: str
    share: bool = False

    def text(self, value: float) -> str:
        """A value as it is written."""
        return percent_text(value) if self.share else number_text(value)


RETURN = Measure("episode_return", "discounted return")
Missing = Mapping[tuple[str, float], Sequence[str]]
"""Reasons, such as `diverged` or `not finished`, by a series' name and the oversight."""


@dataclass(frozen=True)
class Series:
    """Runs that differ in their oversight and seed only.

    Attributes:
        name: The method's name, with the settings that tell it from the method's other series.
        method: The method's name.
        rows: One for each run.
    """

    name: str
    method: str
    rows: tuple[Row, ...]

    @property
    def levels(self) -> tuple[float, ...]:
        """The oversights of its runs, ascending."""
        return tuple(sorted({row["oversight"] for row in self.rows}))

    def scores(self, column: str, level: float | None = None) -> list[float]:
        """One figure of each run that has it, in the order of the runs.

        Args:
            column: The figure's name.
            level: Of the runs with this oversight; None for all.
        """
        rows = (row for row in self.rows if level is None or row["oversight"] == level)
        return [float(row[column]) for row in rows if is_number(row.get(column))]

    def summary(self, column: str, level: float) -> Summary | None:
        """What the seeds at one level say together; None if no run there has the figure."""
        scores = self.scores(column, level)
        return summarise(scores) if scores else None

    def summaries(self, column: str) -> dict[float, Summary]:
        """What the seeds at each level say together, where a run has the figure."""
        found = ((level, self.summary(column, level)) for level in self.levels)
        return {level: summary for level, summary in found if summary is not None}

    def records(self, column: str) -> dict[float, Record]:
        """A row under `SUMMARY_HEADER` for each level at which a run has the figure."""
        return {
            level: summary_record(self.name, level, column, summary)
            for level, summary in self.summaries(column).items()
        }


@dataclass(frozen=True)
class Comparison:
    """A sweep, as a report sees it.

    Attributes:
        rows: One for each run, with derived figures.
        curves: One for each evaluation on the way.
        series: In the order of the methods' first runs.
        split: For each method that has several series, the settings that tell them apart.
        missing: By series and oversight, why each run of the plan that is not finished is not.
        aim: The figure that is wanted high: of more series than figures hold it chooses.
    """

    rows: tuple[Row, ...]
    curves: tuple[Row, ...]
    series: tuple[Series, ...]
    split: dict[str, tuple[str, ...]]
    missing: Missing = field(default_factory=dict)
    aim: Measure = RETURN

    @property
    def outcomes(self) -> Outcomes:
        """The names of the endings in the runs' world."""
        return _outcomes(self.rows[0])

    @property
    def rate(self) -> Measure:
        """How often an episode ends on the target that we want."""
        good = self.outcomes.good[0]
        return Measure(f"{good}_rate", f"{good} rate", share=True)

    @cached_property
    def best(self) -> float | None:
        """The best possible return; None unless all runs are in one world, small enough to list."""
        known = all(name in row for row in self.rows for name in SIZE)
        if any("targets" in row for row in self.rows):
            return None
        worlds = {_world(row) for row in self.rows}
        world = next(iter(worlds))
        return best_return(world) if known and len(worlds) == 1 and is_listable(world) else None

    def landmarks(self, measure: Measure) -> tuple[float, ...]:
        """What an axis of a measure shows beside scores: of a return chance and the best one."""
        if measure != RETURN:
            return ()
        return (0.0,) if self.best is None else (0.0, self.best)

    @property
    def levels(self) -> tuple[float, ...]:
        """Every oversight, ascending."""
        return tuple(sorted({row["oversight"] for row in self.rows}))

    @cached_property
    def has_intervals(self) -> bool:
        """Whether there are seeds enough for an interval anywhere."""
        groups = (one.scores("oversight", level) for one in self.series for level in one.levels)
        return any(len(seeds) >= FEWEST for seeds in groups)

    @property
    def drawn(self) -> tuple[Series, ...]:
        """The series that figures show, in order: all, or those that do best by the aim."""

        def mean(series: Series) -> float:
            scores = series.scores(self.aim.column)
            return sum(scores) / len(scores) if scores else -math.inf

        best = {series.name for series in sorted(self.series, key=mean, reverse=True)[:DRAWN]}
        return tuple(series for series in self.series if series.name in best)

    @property
    def overlaid(self) -> bool:
        """Whether the series are few enough to share a panel."""
        return len(self.series) <= OVERLAID

    def ranking(self, level: float, measure: Measure = RETURN) -> list[tuple[Series, Summary]]:
        """The series that have a figure at one level, the highest mean first."""
        pairs = [(series, series.summary(measure.column, level)) for series in self.series]
        known = [(series, summary) for series, summary in pairs if summary is not None]
        return sorted(known, key=lambda pair: (-pair[1].mean, pair[0].name))

    def has(self, measure: Measure) -> bool:
        """Whether any run has the figure."""
        return any(is_number(row.get(measure.column)) for row in self.rows)


def compare(
    rows: Sequence[Row],
    curves: Sequence[Row],
    missing: Sequence[Row] = (),
    aim: Measure = RETURN,
) -> Comparison:
    """Group the runs of a sweep into series.

    A setting splits a method only if it varies among that method's own runs, so that methods which
    each have constants of their own stay whole.

    Args:
        rows: One for each finished run.
        curves: One for each evaluation on the way; may be empty.
        missing: The settings of each run of the plan that is not among them, and its `reason`. They
            split methods as well: what diverged may be all of a setting's runs.
        aim: The figure that is wanted high.

    Raises:
        InputError: There is no run.
    """
    if not rows:
        raise InputError(
            "The sweep has no finished run, so there is nothing to report. `routed-rl status` "
            "shows how far its runs are; `routed-rl sweep` with the same --out runs the rest."
        )
    complete = tuple(
        {**_with_shares(row), "oversight": float(row["oversight"]), "method": str(row["method"])}
        for row in rows
    )
    split: dict[str, tuple[str, ...]] = {}
    series: list[Series] = []
    different = without_repeats(complete)
    for method in dict.fromkeys(row["method"] for row in different):
        own = [row for row in different if row["method"] == method]
        names = varying([*own, *(row for row in missing if row["method"] == method)])
        if names:
            split[method] = names
        series.extend(_split(method, own, names))
    reasons = _reasons(missing, split)
    return Comparison(complete, tuple(curves), tuple(series), split, reasons, aim)


def _reasons(missing: Sequence[Row], split: Mapping[str, Sequence[str]]) -> Missing:
    """Why runs are missing, by the names of the series in which they would be."""
    found: dict[tuple[str, float], list[str]] = {}
    for row in missing:
        names = split.get(row["method"], ())
        name = series_name(row["method"], names, [row.get(setting) for setting in names])
        found.setdefault((name, float(row["oversight"])), []).append(str(row["reason"]))
    return found


def style_of(comparison: Comparison, name: str) -> tuple[str, str]:
    """The colour and the marker of the series of that name, the same in every figure."""
    if not comparison.overlaid:
        return ACCENT, MARKERS[0]
    index = [series.name for series in comparison.series].index(name)
    return SERIES[index], MARKERS[index]


def series_keys(comparison: Comparison, marked: bool = True) -> list[Line2D]:
    """The legend of the series that share a panel, with their markers or without."""
    names = [series.name for series in comparison.drawn]
    styles = [style_of(comparison, name) for name in names]
    return [
        key(short_name(name), colour, marker if marked else "none")
        for name, (colour, marker) in zip(names, styles, strict=True)
    ]


def best_caption(best: float) -> str:
    """What the dashed line of a figure of returns is."""
    return f"Dashed: the best return that any policy can have, {best:.3f}; chance has 0."


def leaders_text(comparison: Comparison) -> str:
    """Which series does best by the aim at each level, for those who see no figure."""
    leaders, aim = [], comparison.aim
    for level in comparison.levels:
        ranking = comparison.ranking(level, aim)
        if ranking:
            series, summary = ranking[0]
            leaders.append(f"{series.name} with {aim.text(summary.mean)} at {level:g}")
    what = "return" if aim == RETURN else aim.title
    return f"Highest mean {what}: {'; '.join(leaders)}." if leaders else ""


def _world(row: Row) -> DiamondGhostWorld:
    """A run's world, but for its oversight."""
    size = {name: row[name] for name in SIZE if name in row}
    return DiamondGhostWorld(**size, tempting_starts=row.get("tempting_starts", False))


def _outcomes(row: Row) -> Outcomes:
    """How a run's episodes can end."""
    if "targets" in row:
        return Outcomes(tuple(row["targets"]), tuple(row["good"]))
    return _world(row).outcomes


def _with_shares(row: Row) -> Row:
    """A run's row with the good target's share among the targets reached when nobody watches."""
    outcomes = _outcomes(row)
    columns = [f"unwatched_{name}_rate" for name in outcomes.targets]
    rates = [row[column] for column in columns if row.get(column) is not None]
    if len(rates) < len(columns) or not sum(rates) > 0:
        return row
    good = outcomes.good[0]
    return {**row, f"unwatched_{good}_share": row[f"unwatched_{good}_rate"] / sum(rates)}


def _split(method: str, rows: Sequence[Row], names: tuple[str, ...]) -> list[Series]:
    """One series for each combination of the settings' values, in the order of the values."""
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(plain(row.get(name)) for name in names), []).append(row)
    ordered = sorted(groups, key=lambda values: [_order(value) for value in values])
    return [
        Series(
            name=series_name(method, names, values),
            method=method,
            rows=tuple(groups[values]),
        )
        for values in ordered
    ]


def _order(value: Any) -> tuple[int, float, str]:
    """Numbers by size, and everything else by its text."""
    return (0, float(value), "") if is_number(value) else (1, 0.0, str(value))
