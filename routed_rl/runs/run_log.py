"""A run's log: one JSON object a line, repeated elsewhere where that is wanted."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from routed_agents.files import parsed
from routed_envs.errors import InputError
from routed_rl.runs.mirrors import Mirror


class RunLog:
    """Appends lines to a log, after cutting off what a killed run wrote past its checkpoint.

    Args:
        path: The file; made if there is none.
        length: The bytes to keep of it.
        mirrors: Repeat each entry.
    """

    def __init__(self, path: Path, length: int, mirrors: Sequence[Mirror] = ()) -> None:
        self._mirrors = mirrors
        self._file = path.open("ab")
        # A log that was lost or cut is continued after its last whole line, never padded.
        whole = path.read_bytes()[:length].rfind(b"\n") + 1
        self._file.truncate(whole)

    def sync(self) -> int:
        """Bring everything written to the disk.

        Returns:
            The log's length in bytes.
        """
        self._file.flush()
        os.fsync(self._file.fileno())
        return self._file.tell()

    def write(self, entry: dict[str, Any]) -> None:
        """Append one line, at once readable by others."""
        self._file.write(json.dumps(entry).encode() + b"\n")
        self._file.flush()
        for mirror in self._mirrors:
            mirror.write(entry)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()
        for mirror in self._mirrors:
            mirror.close()


def read_log(path: str | Path, evaluations_only: bool = False) -> list[dict[str, Any]]:
    """The entries of a log; a torn last line is left out.

    Args:
        path: The file.
        evaluations_only: Leave out the entries without an evaluation, which are by far the most.

    Returns:
        One dictionary for each line.

    Raises:
        InputError: There is no such file, or a line before the last is damaged.
    """
    file = Path(path)
    if not file.is_file():
        raise InputError(f"{path} is no file. Give the log of a run, such as RUN/log.jsonl.")
    complete = file.read_bytes().split(b"\n")[:-1]
    if evaluations_only:
        complete = [line for line in complete if b'"evaluation": null' not in line]
    try:
        return [parsed(json.loads, line) for line in complete]
    except ValueError as error:
        raise InputError(f"The log {path} is damaged ({error}). Move it away to go on.") from None
