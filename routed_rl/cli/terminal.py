"""How a program ends, what it shows while it works, and how the user can start it again."""

from __future__ import annotations

import codecs
import io
import os
import shlex
import shutil
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from routed_envs.errors import InputError
from routed_rl.charts.text import MINUS, NONE
from routed_rl.runs.divergence import DivergenceError
from routed_rl.runs.stopping import StopSignal, raising
from routed_rl.screen import say, screen

DASHES = (MINUS, NONE)
"""They are written as a hyphen where an output has neither."""


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


def working(text: str) -> AbstractContextManager[object]:
    """Say on the terminal what is being done, as long as it lasts."""
    from rich.text import Text  # Help need not wait for it.

    return screen(error=True).status(Text(text))


def exit_code(main: Callable[[], int | None]) -> int:
    """Do what a program does, and say what is wrong in words, not with a traceback.

    Args:
        main: Returns the exit code; None is 0.

    Returns:
        0 done, 2 refused input, 130 interrupted by the user, 143 and 129 asked to end by SIGTERM
        and SIGHUP, 1 anything else.
    """
    _prepare_output()
    try:
        with raising():
            code = main() or 0
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader, `head` say, has enough; the flush at the program's end must not complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except StopSignal as stopped:
        return _fail(f"Stopped by {stopped.name}.", 128 + stopped.number)
    except KeyboardInterrupt:
        return _fail("Interrupted.", 130)
    except OSError as error:
        return _fail(f"{error}. What was saved before is untouched.", 1)
    except DivergenceError as error:
        return _fail(str(error), 1)
    except InputError as error:
        return _fail(str(error), 2)
    return code


def _fail(message: str, code: int) -> int:
    say(f"routed-rl: {message}", error=True)
    return code


def _prepare_output() -> None:
    """Let nothing that is printed fail: not letters that the output lacks, not a closed output."""
    if sys.stdout is None:
        sys.stdout = io.StringIO()
    if sys.stderr is None:
        sys.stderr = io.StringIO()
    codecs.register_error("plainer", _plainer)
    for output in (sys.stdout, sys.stderr):
        if isinstance(output, io.TextIOWrapper):
            output.reconfigure(errors="plainer")


def _plainer(error: UnicodeError) -> tuple[str, int]:
    """What stands for letters that an output lacks: a minus keeps its meaning."""
    assert isinstance(error, UnicodeEncodeError), "nothing is read with this"
    lacking = error.object[error.start : error.end]
    return "".join("-" if letter in DASHES else "?" for letter in lacking), error.end
