"""What a person sees while a sweep runs."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live

from routed_rl.sweeps.backends.local import Ended
from routed_rl.sweeps.display import picture
from routed_rl.sweeps.survey import Surveyor
from routed_rl.sweeps.sweep_folder import SweepFolder

SHOW_SECONDS = 1.0


class Shown:
    """What the user sees while a sweep runs: a live table, or a line for each run.

    Args:
        folder: The sweep's.
        live: The live table, if there is one.
        visible: Show anything at all.
    """

    def __init__(self, folder: SweepFolder, live: Live | None, visible: bool) -> None:
        self._surveyor = Surveyor(folder.path)
        self._live = live
        self._visible = visible
        self._due = 0.0
        self._done = len(self._surveyor.look(active=False).of("finished")) if visible else 0

    def refresh(self, at_once: bool = False) -> None:
        """Show where the sweep stands.

        Args:
            at_once: Not only now and then.
        """
        if self._live is not None and (at_once or time.monotonic() >= self._due):
            self._live.update(picture(self._surveyor.look(active=True)), refresh=True)
            self._due = time.monotonic() + SHOW_SECONDS

    def tell(self, ended: Ended) -> None:
        """Say that a run ended, where there is no table to show it, and how one failed.

        Args:
            ended: The run.
        """
        self._due = 0.0
        self._done += not ended.failure
        if not self._visible or (self._live is not None and not ended.failure):
            return
        status = self._surveyor.look(active=True)
        run = next(run for run in status.runs if run.name == ended.name)
        told = f"[{self._done}/{len(status.runs)}] {run.words} ({run.name})"
        words = f"{told}: {ended.failure or f'{run.seconds:.0f} s'}"
        text = "\n    ".join((words, *ended.lines))
        if self._live is not None:
            self._live.console.print(text, markup=False, highlight=False)
        else:
            print(text, file=sys.stderr, flush=True)


@contextmanager
def shown(folder: SweepFolder, progress: bool) -> Iterator[Shown]:
    """The display for the length of a sweep.

    Args:
        folder: The sweep's.
        progress: Show a live table if standard error is a terminal, else a line for each run.
    """
    console = Console(stderr=True)
    if not (progress and console.is_terminal):
        yield Shown(folder, None, progress)
        return
    with Live(console=console, auto_refresh=False) as live:
        show = Shown(folder, live, progress)
        yield show
        show.refresh(at_once=True)
