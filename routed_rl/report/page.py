"""The report of a sweep: a page that opens from the file system, with figures and tables."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from matplotlib import rc_context

from routed_agents.files import write_atomically
from routed_rl.report.canvas import LOOK
from routed_rl.report.drawing import table_text
from routed_rl.report.markup import FIGURES, Section, document, paragraph
from routed_rl.report.sections import (
    deployed_section,
    experts_section,
    labels_section,
    learning_section,
    methods_section,
    overseer_section,
)
from routed_rl.report.series import Comparison, compare
from routed_rl.report.table_sections import (
    aggregate_section,
    guesses_section,
    settings_section,
    winners_section,
)
from routed_rl.report.words import Row, counted, joined, span_text

SectionMaker = Callable[[Comparison, Path], Section | None]
SECTIONS: tuple[SectionMaker, ...] = (
    deployed_section,
    winners_section,
    labels_section,
    learning_section,
    experts_section,
    methods_section,
    overseer_section,
    guesses_section,
    aggregate_section,
    settings_section,
)
"""In the order of the page."""
PAGE = "report.html"
MOST_NAMED = 12
FIGURE_NAMES = (
    "deployed",
    "deployed_episode_return",
    "deployed_diamond_rate",
    "labels",
    "learning_curves",
    "experts",
    "methods",
    "overseer",
)
TABLE_NAMES = (
    "winners",
    "returns",
    "diamond_rates",
    "relabel_accuracy",
    "aggregate",
    "settings",
)


def write_report(
    rows: Sequence[Row], curves: Sequence[Row], folder: Path, title: str = "Report of a sweep"
) -> Path:
    """Write the page `report.html`, `results.csv`, and every figure under `figures/`.

    Each figure is a PNG, an SVG and a CSV of its numbers; each table a CSV. Files of an earlier
    report are replaced, and those that this one lacks are removed.

    Args:
        rows: One for each finished run, by name: its settings, costs and figures.
        curves: One for each evaluation on the way; may be empty.
        folder: Where to write; made if it does not exist.
        title: Of the page.

    Returns:
        The page.

    Raises:
        InputError: There is no run.
        OSError: Something could not be written.
    """
    comparison = compare(rows, curves)
    figures = Path(folder) / FIGURES
    figures.mkdir(parents=True, exist_ok=True)
    write_atomically(Path(folder) / "results.csv", _results(comparison.rows))
    with rc_context(LOOK):
        made = [make(comparison, figures) for make in SECTIONS]
    sections = [section for section in made if section is not None]
    page = Path(folder) / PAGE
    text = document(title, _lead(comparison), sections)
    write_atomically(page, text.encode())
    _remove_stale(figures, text)
    return page


def _remove_stale(figures: Path, page: str) -> None:
    """Remove what an earlier report wrote and this page does not link, and nothing else."""
    names = [f"{name}.{end}" for name in FIGURE_NAMES for end in ("png", "svg", "csv")]
    for name in (*names, *(f"{name}.csv" for name in TABLE_NAMES)):
        if f'"{FIGURES}/{name}"' not in page:
            (figures / name).unlink(missing_ok=True)


def _results(rows: Sequence[Row]) -> bytes:
    """Every run with everything known of it, a line each."""
    header = list(dict.fromkeys(name for row in rows for name in row))
    return table_text(header, [[_field(row.get(name)) for name in header] for row in rows])


def _field(value: Any) -> Any:
    """A value as a field of a table: lists as JSON."""
    return json.dumps(value) if isinstance(value, list | tuple | dict) else value


def _lead(comparison: Comparison) -> list[str]:
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
    blocks = [paragraph(sentence, "lead"), paragraph(_facts(comparison), "facts")]
    if comparison.split:
        blocks.append(paragraph(_split_text(comparison), "note"))
    return [*blocks, *_sampled(comparison)]


def _facts(comparison: Comparison) -> str:
    """How many runs, methods, levels and seeds."""
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


def _split_text(comparison: Comparison) -> str:
    """Which settings vary inside which methods."""
    parts = [f"{method} ({joined(names)})" for method, names in comparison.split.items()]
    return (
        f"Settings vary among the runs of {joined(parts)}. Each combination of their values is "
        "treated as a method of its own."
    )


def _sampled(comparison: Comparison) -> list[str]:
    """Says so if some figures were sampled."""
    sampled = sum(row.get("exact") is False for row in comparison.rows)
    if not sampled:
        return []
    text = f"The figures of {sampled} of {len(comparison.rows)} runs are sampled, not exact."
    return [paragraph(text, "note")]
