"""What the runs of a sweep were trained with: what differs, and what all have in common."""

from __future__ import annotations

from statistics import median
from typing import Any

from routed_rl.charts.drawing import Record
from routed_rl.naming import SETTINGS, plain, setting_text
from routed_rl.report.series import Comparison, Series
from routed_rl.report.tables import NONE, NumberTable
from routed_rl.report.words import count_text, is_number

MOST_VALUES = 4
"""A cell lists up to this many values."""


def settings_table(comparison: Comparison) -> NumberTable:
    """By series: the settings that differ, who acts when deployed, steps and training time."""
    names = _differing(comparison)
    rows = [
        (
            series.name,
            *(_values_text(series, name) for name in ("deployed", *names)),
            _range_text(series, "gradient_steps"),
            _range_text(series, "labels"),
            _seconds_text(series),
        )
        for series in comparison.series
    ]
    records: list[Record] = [
        (
            series.name,
            *(_values_text(series, name) for name in ("deployed", *names)),
            *(_median(series, name) for name in ("gradient_steps", "labels", "seconds")),
        )
        for series in comparison.series
    ]
    shown = [name.replace("_", " ") for name in names]
    header = ("method", "deployed", *shown, "gradient steps", "labels", "median training time")
    columns = ("series", "deployed", *names)
    columns = (*columns, "median_gradient_steps", "median_labels", "median_seconds")
    return NumberTable("settings", header, tuple(rows), columns, tuple(records))


def common_settings(comparison: Comparison) -> tuple[tuple[str, str], ...]:
    """The settings with one value in all runs, as texts."""
    differing = set(_differing(comparison))
    first = comparison.rows[0]
    names = [name for name in SETTINGS if name in first and name not in differing]
    return tuple((name.replace("_", " "), setting_text(first[name])) for name in names)


def _differing(comparison: Comparison) -> list[str]:
    """The settings with more than one value."""
    return [name for name in SETTINGS if len({plain(row.get(name)) for row in comparison.rows}) > 1]


def _values_text(series: Series, name: str) -> str:
    """A setting's values in a series, the most frequent first."""
    values = [plain(row[name]) for row in series.rows if row.get(name) is not None]
    distinct = sorted(set(values), key=values.count, reverse=True)
    texts = sorted({setting_text(value) for value in distinct[:MOST_VALUES]})
    return ", ".join(texts) + (", \N{HORIZONTAL ELLIPSIS}" * (len(distinct) > MOST_VALUES)) or NONE


def _numbers(series: Series, name: str) -> list[float]:
    """A count or time of each run that has it."""
    return [float(row[name]) for row in series.rows if is_number(row.get(name))]


def _range_text(series: Series, name: str) -> str:
    """The least and the greatest of some counts."""
    values = _numbers(series, name)
    if not values:
        return NONE
    low, high = count_text(min(values)), count_text(max(values))
    return low if low == high else f"{low} to {high}"


def _median(series: Series, name: str) -> Any:
    """The median of some counts or times, None without any."""
    values = _numbers(series, name)
    return median(values) if values else None


def _seconds_text(series: Series) -> str:
    """The median training time in seconds, minutes or hours."""
    seconds = _median(series, "seconds")
    if seconds is None:
        return NONE
    for size, unit in ((3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.2g} s"
