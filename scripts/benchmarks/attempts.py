"""Trying something that should be refused, and what is wrong with how it is."""

from __future__ import annotations

import hashlib
import io
import os
import runpy
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from scripts.benchmarks.hostile import HIT

SECONDS = 300.0
"""An answer that takes longer counts as none."""
MADE = ("lock", "out", "deployment", "report", "config.json", "config.toml")
"""What a command that is refused may have made: an empty lock, and what it was asked to write."""


class NoAnswer(BaseException):
    """It took too long."""


@dataclass(frozen=True)
class Attempt:
    """What came of trying something.

    Attributes:
        words: The command.
        code: Its exit code; -1 where there was none.
        told: What it printed of errors.
        fault: What is wrong with it; empty if nothing is.
    """

    words: str
    code: int
    told: str
    fault: str


def command_line(words: Sequence[str]) -> int:
    """What `python -m routed_rl` does, in this process; returns its exit code."""
    before, sys.argv = sys.argv, ["routed-rl", *words]
    try:
        runpy.run_module("routed_rl", run_name="__main__", alter_sys=False)
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
    finally:
        sys.argv = before
    return 0


def attempt(call: Callable[[], int], words: Sequence[str], folder: Path) -> Attempt:
    """Let this process do something that takes it or refuses it, and look at what it did.

    Args:
        call: Returns an exit code.
        words: How it is called, for people.
        folder: Where it may read and write.
    """
    before, raised, code = contents(folder), "", -1
    # Files of bytes, as a terminal's are: letters that have none are found.
    out = io.TextIOWrapper(io.BytesIO(), "utf-8")
    err = io.TextIOWrapper(io.BytesIO(), "utf-8", "backslashreplace")
    try:
        with redirect_stdout(out), redirect_stderr(err), in_time():
            code = call()
    except BaseException:
        raised = traceback.format_exc(limit=-4)
    err.flush()
    told = err.buffer.getvalue().decode()  # pyright: ignore[reportAttributeAccessIssue]
    return judged(words, code, told + raised, before, folder)


def attempt_command(words: Sequence[str], told: Sequence[str], folder: Path) -> Attempt:
    """The same through the command, in a process of its own."""
    before = contents(folder)
    command = [sys.executable, "-m", "routed_rl", *words]
    try:
        # It must not find the current folder's modules, as an installed command does not.
        environment = os.environ | {"PYTHONSAFEPATH": "1"}
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=SECONDS,
            env=environment,
        )
    except subprocess.TimeoutExpired:
        return judged(told, -1, "NoAnswer", before, folder)
    return judged(told, done.returncode, done.stderr, before, folder)


def judged(
    words: Sequence[str], code: int, told: str, before: dict[str, str], folder: Path
) -> Attempt:
    """What is wrong with an answer.

    Args:
        words: The command.
        code: Its exit code.
        told: What it printed of errors.
        before: What the folder held.
        folder: Where it was.
    """
    faults, after = [], contents(folder)
    if code not in (0, 1, 2) or "Traceback" in told:
        faults.append(f"exit code {code}:\n{told[-3000:]}")
    elif code and not told.strip():
        faults.append(f"exit code {code} without a word")
    elif told.count("routed-rl: ") > 1:
        faults.append(f"more than one message:\n{told[-3000:]}")
    if hit := [name for name in after if Path(name).name == HIT]:
        faults.append(f"something was executed: {(folder / hit[0]).read_text()}")
        (folder / hit[0]).unlink()
    if code and (touched := list(differences(before, after))):
        faults.append(f"exit code {code}, and touched: {', '.join(touched)[:500]}\n{told[-500:]}")
    line = " ".join(word if len(word) < 2000 else f"{word[:2000]}..." for word in words)
    return Attempt(repr(line), code, told.strip(), "\n".join(faults))


def differences(before: dict[str, str], after: dict[str, str]) -> Iterator[str]:
    """What was changed, removed or made, but for what a refused command may make."""
    for name in before.keys() | after.keys():
        if before.get(name) != after.get(name) and not (
            name not in before and any(part in MADE for part in Path(name).parts)
        ):
            yield name


def contents(folder: Path) -> dict[str, str]:
    """What lies in a folder: for each path its kind, and a file's content in short."""
    return {str(path.relative_to(folder)): _content(path) for path in sorted(folder.rglob("*"))}


def _content(path: Path) -> str:
    if path.is_symlink():
        return f"link to {os.readlink(path)}"
    if path.is_file():
        return hashlib.sha256(path.read_bytes()).hexdigest()
    return "folder" if path.is_dir() else "other"


@contextmanager
def in_time() -> Iterator[None]:
    """Give up on what takes longer than `SECONDS`."""

    def give_up(number: int, frame: FrameType | None) -> None:
        raise NoAnswer(f"no answer within {SECONDS:.0f} s")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
