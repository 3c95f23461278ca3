"""What the levels say together: the mean over them of an interquartile mean, for each series."""

from __future__ import annotations

from typing import Any

import numpy as np

from routed_rl.charts.statistics import (
    FEWEST,
    SEED,
    Interval,
    bootstrap_interval,
    interquartile_mean,
)
from routed_rl.charts.tables import NO_INTERVAL, NumberTable, interval_text
from routed_rl.charts.text import NONE
from routed_rl.report.series import RETURN, Comparison, Measure, Series

COLUMNS = ("series", "figure", "levels", "interquartile_mean", "low", "high")


def shared_levels(comparison: Comparison) -> tuple[float, ...]:
    """The levels at which every series has a return."""
    return tuple(
        level
        for level in comparison.levels
        if all(series.scores(RETURN.column, level) for series in comparison.series)
    )


def aggregate(
    series: Series, measure: Measure, levels: tuple[float, ...]
) -> tuple[float, Interval | None] | None:
    """Sum a figure up over levels, with an interval that resamples the seeds within each.

    Args:
        series: One method's runs.
        measure: The figure.
        levels: Over which, at least one.

    Returns:
        The mean over the levels of the interquartile mean over the seeds at each, and its
        interval, or None if a level has fewer than three seeds; None if the figure is missing at
        one of them.
    """
    strata = [series.scores(measure.column, level) for level in levels]
    if not all(strata):
        return None
    interval = None
    if min(map(len, strata)) >= FEWEST:
        generator = np.random.default_rng(SEED)
        interval = bootstrap_interval(strata, interquartile_mean, generator)
    return float(np.mean([interquartile_mean(scores) for scores in strata])), interval


def aggregates(comparison: Comparison) -> NumberTable | None:
    """Return and rate of the good target over all shared levels, the highest return first.

    Returns:
        None if fewer than two levels are shared.
    """
    levels = shared_levels(comparison)
    if len(levels) < 2:
        return None
    rows: list[Any] = []
    for series in comparison.series:
        texts, records, sums = [series.name], [], []
        for measure in (RETURN, comparison.rate):
            found = aggregate(series, measure, levels)
            sums.append(found)
            texts.append(interval_text(*found, measure.text) if found else NONE)
            if found:
                ends = found[1] or NO_INTERVAL
                records.append((series.name, measure.column, len(levels), found[0], *ends))
        texts.append(str(sum(len(series.scores(RETURN.column, level)) for level in levels)))
        rows.append((sums[0], texts, records))
    rows.sort(key=lambda row: -row[0][0])
    header = ("method", "return", comparison.rate.title, "runs")
    texts = tuple(tuple(texts) for _, texts, _ in rows)
    records = tuple(record for *_, records in rows for record in records)
    return NumberTable("aggregate", header, texts, COLUMNS, records)
