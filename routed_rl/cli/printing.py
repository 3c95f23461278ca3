"""What several commands print: tables, a world's oversight in words, and where a page is."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from routed_envs.gridworld.world import DiamondGhostWorld
from routed_envs.worlds import World
from routed_rl.charts.markup import FIGURES
from routed_rl.charts.tables import NumberTable
from routed_rl.charts.text import number_text, percent_text
from routed_rl.evaluation.record import Evaluation
from routed_rl.screen import ScreenTable, say, screen

PLAIN_FIELDS = ("rows", "cols", "oversight", "max_steps")
"""Fields of the gridworld that are no further kind of oversight."""


def oversight_in_words(world: World[Any]) -> str:
    """Any world's oversight, with the other kinds of it that are on."""
    words = [f"oversight {world.oversight:g}"]
    if isinstance(world, DiamondGhostWorld):
        for field in dataclasses.fields(world):
            value = getattr(world, field.name)
            if field.name not in PLAIN_FIELDS and value != field.default:
                amount = "" if value is True else f" {value:g}"
                words.append(field.name.replace("_", " ") + amount)
    return ", ".join(words)


def print_evaluations(
    title: str,
    evaluations: Mapping[str, Evaluation],
    good: Collection[str],
    deployed: str | None = None,
) -> None:
    """Print evaluations by who acts as a table, a row for each; the deployed one is marked."""
    first = next(iter(evaluations.values()))
    exact = all(evaluation.exact for evaluation in evaluations.values())
    how = "exact" if exact else "means over sampled episodes, with 95% intervals"
    table = ScreenTable(
        ("who acts", "return", *first.rates, "steps", "overseer"),
        title=title,
        caption=f"{how}; overseer: {' or '.join(good)} among the targets that it saw",
    )
    for name, evaluation in evaluations.items():
        marked = name == deployed
        actor = f"{name} (deployed)" if marked else name
        table.add(actor, *_cells(evaluation, good), style="bold" if marked else "")
    screen().print(table)


def print_numbers(numbers: NumberTable, names: int = 1, caption: str = "") -> None:
    """Print a table of a page as people read it; the first columns, so many, name the rows."""
    table = ScreenTable(numbers.header, names, caption=caption)
    for texts in numbers.texts:
        table.add(*texts)
    screen().print(table)


def _cells(evaluation: Evaluation, good: Collection[str]) -> list[str]:
    """An evaluation's figures, sampled ones with their intervals, and what the overseer saw."""
    cells = [
        _cell(evaluation, "episode_return", evaluation.episode_return, number_text),
        *(
            _cell(evaluation, f"{n}_rate", rate, percent_text)
            for n, rate in evaluation.rates.items()
        ),
        _cell(evaluation, "mean_length", evaluation.mean_length, partial(number_text, decimals=2)),
    ]
    return [*cells, percent_text(evaluation.seen_rate(good))]


def _cell(evaluation: Evaluation, key: str, value: float, text: Callable[[float], str]) -> str:
    """A figure, and its interval if it was sampled, on two more lines that fit a narrow column."""
    if evaluation.intervals is None:
        return text(value)
    low, high = evaluation.intervals[key]
    return f"{text(value)}\n{text(low)}..\n{text(high)}"


def print_page(page: Path) -> None:
    """Say where a page is, and its figures in the folder beside it."""
    say(f"{page}  open it in a browser")
    say(f"{page.parent / FIGURES}  every figure as PNG and SVG, its numbers as CSV")
