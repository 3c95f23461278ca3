"""The report of a sweep: a page that opens from the file system, with figures and tables."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from routed_agents.files import writable_folder, write_atomically
from routed_envs.errors import InputError
from routed_rl.charts.canvas import our_look
from routed_rl.charts.markup import FIGURES, GENERATOR, Section, document, paragraph
from routed_rl.charts.tables import NumberTable, table_text
from routed_rl.charts.text import joined, span_text
from routed_rl.naming import counted
from routed_rl.report.sections import (
    aggregate_section,
    deployed_section,
    experts_section,
    guesses_section,
    labels_section,
    learning_section,
    methods_section,
    missing_section,
    overseer_section,
    settings_section,
    warnings_section,
    winners_section,
)
from routed_rl.report.series import RETURN, Comparison, Row, compare
from routed_rl.report.studies.study_page import study_of
from routed_rl.report.sweep_tables import missing_table, numbers
from routed_rl.sweeps.results import load_curves, load_missing, load_results

SectionMaker = Callable[[Comparison, Path], Section | None]
SECTIONS: tuple[SectionMaker, ...] = (
    deployed_section,
    winners_section,
    missing_section,
    warnings_section,
    labels_section,
    learning_section,
    experts_section,
    methods_section,
    overseer_section,
    guesses_section,
    aggregate_section,
    settings_section,
)
"""They stand on the page in this order."""
PAGE = "report.html"
MOST_NAMED = 12
"""A sentence names at most so many methods."""


def write_report(
    rows: Sequence[Row],
    curves: Sequence[Row],
    folder: Path,
    title: str = "Report of a sweep",
    missing: Sequence[Row] = (),
) -> Path:
    """Write the page `report.html`, `results.csv`, and every figure under `figures/`.

    Each figure is a PNG, an SVG and a CSV of its numbers; each table a CSV. Files of an earlier
    report are replaced, and those that this one lacks are removed.

    Args:
        rows: One for each finished run, by name: its settings, costs and figures.
        curves: One for each evaluation on the way; may be empty.
        folder: Where to write; made if it does not exist, else empty or an earlier report's.
        title: Of the page.
        missing: One for each run that should be among them and is not: its settings, and the
            `reason`.

    Returns:
        The page.

    Raises:
        InputError: There is no run, or the folder holds something else.
        OSError: Something could not be written.
    """
    return write_page(compare(rows, curves, missing), Path(folder), title)


def write_page(
    comparison: Comparison,
    folder: Path,
    title: str,
    makers: Sequence[SectionMaker] | None = None,
    lead: Callable[[Comparison], list[Markup]] | None = None,
) -> Path:
    """Write a page of sections, `results.csv`, and every figure, as `write_report` says.

    Args:
        comparison: What is reported.
        folder: Where to write.
        title: Of the page.
        makers: Of the sections, in order; those of a sweep of policies if None.
        lead: Makes what stands before them; what a sweep of policies has if None.
    """
    earlier, page = _earlier(folder), folder / PAGE
    figures = writable_folder(folder / FIGURES)
    if not earlier:  # Before any figure, so that a report that is stopped can be made again.
        write_atomically(page, document(title, [], []).encode())
    write_atomically(folder / "results.csv", _results(comparison.rows))
    with our_look():
        made = [make(comparison, figures) for make in makers or SECTIONS]
    sections = [section for section in made if section is not None]
    text = document(title, (lead or _lead)(comparison), sections)
    write_atomically(page, text.encode())
    for name in _linked(earlier) - _linked(text):
        (figures / name).unlink(missing_ok=True)
    return page


def write_sweep_report(
    sweep: str | Path, folder: str | Path | None = None, title: str | None = None
) -> Path:
    """Write the report of a sweep's finished runs, as `write_report` does.

    Args:
        sweep: The sweep's folder.
        folder: Where to write; `report` in the sweep's if None.
        title: Of the page; the name of the sweep's folder if None.

    Returns:
        The page.

    Raises:
        InputError: The folder is no sweep or has no finished run, a run's files are damaged, or
            where to write there is something else.
    """
    return report_sweep(sweep, folder, title).page


@dataclass(frozen=True)
class SweepReport:
    """A report that was written, and its main figures.

    Attributes:
        page: The page.
        tables: Its main figures; the first one is what a terminal shows. Of a sweep of policies:
            the mean return of the deployed policy, of every series at every level, and how often
            its episodes end on the wanted target.
        caption: Of the first table.
        missing: The runs of the plan without a result.
        finished: How many runs have one.
        planned: How many there are.
    """

    page: Path
    tables: tuple[NumberTable, ...]
    caption: str
    missing: NumberTable
    finished: int
    planned: int


def report_sweep(
    sweep: str | Path, folder: str | Path | None = None, title: str | None = None
) -> SweepReport:
    """As `write_sweep_report`, with the figures that a terminal shows."""
    path = Path(sweep)
    target = path / "report" if folder is None else Path(folder)
    title = title or path.resolve().name
    rows = load_results(path)
    study = study_of(rows)
    rows = rows if study is None else study.completed(path, rows)
    aim = RETURN if study is None else study.aim
    comparison = compare(rows, load_curves(path), load_missing(path), aim)
    finished, missing = len(comparison.rows), sum(map(len, comparison.missing.values()))
    if study is None:
        page = write_page(comparison, target, title)
        rates = numbers(comparison, "rates", comparison.rate)
        tables = (numbers(comparison, "returns", RETURN), rates)
        caption = "return of the deployed policy, by oversight"
    else:
        page = write_page(comparison, target, title, study.sections(path), study.lead)
        tables, caption = (study.table(comparison),), study.caption
    return SweepReport(
        page=page,
        tables=tables,
        caption=caption,
        missing=missing_table(comparison),
        finished=finished,
        planned=finished + missing,
    )


def _earlier(folder: Path) -> str:
    """The page of an earlier report in the folder, or nothing if the folder is empty.

    Raises:
        InputError: The folder holds something else, which must not be overwritten.
    """
    page = folder / PAGE
    text = page.read_text(encoding="utf-8", errors="replace") if page.is_file() else ""
    if GENERATOR in text:
        return text
    others = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    if others:
        raise InputError(
            f"{folder} is no report and not empty (it holds {others[0]!r}). Give a new folder, or "
            "an empty one."
        )
    return ""


def _linked(page: str) -> set[str]:
    return set(re.findall(rf'href="{FIGURES}/(\w+\.\w+)"', page))


def _results(rows: Sequence[Row]) -> bytes:
    header = list(dict.fromkeys(name for row in rows for name in row))
    return table_text(header, [[_field(row.get(name)) for name in header] for row in rows])


def _field(value: Any) -> Any:
    """A value as a field of a table: lists as JSON."""
    return json.dumps(value) if isinstance(value, list | tuple | dict) else value


def _lead(comparison: Comparison) -> list[Markup]:
    """What is compared, in a sentence, and how much there is of it."""
    names = list(dict.fromkeys(series.method for series in comparison.series))
    if len(names) > MOST_NAMED:
        names = [*names[:MOST_NAMED], f"{len(names) - MOST_NAMED} more"]
    levels = comparison.levels
    where = f"oversight {levels[0]:g}"
    if len(levels) > 1:
        where = f"{len(levels)} levels of oversight from {levels[0]:g} to {levels[-1]:g}"
    verb = "is judged by its policies" if len(names) == 1 else "are compared by their policies"
    sentence = f"{joined(names)} {verb} once deployed, at {where}."
    notes = (paragraph(note, "note") for note in _notes(comparison))
    return [paragraph(sentence, "lead"), paragraph(_facts(comparison), "facts"), *notes]


def _facts(comparison: Comparison) -> str:
    sizes = [
        len(series.scores("oversight", lev))
        for series in comparison.series
        for lev in series.levels
    ]
    seeds = span_text(sizes)
    parts = (
        counted(len(comparison.rows), "finished run"),
        counted(len(comparison.series), "method"),
        f"{len(comparison.levels)} level{'s' * (len(comparison.levels) > 1)} of oversight",
        f"{seeds} seed{'s' * (seeds != '1')}" + " each" * (len(sizes) > 1),
    )
    return " \N{MIDDLE DOT} ".join(parts)


def _notes(comparison: Comparison) -> list[str]:
    """How methods were split, which runs are left out, and which figures are sampled, if any."""
    notes, runs = [], len(comparison.rows)
    missing = sum(map(len, comparison.missing.values()))
    if missing:
        names = list(dict.fromkeys(name for name, _ in comparison.missing))[:MOST_NAMED]
        notes.append(
            f"{counted(missing, 'run')} of the plan without a result ({joined(names)}): see below."
        )
    if comparison.split:
        parts = [f"{method} ({joined(names)})" for method, names in comparison.split.items()]
        notes.append(
            f"Settings vary among the runs of {joined(parts)}. Each combination of their values is "
            "treated as a method of its own."
        )
    repeated = runs - sum(len(series.rows) for series in comparison.series)
    if repeated:
        what = "equal to another in all that decides what it is"
        notes.append(f"{counted(repeated, 'run')} left out: {what}.")
    sampled = sum(row.get("exact") is False for row in comparison.rows)
    if sampled:
        notes.append(f"The figures of {sampled} of {runs} runs are sampled, not exact.")
    return notes
