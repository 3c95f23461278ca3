"""One run of a sweep, in a process of its own."""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
import threading
from multiprocessing.connection import Connection
from pathlib import Path

from routed_envs.errors import InputError
from routed_rl.any_config import read_config
from routed_rl.runs.divergence import EXIT_CODE, DivergenceError
from routed_rl.runs.loop import run_task
from routed_rl.sweeps.sweep_folder import SweepFolder
from routed_rl.training.training import task_of

WAIT_SECONDS = 30.0
"""How long a run waits for its lock: a trainer whose sweep was killed needs a moment to end."""
REFUSED = 2
"""The exit code where the input is refused, as of every command."""


def train_planned(sweep: Path, name: str) -> None:
    """Train one run of a sweep from where it stands, to its end."""
    folder = SweepFolder(sweep)
    config = read_config(folder.runs()[name]["config"])
    run = folder.run(name)
    run.wait_until_free(WAIT_SECONDS)
    try:
        run_task(task_of(config), run, resume=True, progress=False)
    except InputError as error:
        if not run.config.exists():
            raise
        raise InputError(f"{error} In a sweep: move {run.path} away, and sweep again.") from None


def child(sweep: Path, name: str, parent: Connection) -> None:
    """What a run's process does: train, print into a file, and end when its parent does.

    Args:
        sweep: The sweep's folder.
        name: The run's name.
        parent: Closed by the operating system when the parent ends, however it ends.
    """
    # Ctrl-C goes to the sweep alone, which then asks each of its runs once.
    os.setsid()
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    output = SweepFolder(sweep).output(name)
    with output.open("w", buffering=1) as file:
        os.dup2(file.fileno(), sys.stdout.fileno())
        os.dup2(file.fileno(), sys.stderr.fileno())
        faulthandler.enable()
        try:
            # The server that forked this process keeps Ctrl-C out.
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
            train_planned(sweep, name)
        except KeyboardInterrupt:
            os._exit(130)
        except DivergenceError as error:
            print(error, flush=True)
            os._exit(EXIT_CODE)
        except InputError as error:
            print(error, flush=True)
            os._exit(REFUSED)


def _end_with(parent: Connection) -> None:
    """End this process at once when the other end of the connection is gone.

    Nothing can be half-written by that: every file of a run is replaced as a whole.
    """
    try:
        parent.recv()
    except (EOFError, OSError):
        os._exit(1)
