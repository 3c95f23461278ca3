"""What the pages of all studies say in the same words."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from routed_rl.charts.markup import Section, details, paragraph
from routed_rl.naming import AXES, INCIDENTAL, SETTINGS, counted, plain
from routed_rl.report.series import Comparison, Row, Series
from routed_rl.runs.run_folder import read_json
from routed_rl.sweeps.sweep_folder import SweepFolder

SectionMaker = Callable[[Comparison, Path], Section | None]


def named(comparison: Comparison, series: Series, level: float) -> str:
    """A series, with the oversight where there are several."""
    return series.name if len(comparison.levels) == 1 else f"{series.name}, oversight {level:g}"


def lead(comparison: Comparison, about: str, data: str) -> list[Markup]:
    """What a study is about, how much of it there is, and what it learned from."""
    runs = counted(len(comparison.rows), "finished run")
    methods = counted(len(comparison.series), "method")
    facts = " \N{MIDDLE DOT} ".join((runs, methods, data))
    return [paragraph(about, "lead"), paragraph(facts, "facts")]


def partners(
    rows: Sequence[Row], method: str, own: Collection[str] = ()
) -> Callable[[Row], Row | None]:
    """Finds the run of a method that has the same other settings as a given one; None if none has.

    Args:
        rows: One for each finished run.
        method: Whose run is looked for.
        own: Settings that methods may each have for themselves: where no run has the same, one with
            others is taken if there is no second.
    """
    names = [name for name in (*AXES, *SETTINGS) if name != "method" and name not in INCIDENTAL]
    found: dict[tuple[Any, ...], Row] = {}
    nearly: dict[tuple[Any, ...], list[Row]] = {}

    def known(row: Row, left_out: Collection[str] = ()) -> tuple[Any, ...]:
        return tuple(plain(row.get(name)) for name in names if name not in left_out)

    for row in rows:
        if row["method"] == method:
            found[known(row)] = row
            nearly.setdefault(known(row, own), []).append(row)

    def partner(row: Row) -> Row | None:
        few = nearly.get(known(row, own), [])
        return found.get(known(row), few[0] if len(few) == 1 else None)

    return partner


def judged(series: Series, sweep: Path, name: str) -> list[Any]:
    """One of the things that were judged of each run of a series at its most oversight.

    The run with the lowest seed comes first.

    Args:
        series: The runs.
        sweep: Their folder.
        name: What was judged, as the study's figures call it.
    """
    rows = [row for row in series.rows if row["oversight"] == series.levels[-1]]
    folder, ordered = SweepFolder(sweep), sorted(rows, key=lambda row: row["seed"])
    return [read_json(folder.run(row["run"]).evaluation)[name] for row in ordered]


def first_and_others(figures: Sequence[Markup]) -> tuple[Markup, ...]:
    """The first of some figures, and the others folded away."""
    first, *others = figures
    if not others:
        return (first,)
    return first, details("The same of the other methods", Markup("\n").join(others))
