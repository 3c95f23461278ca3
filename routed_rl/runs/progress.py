"""What a person sees while a run trains: a live bar on standard error."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
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


class TrainingBar:
    """A bar with the speed, the time left and the current figures; silent when piped.

    Args:
        progress: Where the bar lives.
        total: The run's gradient steps.
        done: The gradient steps already taken.
        samples: Environment steps of one gradient step.
    """

    def __init__(self, progress: Progress, total: int, done: int, samples: int) -> None:
        self._progress = progress
        self._task = progress.add_task(
            "training", total=total, completed=done, samples=samples, figures=""
        )

    def advance(self) -> None:
        """One more gradient step is done."""
        self._progress.advance(self._task)

    def show(self, figures: str) -> None:
        """Show a few words about how well it goes."""
        self._progress.update(self._task, figures=figures)


class _StepsPerSecond(ProgressColumn):
    """Environment steps per second."""

    def render(self, task: Task) -> Text:
        """The speed of the last half minute."""
        speed = task.speed or task.finished_speed
        text = f"{speed * task.fields['samples']:,.0f} steps/s" if speed else ""
        return Text(text, style="cyan")


@contextmanager
def training_bar(total: int, done: int, samples: int, visible: bool) -> Iterator[TrainingBar]:
    """A bar for the length of a run.

    Args:
        total: The run's gradient steps.
        done: The gradient steps already taken.
        samples: Environment steps of one gradient step.
        visible: Show nothing if False, or if standard error is no terminal.
    """
    console = Console(stderr=True)
    columns = (
        BarColumn(bar_width=24),
        TaskProgressColumn(),
        _StepsPerSecond(),
        TimeRemainingColumn(compact=True),
        TextColumn("{task.fields[figures]}", style="dim"),
    )
    with Progress(*columns, console=console, disable=not (visible and console.is_terminal)) as bar:
        yield TrainingBar(bar, total, done, samples)
