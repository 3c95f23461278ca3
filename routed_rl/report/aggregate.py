"""What the levels say together: the mean over them of an interquartile mean, for each series."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from routed_rl.charts.statistics import (
    FEWEST,
    SEED,
    Interval,
    bootstrap_interval,
    interquartile_mean,
)
from routed_rl.charts.tables import NONE, NumberTable, interval_text
from routed_rl.report.series import RETURN, Comparison, Measure, Series

COLUMNS = ("series", "figure", "levels", "interquartile_mean", "low", "high")


@dataclass(frozen=True)
class Aggregate:
    """One figure of one series over several levels.

    Attributes:
        series: Its name.
        measure: The figure.
        value: The mean over the levels of the interquartile mean over the seeds at each.
        interval: Stratified by level; None if a level has fewer than three seeds.
    """

    series: str
    measure: Measure
    value: float
    interval: Interval | None

    @property
    def text(self) -> str:
        """The value with its interval."""
        ends = interval_text(self.interval, self.measure.text)
        return f"{self.measure.text(self.value)} {ends}".strip()


def shared_levels(comparison: Comparison) -> tuple[float, ...]:
    """The levels at which every series has a return."""
    return tuple(
        level
        for level in comparison.levels
        if all(series.scores(RETURN.column, level) for series in comparison.series)
    )


def aggregate(series: Series, measure: Measure, levels: tuple[float, ...]) -> Aggregate | None:
    """Sum a figure up over levels, with an interval that resamples the seeds within each.

    Args:
        series: One method's runs.
        measure: The figure.
        levels: Over which, at least one.

    Returns:
        None if the figure is missing at one of them.
    """
    strata = [series.scores(measure.column, level) for level in levels]
    if not all(strata):
        return None
    interval = None
    if min(map(len, strata)) >= FEWEST:
        generator = np.random.default_rng(SEED)
        interval = bootstrap_interval(strata, interquartile_mean, generator)
    value = float(np.mean([interquartile_mean(scores) for scores in strata]))
    return Aggregate(series.name, measure, value, interval)


def aggregates(comparison: Comparison) -> NumberTable | None:
    """Return and rate of the good target over all shared levels, the highest return first.

    Returns:
        None if fewer than two levels are shared.
    """
    levels = shared_levels(comparison)
    if len(levels) < 2:
        return None
    rows = []
    for series in comparison.series:
        sums = [aggregate(series, measure, levels) for measure in (RETURN, comparison.rate)]
        runs = sum(len(series.scores(RETURN.column, level)) for level in levels)
        rows.append((series.name, *sums, runs))
    rows.sort(key=lambda row: -row[1].value)
    texts = tuple(
        (name, *(one.text if one else NONE for one in sums), str(runs))
        for name, *sums, runs in rows
    )
    records = tuple(
        _record(one, len(levels)) for _, *sums, _ in rows for one in sums if one is not None
    )
    header = ("method", "return", comparison.rate.title, "runs")
    return NumberTable("aggregate", header, texts, COLUMNS, records)


def _record(found: Aggregate, levels: int) -> tuple[object, ...]:
    """A row under `COLUMNS`."""
    ends = (found.interval.low, found.interval.high) if found.interval else (None, None)
    return (found.series, found.measure.column, levels, found.value, *ends)
