"""Writing files so that nobody ever sees half of one, and reading text that anyone wrote."""

from __future__ import annotations

import errno
import glob
import os
import platform
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from routed_envs.errors import InputError

MOST_BYTES = 10_000_000
"""No text that anyone writes by hand is as long."""
HOST = platform.node().replace(".", "-") or "here"
"""This machine's name: whether a process of another one is alive cannot be told here."""


def write_atomically(path: Path, content: bytes) -> None:
    """Replace a file as a whole: readers see the old content or the new, never a part.

    Args:
        path: In a folder that exists.
        content: The new content.

    Raises:
        OSError: It could not be written (a full disk, say); the old file is untouched.
    """
    # Named by the process: two that write the same file do not write into each other's.
    temporary = path.with_name(f".{path.name}.{HOST}.{os.getpid()}.partial")
    _remove_left(path.parent)
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


def _remove_left(folder: Path) -> None:
    """Remove what processes of this machine that are gone left half-written in a folder."""
    for path in folder.glob(f".*.{glob.escape(HOST)}.*.partial"):
        process = path.suffixes[-2].removeprefix(".")
        if process.isdecimal() and not _alive(int(process)):
            path.unlink(missing_ok=True)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True  # Somebody else's.
    return True


def writable(path: Path) -> Path:
    """A file that can be written; its folder is made.

    Raises:
        InputError: It is a folder, or lies where nothing can be written.
    """
    if path.is_dir():
        raise InputError(f"{path} is a folder. Give the name of a file.")
    writable_folder(path.parent)
    return path


def writable_folder(path: Path) -> Path:
    """A folder in which files can be written; made if it does not exist.

    Whatever writes where a user said asks here first: a place that cannot be is a refused input,
    unlike a disk that turns out to be full.

    Raises:
        InputError: It is a file, or lies where nothing can be written.
    """
    try:
        _make(path)
    except FileExistsError as error:
        raise InputError(f"{error.filename} is a file. Give a folder.") from None
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise
        raise InputError(
            f"{path} cannot be made ({error.strerror}). Give a folder in which you may write."
        ) from None
    if not os.access(path, os.W_OK):
        raise InputError(f"{path} cannot be written in. Give a folder in which you may write.")
    return path


def _make(path: Path) -> None:
    """Make a folder and those above it, however many: `Path.mkdir` calls itself for each."""
    for folder in (*reversed(path.parents), path):
        if not folder.is_dir():
            folder.mkdir(exist_ok=True)


def read_text(path: Path) -> str:
    """The text of a file that somebody wrote, in UTF-8.

    Raises:
        OSError: It cannot be read.
        ValueError: It is no text, or longer than `MOST_BYTES`: a device may never end.
    """
    with path.open("rb") as file:
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise ValueError(f"it is larger than {MOST_BYTES:,} bytes")
    return content.decode("utf-8")


def parsed(parse: Callable[[Any], Any], text: str | bytes) -> Any:
    """What a parser such as `json.loads` makes of a text.

    Raises:
        ValueError: The parser cannot read it, or it is nested too deeply.
    """
    try:
        return parse(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
