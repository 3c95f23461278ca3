"""Checkpoints: exact where they are whole, refused where they are not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from helpers import small_with

from routed_agents import METHODS
from routed_envs import InputError
from routed_rl import Experiment, train
from routed_rl.runs.checkpoint import load_checkpoint, save_checkpoint


@pytest.mark.slow
@pytest.mark.parametrize("name", METHODS)
def test_every_method_goes_on_from_a_checkpoint_as_if_nothing_had_happened(
    name: str, tmp_path: Path
):
    experiment = Experiment.of(small_with(method=name, oversight=0.5, environments=32))
    whole, first = experiment.start(), experiment.start()
    for _ in range(20):
        experiment.update(whole)
    for _ in range(10):
        experiment.update(first)
    save_checkpoint(first, tmp_path / "checkpoint.pt")
    resumed = experiment.start()
    load_checkpoint(resumed, tmp_path / "checkpoint.pt")
    for _ in range(10):
        experiment.update(resumed)
    assert resumed.labels == whole.labels > 0
    for parameter, other in zip(
        resumed.policy.parameters(), whole.policy.parameters(), strict=True
    ):
        assert torch.equal(parameter, other)
    for memory, other in (
        (resumed.memory, whole.memory),
        (resumed.gate_memory, whole.gate_memory),
    ):
        assert memory.keys() == other.keys()
        assert all(torch.equal(value, other[key]) for key, value in memory.items())
    assert bool(whole.gate_memory) == bool(experiment.method.gate_memory)
    assert bool(whole.memory) == callable(experiment.method.relabel)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 torn", b"no archive at all"])
def test_a_damaged_checkpoint_is_refused_and_left_as_it_is(tmp_path: Path, content: bytes):
    folder = tmp_path / "run"
    train(small_with(updates=2), folder)
    (folder / "checkpoint.pt").write_bytes(content)
    before = {p: p.read_bytes() for p in folder.iterdir()}
    with pytest.raises(InputError, match="damaged"):
        train(small_with(updates=5), folder, resume=True)
    assert {p: p.read_bytes() for p in folder.iterdir()} == before


def test_foreign_and_truncated_checkpoints_are_refused(tmp_path: Path):
    folder = tmp_path / "run"
    train(small_with(updates=2), folder)
    checkpoint = folder / "checkpoint.pt"
    whole = checkpoint.read_bytes()
    checkpoint.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="damaged"):
        train(small_with(updates=5), folder, resume=True)
    torch.save({"format": 1, "someone": "else's"}, checkpoint)
    with pytest.raises(InputError, match="no checkpoint of this run"):
        train(small_with(updates=5), folder, resume=True)
    torch.save({"format": 99}, checkpoint)
    with pytest.raises(InputError, match="newer routed-rl"):
        train(small_with(updates=5), folder, resume=True)


def test_loading_a_checkpoint_never_runs_code_from_it(tmp_path: Path):
    class Trap:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "trapped"),))

    folder = tmp_path / "run"
    train(small_with(updates=2), folder)
    torch.save({"format": 1, "update": Trap()}, folder / "checkpoint.pt")
    with pytest.raises(InputError, match="damaged"):
        train(small_with(updates=5), folder, resume=True)
    assert not (tmp_path / "trapped").exists()


def test_a_checkpoint_of_another_run_is_refused(tmp_path: Path):
    for name, seed in (("mine", 0), ("other", 1)):
        train(small_with(seed=seed), tmp_path / name)
    foreign = (tmp_path / "other" / "checkpoint.pt").read_bytes()
    (tmp_path / "mine" / "checkpoint.pt").write_bytes(foreign)
    with pytest.raises(InputError, match="another configuration"):
        train(small_with(updates=9), tmp_path / "mine", resume=True)
