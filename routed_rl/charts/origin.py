"""What made a page, so that it can be made again: the command, the day, the version."""

from __future__ import annotations

import os
import shlex
import sys
from datetime import date
from importlib.metadata import version
from pathlib import Path

MOST_LETTERS = 200


def origin() -> str:
    """The command with which this program was started, the day, and the version of routed-rl."""
    command = _command(sys.argv)
    if len(command) > MOST_LETTERS:
        command = command[:MOST_LETTERS] + "\N{HORIZONTAL ELLIPSIS}"
    parts = (command, date.today().isoformat(), f"routed-rl {version('routed-rl')}")
    return " \N{MIDDLE DOT} ".join(part for part in parts if part)


def _command(words: list[str]) -> str:
    """The words as the shell takes them; without the folders in which the program lies."""
    program = Path(words[0])
    names = [program.name] if program.name else []
    if program.name == "__main__.py":
        names = ["python", "-m", program.parent.name]
    # A path may hold bytes that are no text.
    return os.fsencode(shlex.join([*names, *words[1:]])).decode(errors="replace")
