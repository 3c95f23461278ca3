"""What a person sees while a run trains: a live bar on standard error."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from routed_rl.screen import screen


class _StepsPerSecond(ProgressColumn):
    """Environment steps per second."""

    def render(self, task: Task) -> Text:
        """The speed of the last half minute."""
        speed = task.speed or task.finished_speed
        text = f"{speed * task.fields['samples']:,.0f} steps/s" if speed else ""
        return Text(text, style="cyan")


class TrainingBar(Progress):
    """A bar with the speed, the time left and the current figures, for the length of a run.

    Args:
        total: The run's gradient steps.
        done: The gradient steps already taken.
        samples: Environment steps of one gradient step.
        visible: Show nothing if False, or if standard error is no terminal.
    """

    def __init__(self, total: int, done: int, samples: int, visible: bool) -> None:
        columns = (
            BarColumn(bar_width=24),
            TaskProgressColumn(),
            _StepsPerSecond(),
            TimeRemainingColumn(compact=True),
            TextColumn("{task.fields[figures]}", style="dim", markup=False),
        )
        console = screen(error=True)
        super().__init__(*columns, console=console, disable=not (visible and console.is_terminal))
        self._run = self.add_task("", total=total, completed=done, samples=samples, figures="")

    def count(self) -> None:
        """One more gradient step is done."""
        self.advance(self._run)

    def show(self, figures: str) -> None:
        """Show a few words about how well it goes."""
        self.update(self._run, figures=figures)


def judging(visible: bool) -> AbstractContextManager[Any]:
    """Say that the finished policy is judged, for as long as that takes.

    Args:
        visible: Show nothing if False, or if standard error is no terminal.
    """
    console = screen(error=True)
    if not (visible and console.is_terminal):
        return nullcontext()
    return console.status("Judging the finished policy")
