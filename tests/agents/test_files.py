"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from routed_agents.files import HOST, MOST_BYTES, read_text, write_atomically


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


def test_what_a_process_that_is_gone_left_is_removed_by_the_next_one(tmp_path: Path):
    gone = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], stdout=-1)
    dead, alive = int(gone.stdout), os.getppid()
    left, elsewhere, running = (
        tmp_path / f".{name}.{host}.{process}.partial"
        for name, host, process in (("a", HOST, dead), ("b", "far", dead), ("c", HOST, alive))
    )
    own = tmp_path / ".mine.partial"
    for path in (left, elsewhere, running, own):
        path.touch()
    write_atomically(tmp_path / "other", b"content")
    found = {path.name for path in tmp_path.iterdir()}
    assert found == {"other", elsewhere.name, running.name, own.name}


def test_a_text_that_somebody_wrote_has_an_end(tmp_path: Path):
    file = tmp_path / "config.json"
    file.write_bytes("é".encode())
    assert read_text(file) == "é"
    file.write_bytes(b"x" * MOST_BYTES)
    assert len(read_text(file)) == MOST_BYTES
    file.write_bytes(b"x" * (MOST_BYTES + 1))
    with pytest.raises(ValueError, match="larger than 10,000,000 bytes"):
        read_text(file)
    with pytest.raises(ValueError, match="larger than"):
        read_text(Path("/dev/zero"))
