"""How the user can start this program again, for the commands that it suggests."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path


def program() -> str:
    """The words that start this program from the same place."""
    started = Path(sys.argv[0])
    if started.name != "routed-rl":
        return "python -m routed_rl"
    if shutil.which("routed-rl") == str(started):
        return "routed-rl"
    return shlex.quote(os.path.relpath(started))


def quoted(path: Path) -> str:
    """A path as the shell takes it."""
    return shlex.quote(str(path))
