"""A run's log: never padded, read though it is torn, repeated by TensorBoard."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from helpers import small_with

from routed_envs import InputError
from routed_rl import read_log, train

SMALL = small_with()


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


def test_tensorboard_repeats_the_log(tmp_path: Path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run = train(small_with(updates=20, evaluate_every=10), tmp_path / "run", tensorboard=True)
    events = EventAccumulator(str(run.folder / "tensorboard")).Reload()
    entries = read_log(run.folder / "log.jsonl")
    for tag, path in {
        "learner/entropy": ("learner", "entropy"),
        "overseer/unknown": ("overseer", "unknown"),
        "evaluation/ghost/diamond_rate": ("evaluation", "ghost", "diamond_rate"),
    }.items():
        for event, entry in zip(events.Scalars(tag), entries, strict=True):
            value = entry
            for key in path:
                value = value[key]
            assert event.step == entry["update"]
            assert event.value == pytest.approx(value, abs=1e-6)


def test_a_missing_extra_is_named_before_any_work(tmp_path: Path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(InputError, match=r"routed-rl\[tensorboard\]"):
        train(SMALL, tmp_path / "run", tensorboard=True)
    assert not (tmp_path / "run").exists()
