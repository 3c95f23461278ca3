"""A map of methods: how good each is in each of several situations, on one page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from routed_agents.files import writable_folder, write_atomically
from routed_envs.errors import InputError
from routed_rl.charts.canvas import make_panels, our_look
from routed_rl.charts.colours import INK, MUTED
from routed_rl.charts.drawing import Drawing
from routed_rl.charts.markup import (
    FIGURES,
    Section,
    document,
    paragraph,
    saved_figure,
    saved_table,
)
from routed_rl.charts.statistics import Summary, summarise
from routed_rl.charts.tables import NO_INTERVAL, NumberTable, interval_text, summary_text
from routed_rl.charts.text import NONE, number_text
from routed_rl.naming import plain, without_repeats

PAGE = "map.html"
COLUMNS = ("situation", "method", "seeds", "mean", "low", "high", "told")
ON_PALE, ON_DEEP = "#1b2330", "#fefefe"
"""Texts on squares are in these on dark pages too, where the squares keep their colours."""
ROW_HEIGHT = 0.3
"""Of a situation in the figure, in inches."""
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Cell:
    """A method in a situation.

    Attributes:
        situation: Its name.
        method: Its name.
        told: What the method learned from, in words.
        summary: Of the discounted returns of its deployed policies; None if no run is finished.
    """

    situation: str
    method: str
    told: str
    summary: Summary | None


def write_map(
    rows: Sequence[Row],
    situations: Mapping[str, Mapping[str, Any]],
    methods: Sequence[str],
    folder: str | Path,
    title: str = "Where which method is best",
) -> Path:
    """Write `map.html`: the methods against the situations, as a figure, in words and in numbers.

    Args:
        rows: One for each finished run, as `load_results` gives them.
        situations: By name, the settings that the runs of a situation have.
        methods: The columns; the last one is the ceiling, which is not ranked.
        folder: Where to write; made if it does not exist.
        title: Of the page.

    Returns:
        The page.

    Raises:
        InputError: No run is in any situation, or the folder cannot be written in.
    """
    cells = [_cell(rows, name, situations[name], m) for name in situations for m in methods]
    if not any(cell.summary for cell in cells):
        raise InputError("No finished run is in any of the situations, so there is no map.")
    path = Path(folder)
    figures = writable_folder(path / FIGURES)
    lead = paragraph("The discounted return of the deployed policy, mean over seeds.", "lead")
    page = document(title, [lead], _sections(cells, list(situations), methods, figures))
    write_atomically(path / PAGE, page.encode())
    return path / PAGE


def _sections(
    cells: Sequence[Cell], situations: Sequence[str], methods: Sequence[str], figures: Path
) -> list[Section]:
    """The figure, and the three tables under it."""
    with our_look():
        drawing = saved_figure(_draw(cells, situations, methods), figures)
    known = {cell.method: cell.told for cell in cells if cell.told}
    told = _words("told", ("method", "what it is told"), [(m, known.get(m, NONE)) for m in methods])
    sentences = [(name, _winner(cells, name, methods[:-1])) for name in situations]
    winners = _words("map_winners", ("situation", "which is best"), sentences)
    return [
        Section("map", "The map", (drawing,)),
        Section("words", "In words", (saved_table(winners, figures, prose=(1,)),)),
        Section("numbers", "In numbers", (saved_table(_table(cells, methods), figures),)),
        Section("told", "What each is told", (saved_table(told, figures, prose=(1,)),)),
    ]


def _words(name: str, header: tuple[str, str], pairs: list[tuple[str, str]]) -> NumberTable:
    """A table of sentences, which says the same on the page and in its file."""
    return NumberTable(name, header, tuple(pairs), header, tuple(pairs))


def _cell(rows: Sequence[Row], name: str, settings: Mapping[str, Any], method: str) -> Cell:
    """The runs of a method that have a situation's settings."""
    wanted = {"method": method, **settings}
    found = (r for r in rows if all(plain(r.get(k)) == plain(v) for k, v in wanted.items()))
    own = without_repeats(found)
    told = next((str(row["told"]) for row in own if row.get("told")), "")
    returns = [float(row["episode_return"]) for row in own]
    return Cell(name, method, told, summarise(returns) if returns else None)


def _draw(cells: Sequence[Cell], situations: Sequence[str], methods: Sequence[str]) -> Drawing:
    """A square for each method in each situation, what reads best in bold."""
    means = np.full((len(situations), len(methods)), np.nan)
    for index, cell in enumerate(cells):
        if cell.summary:
            means.flat[index] = cell.summary.mean
    figure, (axes,) = make_panels([""], 1, ROW_HEIGHT * len(situations))
    axes.imshow(means, cmap="RdYlBu", vmin=-1, vmax=1, aspect="auto")
    axes.set_xticks(range(len(methods)), methods, rotation=30, ha="left", color=INK)
    axes.xaxis.tick_top()
    axes.set_yticks(range(len(situations)), situations, color=INK)
    axes.spines["bottom"].set_visible(False)
    for row, line in enumerate(means):
        ranked = line[:-1]
        best = number_text(np.nanmax(ranked), 2) if np.isfinite(ranked).any() else None
        for column, value in enumerate(line):
            text = NONE if np.isnan(value) else number_text(value, 2)
            weight = "bold" if text == best and column < len(ranked) else "normal"
            colour = MUTED if np.isnan(value) else ON_PALE if abs(value) < 0.75 else ON_DEEP
            axes.text(column, row, text, ha="center", va="center", weight=weight, color=colour)
    return _with_numbers(figure, cells, methods[-1])


def _with_numbers(figure: Figure, cells: Sequence[Cell], ceiling: str) -> Drawing:
    return Drawing(
        name="map",
        figure=figure,
        header=COLUMNS,
        records=_records(cells),
        caption="Discounted return of the deployed policy in the world that it was trained in, "
        "mean over seeds; chance has 0. Bold: the best of a situation, to two decimals. "
        f"{ceiling} is the ceiling.",
        alt="The mean return of each method in each situation; the numbers are in the table.",
    )


def _records(cells: Sequence[Cell]) -> tuple[tuple[Any, ...], ...]:
    known = [(cell, cell.summary) for cell in cells if cell.summary]
    return tuple(
        (c.situation, c.method, len(s.scores), s.mean, *(s.interval or NO_INTERVAL), c.told)
        for c, s in known
    )


def _winner(cells: Sequence[Cell], situation: str, methods: Sequence[str]) -> str:
    """Which of the methods is best in a situation, by how much, and whether that is certain."""
    known = [(c.method, c.summary) for c in cells if c.situation == situation and c.summary]
    ranked = sorted((p for p in known if p[0] in methods), key=lambda pair: -pair[1].mean)
    if not ranked:
        return "No run is finished."
    name, best = ranked[0]
    words = f"{name}: {summary_text(best)}"
    if len(ranked) == 1:
        return f"{words}, alone."
    other, second = ranked[1]
    lead = number_text(best.mean - second.mean)
    words += f", {lead} more than {other} ({summary_text(second)})"
    if best.interval and second.interval and best.interval.overlaps(second.interval):
        words += "; the intervals overlap"
    return words + "."


def _table(cells: Sequence[Cell], methods: Sequence[str]) -> NumberTable:
    """Every mean with its interval."""
    lines: dict[str, list[str]] = {}
    for cell in cells:
        found = cell.summary
        text = interval_text(found.mean, found.interval, number_text) if found else NONE
        lines.setdefault(cell.situation, []).append(text)
    texts = tuple((name, *line) for name, line in lines.items())
    return NumberTable("map_numbers", ("situation", *methods), texts, COLUMNS, _records(cells))
