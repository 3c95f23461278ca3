"""Files that are written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from routed_agents.files import write_atomically


def test_a_failed_write_leaves_the_old_file_and_no_rubbish(tmp_path: Path, monkeypatch):
    path = tmp_path / "file"
    write_atomically(path, b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_two_processes_that_write_the_same_file_do_not_disturb_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path, synced = tmp_path / "file", os.fsync
    ours, theirs = os.getpid(), os.getpid() + 1

    def meanwhile(number: int) -> None:
        """While this process writes, the other one does so too, from beginning to end."""
        synced(number)
        if os.getpid() == ours:
            monkeypatch.setattr(os, "getpid", lambda: theirs)
            write_atomically(path, b"theirs")
            assert path.read_bytes() == b"theirs"

    monkeypatch.setattr(os, "fsync", meanwhile)
    write_atomically(path, b"ours")
    assert path.read_bytes() == b"ours"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]
