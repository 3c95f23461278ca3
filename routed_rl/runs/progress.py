"""What a person sees while a run trains: a live bar on standard error."""

from __future__ import annotations

import math
import textwrap
import time
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from rich.console import RenderableType
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskProgressColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from routed_rl.naming import counted
from routed_rl.screen import screen

SHOW_SECONDS = 0.5
"""Older figures are shown anew, also between two lines of the log."""
NO_BREAK = "\N{NO-BREAK SPACE}"
NO_SHARES = ("episodes", "reward_per_step")
"""Of what the overseer sees, these are no shares of the episodes."""


class _Speed(ProgressColumn):
    """What is learned from, per second."""

    def render(self, task: Task) -> Text:
        """The speed of the last half minute."""
        speed = task.speed or task.finished_speed
        words = f"{task.fields['unit']}/s"
        text = f"{speed * task.fields['samples']:,.0f} {words}" if speed else ""
        return Text(text, style="cyan")


class TrainingBar(Progress):
    """A bar with the speed, the time left and the current figures, for the length of a run.

    Args:
        total: The run's updates.
        done: The updates already taken.
        samples: How many of the unit an update takes.
        unit: What it learns from, as a `Task` names it.
        visible: Show nothing if False, or if standard error is no terminal.
    """

    def __init__(self, total: int, done: int, samples: int, unit: str, visible: bool) -> None:
        self._lines: dict[str, str] = {}
        self._shown = -math.inf
        columns = (
            BarColumn(bar_width=24),
            TaskProgressColumn(),
            _Speed(),
            TimeRemainingColumn(compact=True),
        )
        console = screen(error=True)
        super().__init__(*columns, console=console, disable=not (visible and console.is_terminal))
        told = {"samples": samples, "unit": unit.removeprefix("environment_")}
        self._run = self.add_task("", total=total, completed=done, **told)

    def count(self) -> None:
        """One more gradient step is done."""
        self.advance(self._run)

    @property
    def is_due(self) -> bool:
        """Whether what is shown is old."""
        return not self.disable and time.monotonic() - self._shown > SHOW_SECONDS

    def show(self, entry: Mapping[str, Any]) -> None:
        """Show the figures of a line of the log; those of the last evaluation stay."""
        self._lines |= described_entry(entry)
        self._shown = time.monotonic()

    def get_renderables(self) -> Iterable[RenderableType]:
        """The bar, and the figures under it, folded between two of them."""
        yield self.make_tasks_table(self.tasks)
        for line in self._lines.values():
            for part in textwrap.wrap(line, self.console.width):
                yield Text(part, style="dim")


def described_entry(entry: Mapping[str, Any]) -> dict[str, str]:
    """The figures of a line of the log that tell how well a run learns.

    Returns:
        A line for each kind; the spaces within a figure do not break.
    """
    overseer, learner = entry["overseer"], entry["learner"]
    figures = learner
    if overseer:
        figures = {
            "reward a step": overseer.get("reward_per_step"),
            "entropy": learner.get("entropy"),
        }
    words = [f"{name} {figure:.3f}" for name, figure in figures.items() if figure is not None]
    labels = [f"{count:,} {name}" for name, count in entry["labels"].items()]
    lines = {"learning": "  ".join((*map(_unbroken, words), _line("labels", labels)))}
    if overseer:
        shares = [f"{who} {share:.0%}" for who, share in overseer.items() if who not in NO_SHARES]
        ended = _unbroken(counted(int(overseer["episodes"]), "episode"))
        lines["overseer"] = f"{_line('overseer sees', shares)} of {ended}"
    if entry["evaluation"]:
        lines["evaluation"] = _described_evaluation(entry["update"], entry["evaluation"])
    return lines


def _described_evaluation(update: int, found: Mapping[str, Mapping[str, Any]]) -> str:
    """How often each steering ends on the first target, or what a study sums up."""
    if "summary" in found:
        told = [f"{name} {figure:.3f}" for name, figure in found["summary"].items()]
        return _line(f"update {update:,}:", told)
    rate = next(name for name in next(iter(found.values())) if name.endswith("_rate"))
    figures = [f"{name} {figures[rate]:.0%}" for name, figures in found.items()]
    return _line(f"ends on {rate.removesuffix('_rate')} (update {update:,}):", figures)


def _line(start: str, figures: Iterable[str]) -> str:
    """Figures between which a line may be folded."""
    return f"{_unbroken(start)} {', '.join(map(_unbroken, figures))}"


def _unbroken(words: str) -> str:
    return words.replace(" ", NO_BREAK)


def judging(visible: bool) -> AbstractContextManager[Any]:
    """Say that what was trained is judged, for as long as that takes.

    Args:
        visible: Show nothing if False, or if standard error is no terminal.
    """
    console = screen(error=True)
    if not (visible and console.is_terminal):
        return nullcontext()
    return console.status("Judging what was trained")
