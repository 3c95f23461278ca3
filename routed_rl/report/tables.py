"""The tables of a report: winners, numbers, and early stopping."""

from __future__ import annotations

from dataclasses import dataclass

from routed_rl.charts.drawing import SUMMARY_HEADER, Record, summary_record
from routed_rl.charts.statistics import FEWEST, Interval, Summary
from routed_rl.report.series import Comparison
from routed_rl.report.words import RETURN, joined, number_text

RELABEL = "relabel_accuracy"
NONE = "\N{EN DASH}"
"""Stands in a cell without a number."""


@dataclass(frozen=True)
class NumberTable:
    """A table as people read it, and its numbers as programs do.

    Attributes:
        name: Of its file.
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


def interval_text(interval: Interval | None, column: str = RETURN) -> str:
    """An interval in brackets, or nothing."""
    if interval is None:
        return ""
    return f"[{number_text(interval.low, column)}, {number_text(interval.high, column)}]"


def summary_text(summary: Summary | None, column: str = RETURN) -> str:
    """A mean with its interval if it has one."""
    if summary is None:
        return NONE
    mean = number_text(summary.mean, column)
    return f"{mean} {interval_text(summary.interval, column)}".strip()


def level_sentence(comparison: Comparison, level: float) -> str:
    """Who wins at a level by mean return, who is next, and whether the intervals overlap.

    Args:
        comparison: The sweep.
        level: One of its levels.
    """
    ranking = comparison.ranking(level)
    if not ranking:
        return f"No return is known at {level:g}."
    winner, best = ranking[0]
    if len(ranking) == 1:
        return f"{winner.name} is alone at {level:g}: {summary_text(best)}{_honesty([best])}."
    second, next_best = ranking[1]
    if best.mean == next_best.mean:
        start = f"{winner.name} and {second.name} tie at {level:g}: {summary_text(best)}"
        return f"{start} and {summary_text(next_best)}{_honesty([best, next_best])}."
    start = f"{winner.name} wins at {level:g}: {summary_text(best)}; next {second.name} with"
    return f"{start} {summary_text(next_best)}{_honesty([best, next_best])}."


def _honesty(summaries: list[Summary]) -> str:
    """What the intervals say of the order, or why there is none."""
    first, last = summaries[0].interval, summaries[-1].interval
    if first is None or last is None:
        return f"; with fewer than {FEWEST} seeds no interval can be given honestly"
    if len(summaries) == 1:
        return ""
    return f"; the intervals {'overlap' if first.overlaps(last) else 'do not overlap'}"


def winners(comparison: Comparison) -> NumberTable:
    """A sentence for each level, and the whole ranking as numbers."""
    texts = tuple((f"{level:g}", level_sentence(comparison, level)) for level in comparison.levels)
    records = [
        (rank, *summary_record(series.name, level, RETURN, summary))
        for level in comparison.levels
        for rank, (series, summary) in enumerate(comparison.ranking(level), 1)
    ]
    header = ("oversight", "which has the highest mean return")
    return NumberTable("winners", header, texts, ("rank", *SUMMARY_HEADER), tuple(records))


def numbers(comparison: Comparison, name: str, column: str) -> NumberTable:
    """A figure's mean and interval for every series at every level.

    Args:
        comparison: The sweep.
        name: Of the table's file.
        column: The figure; series without it are left out.
    """
    having = [series for series in comparison.series if series.scores(column)]
    levels = [
        level
        for level in comparison.levels
        if any(series.scores(column, level) for series in having)
    ]
    texts, records = [], []
    for series in having:
        found = [(level, series.summary(column, level)) for level in levels]
        texts.append((series.name, *(summary_text(summary, column) for _, summary in found)))
        records += [
            summary_record(series.name, level, column, summary)
            for level, summary in found
            if summary
        ]
    header = ("method", *(f"at {level:g}" for level in levels))
    return NumberTable(name, header, tuple(texts), SUMMARY_HEADER, tuple(records))


def stopping_sentence(comparison: Comparison) -> str:
    """Where early stopping never triggered; empty if it always did or nobody asked for it."""
    parts = []
    for series in comparison.series:
        places = []
        for level in series.levels:
            wanting = [row for row in series.rows if row["oversight"] == level]
            never = sum(row.get("selected") is False for row in wanting)
            if never:
                places.append(f"at {level:g} ({never} of {len(wanting)} seeds)")
        if places:
            parts.append(f"{series.name} {joined(places)}")
    return (
        "Early stopping never triggered, so that it chose no policy, for " + "; ".join(parts) + "."
        if parts
        else ""
    )
