"""The tables of a report: winners, numbers, early stopping, and what the runs were trained with."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median

from routed_rl.charts.statistics import FEWEST, Summary
from routed_rl.charts.tables import (
    SUMMARY_HEADER,
    NumberTable,
    Record,
    summary_record,
    summary_text,
)
from routed_rl.charts.text import NONE, count_text, is_number, joined
from routed_rl.naming import SETTINGS, duration, plain, setting_text
from routed_rl.report.series import RETURN, Comparison, Measure, Row, Series
from routed_rl.runs.warning_signs import LOST_TOUCH

RELABEL = Measure("relabel_accuracy", "right guesses", share=True)
AGREEMENT = Measure("belief_agreement", "agreement with the labels", share=True)
SURENESS = Measure("belief_sureness", "sureness", share=True)
MOST_VALUES = 4
"""A cell lists up to this many values."""


def level_sentence(comparison: Comparison, level: float) -> str:
    """Who wins at a level by mean return, who is next, and whether the intervals overlap."""
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
    wins = "has the highest mean" if best.interval is None else "wins"
    start = f"{winner.name} {wins} at {level:g}: {summary_text(best)}; next {second.name} with"
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
        (rank, *summary_record(series.name, level, RETURN.column, summary))
        for level in comparison.levels
        for rank, (series, summary) in enumerate(comparison.ranking(level), 1)
    ]
    header = ("oversight", "which has the highest mean return")
    return NumberTable("winners", header, texts, ("rank", *SUMMARY_HEADER), tuple(records))


def numbers(comparison: Comparison, name: str, measure: Measure) -> NumberTable:
    """A figure's mean and interval for every series that has it, at every level."""
    column = measure.column
    having = [series for series in comparison.series if series.scores(column)]
    levels = [
        level
        for level in comparison.levels
        if any(series.scores(column, level) for series in having)
    ]
    texts, records = [], []
    for series in having:
        found = series.summaries(column)
        cells = (
            summary_text(found.get(level), measure.text) + _of_how_many(comparison, series, level)
            for level in levels
        )
        texts.append((series.name, *cells))
        records += series.records(column).values()
    header = ("method", *(f"at {level:g}" for level in levels))
    return NumberTable(name, header, tuple(texts), SUMMARY_HEADER, tuple(records))


def _of_how_many(comparison: Comparison, series: Series, level: float) -> str:
    """How many of a series' planned runs at a level a mean is of; nothing if of all."""
    missing = len(comparison.missing.get((series.name, level), ()))
    finished = len([row for row in series.rows if row["oversight"] == level])
    return f" ({finished} of {finished + missing} runs)" if missing else ""


def missing_table(comparison: Comparison) -> NumberTable:
    """Which runs have no result, and why: a mean over the others may look better than it is."""
    records: list[Record] = []
    for (name, level), reasons in comparison.missing.items():
        rows = [row for one in comparison.series if one.name == name for row in one.rows]
        finished = sum(row["oversight"] == level for row in rows)
        words = "; ".join(f"{reasons.count(why)} {why}" for why in dict.fromkeys(reasons))
        records.append((name, level, finished, finished + len(reasons), words))
    texts = tuple((n, f"{lev:g}", f"{got} of {all_}", why) for n, lev, got, all_, why in records)
    header = ("method", "oversight", "finished", "the others")
    columns = ("series", "oversight", "finished", "planned", "reasons")
    return NumberTable("missing", header, texts, columns, tuple(records))


def warned(row: Row) -> list[str]:
    """What a run warned of, by name; of one of before warnings, that its belief lost touch."""
    return row.get("warnings") or ([LOST_TOUCH] if row.get("lost_touch") else [])


def warnings_table(comparison: Comparison) -> NumberTable:
    """What runs warned of, and which."""
    names = dict.fromkeys(name for row in comparison.rows for name in warned(row))
    texts = tuple(
        (name, where(comparison, lambda row, name=name: name in warned(row))) for name in names
    )
    records = [
        (name, series.name, level, sum(name in warned(row) for row in rows), len(rows))
        for name in names
        for series in comparison.series
        for level, rows in by_level(series).items()
    ]
    columns = ("warning", "series", "oversight", "runs", "of")
    return NumberTable("warnings", ("warning", "runs"), texts, columns, tuple(records))


def where(comparison: Comparison, holds: Callable[[Row], bool]) -> str:
    """For which runs something holds, in words; empty if for none."""
    parts = []
    for series in comparison.series:
        counts = {
            level: (sum(map(holds, rows)), len(rows)) for level, rows in by_level(series).items()
        }
        places = [
            f"at {level:g} ({count} of {seeds} seeds)"
            for level, (count, seeds) in counts.items()
            if count
        ]
        if places:
            parts.append(f"{series.name} {joined(places)}")
    return "; ".join(parts)


def by_level(series: Series) -> dict[float, list[Row]]:
    """The runs of a series at each oversight."""
    return {
        level: [row for row in series.rows if row["oversight"] == level] for level in series.levels
    }


def settings_table(comparison: Comparison) -> NumberTable:
    """By series: the settings that differ, who acts when deployed, steps and training time."""
    # Nobody acts in a study, whose figures may be called the same.
    acts = ["deployed"] * any("deployed" in row and "study" not in row for row in comparison.rows)
    names = [*acts, "told", *_differing(comparison)]
    rows: list[tuple[str, ...]] = []
    records: list[Record] = []
    for series in comparison.series:
        own = [series.name, *(_values_text(series, name) for name in names)]
        steps, labels, seconds = (
            _numbers(series, n) for n in ("gradient_steps", "labels", "seconds")
        )
        time = duration(median(seconds)) if seconds else NONE
        rows.append((*own, _range_text(steps), _range_text(labels), time))
        records.append((*own, *(median(v) if v else None for v in (steps, labels, seconds))))
    shown = [name.replace("_", " ") for name in names]
    header = ("method", *shown, "updates", "labels", "median training time")
    columns = ("series", *names)
    columns = (*columns, "median_gradient_steps", "median_labels", "median_seconds")
    return NumberTable("settings", header, tuple(rows), columns, tuple(records))


def common_settings(comparison: Comparison) -> tuple[tuple[str, str], ...]:
    """The settings with one value in all runs, as texts."""
    differing = set(_differing(comparison))
    first = comparison.rows[0]
    names = [name for name in SETTINGS if name in first and name not in differing]
    return tuple((name.replace("_", " "), setting_text(first[name])) for name in names)


def _differing(comparison: Comparison) -> list[str]:
    return [name for name in SETTINGS if len({plain(row.get(name)) for row in comparison.rows}) > 1]


def _values_text(series: Series, name: str) -> str:
    """A setting's values in a series, the most frequent first."""
    values = [plain(row[name]) for row in series.rows if row.get(name) is not None]
    distinct = sorted(set(values), key=values.count, reverse=True)
    texts = sorted({setting_text(value) for value in distinct[:MOST_VALUES]})
    return ", ".join(texts) + (", \N{HORIZONTAL ELLIPSIS}" * (len(distinct) > MOST_VALUES)) or NONE


def _numbers(series: Series, name: str) -> list[float]:
    return [float(row[name]) for row in series.rows if is_number(row.get(name))]


def _range_text(values: list[float]) -> str:
    if not values:
        return NONE
    low, high = count_text(min(values)), count_text(max(values))
    return low if low == high else f"{low} to {high}"
