"""What a person sees of a sweep: a table of its runs, live or once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from routed_rl.naming import duration
from routed_rl.screen import ScreenTable, say, screen
from routed_rl.sweeps.backends.base import Ended
from routed_rl.sweeps.survey import RunStatus, Surveyor, SweepStatus
from routed_rl.sweeps.sweep_folder import SweepFolder

MARKS = {"finished": ("●", "green"), "running": ("◐", "cyan"), "failed": ("✗", "red")}
WAITING = ("·", "dim")
LEGEND = "● finished  ◐ running  ✗ failed  · waiting\n"
MOST_MARKS = 10
"""Runs that a cell shows one by one; where there are more, it counts them."""
MOST_ROWS = 40
"""Rows of the table; where there are more series, each method has one row."""
MOST_RUNNING = 16
"""Running runs that are shown one by one."""
SHOW_SECONDS = 1.0
"""How often the live table is drawn again."""


def picture(status: SweepStatus) -> Group:
    """A sweep's status for the terminal."""
    # The numbers first: a live table that is higher than the terminal loses its end.
    parts = [_summary(status), _grid(status), Text(LEGEND, "dim"), _running(status)]
    return Group(*(part for part in parts if part is not None))


def _grid(status: SweepStatus) -> ScreenTable:
    """Every run as a mark, series down and oversight across."""
    levels = sorted({run.oversight for run in status.runs})
    header = ("oversight", *(f"{level:g}" for level in levels))
    table = ScreenTable(header, justify="left", title=str(status.path))
    few = len({run.series for run in status.runs}) <= MOST_ROWS
    rows: dict[str, dict[float, list[RunStatus]]] = {}
    for run in status.runs:
        cells = rows.setdefault(run.series if few else run.method, {})
        cells.setdefault(run.oversight, []).append(run)
    for name, cells in rows.items():
        table.add(name, *(_cell(cells.get(level, [])) for level in levels))
    return table


def _cell(runs: list[RunStatus]) -> Text:
    """A mark for each run, or their numbers."""
    if len(runs) <= MOST_MARKS:
        return Text("").join(Text(*MARKS.get(run.stage, WAITING)) for run in runs)
    finished = sum(run.stage == "finished" for run in runs)
    failed = sum(run.stage == "failed" for run in runs)
    count = Text(f"{finished}/{len(runs)}")
    return count.append(f" {failed}✗", "red") if failed else count


def _running(status: SweepStatus) -> Table | None:
    running = status.of("running")
    if not running:
        return None
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for run in running[:MOST_RUNNING]:
        bar = ProgressBar(total=1.0, completed=run.progress, width=20)
        table.add_row(bar, f"{100 * run.progress:3.0f}%", run.words)
    if len(running) > MOST_RUNNING:
        table.add_row("", "", f"and {len(running) - MOST_RUNNING} more")
    return table


def _summary(status: SweepStatus) -> Text:
    counts = {stage: len(status.of(stage)) for stage in ("running", "failed", "waiting")}
    words = [f"{len(status.of('finished'))} of {len(status.runs)} finished"]
    words += [f"{count} {stage}" for stage, count in counts.items() if count]
    begun = sum(run.progress > 0 for run in status.of("waiting"))
    words += [f"{begun} of these begun"] if begun else []
    if counts["running"]:
        words.append(f"about {duration(status.seconds_left)} left")
    elif not status.active and counts["failed"] + counts["waiting"]:
        words.append("nobody sweeps now: call the same command again")
    return Text(", ".join(words))


class SweepDisplay:
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
        """Show where the sweep stands; unless at once, only now and then."""
        if self._live is not None and (at_once or time.monotonic() >= self._due):
            self._live.update(picture(self._surveyor.look(active=True)), refresh=True)
            self._due = time.monotonic() + SHOW_SECONDS

    def tell(self, ended: Ended) -> None:
        """Say that a run ended, where there is no table to show it, and how one failed."""
        self._due = 0.0
        self._done += not ended.failure
        if not self._visible or (self._live is not None and not ended.failure):
            return
        status = self._surveyor.look(active=True)
        run = next(run for run in status.runs if run.name == ended.name)
        told = f"[{self._done}/{len(status.runs)}] {run.words} ({run.name})"
        words = f"{told}: {ended.failure or duration(run.seconds)}"
        console = None if self._live is None else self._live.console
        say("\n    ".join((words, *ended.lines)), error=True, console=console)


@contextmanager
def sweep_display(folder: SweepFolder, progress: bool) -> Iterator[SweepDisplay]:
    """What a sweep shows: a live table in a terminal, else a line for each run."""
    console = screen(error=True)
    if not (progress and console.is_terminal):
        yield SweepDisplay(folder, None, progress)
        return
    with Live(console=console, auto_refresh=False) as live:
        display = SweepDisplay(folder, live, progress)
        yield display
        display.refresh(at_once=True)
