"""Where deployment writes: beside the run, and refused in one sentence where that cannot be."""

from __future__ import annotations

import os
from pathlib import Path

from routed_envs.errors import InputError
from routed_rl.runs.run_folder import RunFolder


def deployment_folder(path: Path) -> Path:
    """Where what is made from a policy goes.

    Args:
        path: A run's folder, or a policy file.
    """
    return RunFolder(path if path.is_dir() else path.parent).deployment


def writable(path: Path) -> Path:
    """A file that can be written; its folder is made.

    Args:
        path: The file.

    Raises:
        InputError: It is a folder, or lies where nothing can be written.
    """
    if path.is_dir():
        raise InputError(f"{path} is a folder. Give the name of a file.")
    writable_folder(path.parent)
    return path


def writable_folder(path: Path) -> Path:
    """A folder in which files can be written; made if it does not exist.

    Args:
        path: The folder.

    Raises:
        InputError: It is a file, or lies where nothing can be written.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"{path} cannot be made ({error.strerror}). Give a folder in which you may write."
        ) from None
    if not os.access(path, os.W_OK):
        raise InputError(f"{path} cannot be written in. Give a folder in which you may write.")
    return path
