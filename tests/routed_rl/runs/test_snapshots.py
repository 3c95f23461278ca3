"""Policies kept on the way: evenly spaced, resumable, and without any effect on the run."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from helpers import tiny_with

from routed_envs import InputError
from routed_rl import load_policy, train
from routed_rl.cli.main import main
from routed_rl.runs.run_folder import RunFolder
from routed_rl.runs.snapshots import Snapshots, list_snapshots


def test_snapshots_are_evenly_spaced_from_the_untrained_policy_on():
    assert Snapshots(0, 4).due == frozenset()
    assert Snapshots(1, 4).due == {0}
    assert Snapshots(3, 10).due == {0, 3, 6}
    assert Snapshots(4, 4).due == {0, 1, 2, 3}
    for count in (-1, 5):
        with pytest.raises(InputError, match=f"snapshots={count}.*0 \\(none\\) to 4"):
            Snapshots(count, 4)


def test_a_run_with_snapshots_ends_in_the_same_weights(tmp_path: Path):
    plain = train(tiny_with(), tmp_path / "plain")
    kept = train(tiny_with(), tmp_path / "kept", snapshots=2)
    assert list(list_snapshots(RunFolder(plain.folder))) == []
    found = list_snapshots(RunFolder(kept.folder))
    assert list(found) == [0, 2]
    for ours, theirs in zip(
        plain.policy.network.parameters(), kept.policy.network.parameters(), strict=True
    ):
        assert torch.equal(ours, theirs)
    heads = [load_policy(path).network.head.weight for path in (found[0], found[2])]
    assert not torch.equal(*heads)


def test_snapshots_of_a_longer_run_join_the_earlier_ones(tmp_path: Path):
    train(tiny_with(updates=2), tmp_path, snapshots=2)
    train(tiny_with(updates=6), tmp_path, resume=True, snapshots=3)
    # The schedule of the longer run is 0, 2, 4; the shorter one kept 0 and 1.
    assert list(list_snapshots(RunFolder(tmp_path))) == [0, 1, 2, 4]


def test_starting_again_removes_them(tmp_path: Path):
    train(tiny_with(), tmp_path, snapshots=2)
    (tmp_path / "explorer.html").write_text("of the old policy")
    train(tiny_with(seed=1), tmp_path, overwrite=True)
    assert list_snapshots(RunFolder(tmp_path)) == {}
    assert not (tmp_path / "explorer.html").exists()


@pytest.mark.slow
def test_the_command_keeps_them(tmp_path: Path, capsys):
    words = ("--updates", "2", "--environments", "8", "--rollout-steps", "8", "--device", "cpu")
    assert main(["train", *words, "--snapshots", "1", "--out", str(tmp_path / "run")]) == 0
    assert list(list_snapshots(RunFolder(tmp_path / "run"))) == [0]
    assert main(["train", *words, "--snapshots", "3", "--out", str(tmp_path / "other")]) == 2
    assert "snapshots=3" in capsys.readouterr().err


def test_too_many_are_refused_before_anything_is_written(tmp_path: Path):
    with pytest.raises(InputError, match="snapshots=9"):
        train(tiny_with(), tmp_path / "run", snapshots=9)
    assert not (tmp_path / "run").exists()
