"""Tables as people read them, and as programs do: comma-separated values."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from routed_agents.files import write_atomically
from routed_rl.charts.statistics import Interval, Summary
from routed_rl.charts.text import NONE, number_text

SUMMARY_HEADER = (
    *("series", "oversight", "figure", "seeds"),
    *("mean", "interquartile_mean", "low", "high"),
)
NO_INTERVAL = (None, None)
"""A record has this in place of an interval where there are too few scores for one."""

Record = Sequence[Any]


@dataclass(frozen=True)
class NumberTable:
    """A table as people read it, and its numbers as programs do.

    Attributes:
        name: Of its file, as `file_name` makes it.
        header: The columns on the page.
        texts: The rows on the page.
        columns: The columns of the file.
        records: The rows of the file.
    """

    name: str
    header: tuple[str, ...]
    texts: tuple[tuple[str, ...], ...]
    columns: tuple[str, ...]
    records: tuple[Record, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", file_name(self.name))

    def rows(self) -> list[dict[str, Any]]:
        """The rows of the file, by the names of its columns."""
        return [dict(zip(self.columns, record, strict=True)) for record in self.records]

    def save(self, folder: Path) -> None:
        """Write the numbers as CSV into a folder that exists."""
        write_atomically(folder / f"{self.name}.csv", table_text(self.columns, self.records))


def file_name(text: str) -> str:
    """A text as a file's name without an ending: letters, digits and underscores alone.

    Whoever names an outcome, and whoever made the sweep, says neither where a report writes nor
    what stands in its page.
    """
    return re.sub(r"\W+", "_", text)


def table_text(header: Iterable[str], records: Iterable[Record]) -> bytes:
    """A table as comma-separated values; None becomes an empty field."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(header)
    table.writerows(records)
    return text.getvalue().encode()


def summary_record(series: str, level: float, column: str, summary: Summary) -> tuple[Any, ...]:
    """A row under `SUMMARY_HEADER`."""
    figures = (summary.mean, summary.interquartile_mean, *(summary.interval or NO_INTERVAL))
    return (series, level, column, len(summary.scores), *figures)


def interval_text(value: float, interval: Interval | None, text: Callable[[float], str]) -> str:
    """A value with its interval in brackets, unless there are too few scores for one."""
    return text(value) + (f" [{text(interval.low)}, {text(interval.high)}]" if interval else "")


def summary_text(summary: Summary | None, text: Callable[[float], str] = number_text) -> str:
    """A mean with its interval if it has one; a dash where there is no score."""
    return NONE if summary is None else interval_text(summary.mean, summary.interval, text)
