"""What a Ray cluster's nodes do for a sweep: show that they share its folder, and train its runs.

Imports nothing heavy, so that a node answers at once.
"""

from __future__ import annotations

import os
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from pathlib import Path

from routed_rl.runs.divergence import REASON, DivergenceError
from routed_rl.sweeps.sweep_folder import SweepFolder

LEASE_SECONDS = 120.0
"""How long a run waits for its lock: a file server keeps a dead machine's for a while."""
QUESTION_SECONDS = 5.0
"""How long a node looks for a new file: a file server may need a moment to show it."""
PARENT_SECONDS = 0.25


def answer_file(question: Path, node: str) -> Path:
    """Where the node of that id answers the question in a file that the sweep wrote."""
    return question.with_name(f"{question.name}.{node}")


def answer(question: Path, node: str) -> str | None:
    """Show that this node reads what the sweep writes, and the other way round.

    Args:
        question: A file that the sweep wrote; its content is written into the node's answer.
        node: This node's id.

    Returns:
        What went wrong, or None.
    """
    end = time.monotonic() + QUESTION_SECONDS
    while not question.exists() and time.monotonic() < end:
        time.sleep(0.1)
    try:
        answer_file(question, node).write_bytes(question.read_bytes())
    except OSError as error:
        return f"{error.strerror}: {error.filename}"
    return None


def train_on_node(sweep: Path, name: str, directory: Path) -> str | None:
    """Train one run of a sweep in this process, from where it stands to its end.

    Args:
        sweep: The sweep's folder.
        name: The run's name.
        directory: The sweep's working directory, entered if this machine has it.

    Returns:
        What went wrong, in a few words; None if the run is finished.
    """
    folder = SweepFolder(sweep)
    with suppress(OSError):
        os.chdir(directory)
    with _ending_with_parent(), _printing_into(folder.output(name)):
        try:
            from routed_rl.sweeps.backends.worker import train_planned  # Loads PyTorch.

            folder.run(name).wait_until_free(LEASE_SECONDS)
            train_planned(sweep, name)
        except KeyboardInterrupt:
            return "stopped"
        except DivergenceError as error:
            print(error)
            return REASON
        except BaseException as error:
            traceback.print_exc()
            return "".join(traceback.format_exception_only(error)).strip().splitlines()[-1]
    return None


@contextmanager
def _ending_with_parent() -> Iterator[None]:
    """End this process at once when the node's own process is gone.

    Ray does so too, but only after some seconds in which another node may take the run over.
    """
    parent, done = os.getppid(), threading.Event()

    def watch() -> None:
        while not done.wait(PARENT_SECONDS):
            if os.getppid() != parent:
                os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
    try:
        yield
    finally:
        done.set()


@contextmanager
def _printing_into(output: Path) -> Iterator[None]:
    """Whatever this process prints goes into a file; the next run in it has a file of its own."""
    before = [os.dup(number) for number in (1, 2)]
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        with output.open("w", buffering=1) as file, redirect_stdout(file), redirect_stderr(file):
            for number in (1, 2):
                os.dup2(file.fileno(), number)
            yield
    finally:
        for number, saved in zip((1, 2), before, strict=True):
            os.dup2(saved, number)
            os.close(saved)
