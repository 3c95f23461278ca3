"""A run's log: never padded, and read though it is torn."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers import small_with

from routed_envs import InputError
from routed_rl import read_log, train


def test_a_log_that_was_lost_is_started_again_and_never_padded(tmp_path: Path):
    folder = tmp_path / "run"
    train(small_with(updates=20), folder)
    (folder / "log.jsonl").unlink()
    train(small_with(updates=30), folder, resume=True)
    assert [entry["update"] for entry in read_log(folder / "log.jsonl")] == [30]
    (folder / "log.jsonl").write_bytes(b"{}\nno JSON\n{}\n")
    with pytest.raises(InputError, match="damaged"):
        read_log(folder / "log.jsonl")


def test_a_torn_last_line_of_a_log_is_left_out(tmp_path: Path):
    path = tmp_path / "log.jsonl"
    path.write_text('{"update": 1}\n{"update": 2}\n{"upd')
    assert [entry["update"] for entry in read_log(path)] == [1, 2]
