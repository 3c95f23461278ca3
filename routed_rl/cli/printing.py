"""What several commands print: tables, a world's oversight in words, and where a page is."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table

from routed_envs.gridworld.world import DiamondGhostWorld
from routed_envs.worlds import World
from routed_rl.charts.markup import FIGURES
from routed_rl.evaluation.record import Evaluation
from routed_rl.screen import screen

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
    table = plain_table("who acts", "return", *first.rates, "steps", "overseer", title=title)
    for name, evaluation in evaluations.items():
        marked = name == deployed
        actor = f"{name} (deployed)" if marked else name
        table.add_row(actor, *_cells(evaluation, good), style="bold" if marked else None)
    exact = all(evaluation.exact for evaluation in evaluations.values())
    table.caption = "exact" if exact else "means over sampled episodes, with 95% intervals"
    table.caption += f"; overseer: {' or '.join(good)} among the targets that it saw"
    screen().print(table)


def plain_table(first: str, *others: str, **options: Any) -> Table:
    """An empty table whose first column holds words and whose others hold numbers."""
    # No vertical lines, and numbers that fold: a narrow terminal must not cut digits off.
    style = {"box": box.SIMPLE_HEAD, "title_justify": "left", "caption_justify": "left"}
    table = Table(pad_edge=False, **style, **options)
    table.add_column(first, overflow="fold")
    for name in others:
        table.add_column(name, justify="right", overflow="fold")
    return table


def _cells(evaluation: Evaluation, good: Collection[str]) -> list[str]:
    """An evaluation's figures, sampled ones with their intervals, and what the overseer saw."""
    figures = {"episode_return": f"{evaluation.episode_return:.3f}"}
    figures |= {f"{name}_rate": f"{100 * rate:.1f}%" for name, rate in evaluation.rates.items()}
    figures |= {"mean_length": f"{evaluation.mean_length:.2f}"}
    seen = evaluation.seen_rate(good)
    cells = [text + _interval(evaluation, key) for key, text in figures.items()]
    return [*cells, "-" if seen is None else f"{100 * seen:.1f}%"]


def _interval(evaluation: Evaluation, key: str) -> str:
    """The interval of a figure, if it was sampled, on two lines that fit a narrow column."""
    if evaluation.intervals is None:
        return ""
    low, high = evaluation.intervals[key]
    scale, digits = (100, 1) if key.endswith("_rate") else (1, 3 if key.endswith("return") else 2)
    return f"\n{scale * low:.{digits}f}..\n{scale * high:.{digits}f}"


def print_page(page: Path) -> None:
    """Say where a page is, and its figures in the folder beside it."""
    print(f"{page}  open it in a browser")
    print(f"{page.parent / FIGURES}  every figure as PNG and SVG, its numbers as CSV")
