"""Runs on this machine: one process for each, forked from a server that has PyTorch loaded."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from multiprocessing import forkserver, resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

from routed_rl.runs.divergence import EXIT_CODE, REASON
from routed_rl.runs.stopping import noticing
from routed_rl.sweeps.backends.base import Ended
from routed_rl.sweeps.backends.worker import child
from routed_rl.sweeps.sweep_folder import SweepFolder

PRELOADED = ["routed_rl.sweeps.backends.worker", "torch._dynamo"]
"""The second is what the first optimizer of a process imports, which takes a second."""


class LocalBackend:
    """Trains on this machine.

    Args:
        sweep: The sweep's folder.
        slots: How many runs train at a time.
    """

    def __init__(self, sweep: Path, slots: int) -> None:
        self._sweep = SweepFolder(sweep)
        self._running: dict[str, tuple[BaseProcess, Connection]] = {}
        self.slots = slots
        # Importing PyTorch takes seconds; a forked process has it at once. Forking after such
        # imports is not safe on macOS.
        self._context = multiprocessing.get_context(
            "forkserver" if sys.platform == "linux" else "spawn"
        )
        if sys.platform == "linux":
            self._context.set_forkserver_preload(PRELOADED)

    @property
    def running(self) -> int:
        """The runs whose end was not told yet."""
        return len(self._running)

    def start(self, name: str) -> None:
        """Start a run that is not running; Ctrl-C in between is raised when it is known as running.

        Raises:
            KeyboardInterrupt: As said.
        """
        # A process whose parent leaves before it was told everything dies with a traceback.
        with noticing() as stop:
            _start_server()
            theirs, ours = self._context.Pipe(duplex=False)
            arguments = (self._sweep.path, name, theirs)
            process = self._context.Process(target=child, args=arguments, name=name, daemon=False)
            process.start()
            theirs.close()
            self._running[name] = (process, ours)
        if stop.number:
            stop.end()

    def ended(self) -> list[Ended]:
        """The runs that ended since the last call."""
        processes = {name: process for name, (process, _) in self._running.items()}
        return [self._collect(name) for name, p in processes.items() if p.exitcode is not None]

    def interrupt(self) -> None:
        """Ask every run to save and end."""
        for process, _ in self._running.values():
            if process.pid is not None and process.is_alive():
                os.kill(process.pid, signal.SIGINT)

    def close(self) -> None:
        """End every run at once."""
        for process, connection in self._running.values():
            connection.close()
            process.join()
        self._running.clear()

    def _collect(self, name: str) -> Ended:
        process, connection = self._running.pop(name)
        connection.close()
        code = process.exitcode or 0
        reason = f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        reason = REASON if code == EXIT_CODE else reason
        return Ended.of(self._sweep, name, reason)


def _start_server() -> None:
    """Start the server that forks, if there is none, where Ctrl-C does not reach it.

    It would end while it imports PyTorch, and whoever waits for its first process with it.
    """
    if sys.platform != "linux":
        return
    resource_tracker.ensure_running()  # Else the server starts it, which lets Ctrl-C in again.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
