"""Training: the same seed gives the same run, killed or not."""

from __future__ import annotations

import dataclasses
import json
import multiprocessing
import os
import signal
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers import patience, small_with, tiny_with
from killed_runs import train_until
from run_files import FILES, weights, without_timings

from routed_agents import BestOverseen, get_method
from routed_envs import InputError
from routed_envs.gridworld.world import OUTCOMES
from routed_rl import load_policy, read_log, train
from routed_rl.training.experiment import Experiment


def test_a_run_folder_explains_itself(tmp_path: Path):
    run = train(small_with(updates=20, evaluate_every=10), tmp_path / "run")
    assert {p.name for p in run.folder.iterdir()} == FILES
    config = json.loads((run.folder / "config.json").read_text())
    assert config["config"]["seed"] == 0
    assert config["config"]["expert_widths"] == [16]
    assert config["versions"]["torch"] == version("torch")
    assert config["format"] == 1
    entries = read_log(run.folder / "log.jsonl")
    assert [entry["update"] for entry in entries] == [10, 20]
    assert entries[1]["environment_steps"] == 20 * 8 * 8
    assert set(entries[0]["overseer"]) == {
        "episodes",
        "reward_per_step",
        "diamond",
        "ghost",
        "timeout",
        "unknown",
    }
    assert set(entries[0]["evaluation"]) == {"mixture", "diamond", "ghost"}
    result = json.loads((run.folder / "result.json").read_text())
    assert result["deployed"]["steer"] == "diamond"
    assert list(run.evaluations) == ["unwatched", "training", "watched"]
    deployed = run.evaluations["training"]["diamond"]
    assert result["deployed"] == deployed.to_json()


def test_the_seed_decides_the_weights_and_every_figure_but_the_timings(tmp_path: Path):
    folders = [tmp_path / name for name in ("one", "again", "other")]
    for folder, seed in zip(folders, (3, 3, 4), strict=True):
        train(small_with(seed=seed, updates=10, evaluate_every=5), folder)
    one, again, other = folders
    assert weights(one) == weights(again)
    assert without_timings(one) == without_timings(again)
    assert weights(one) != weights(other)


def test_training_touches_no_global_generator(tmp_path: Path):
    torch.manual_seed(0)
    before = torch.get_rng_state()
    train(small_with(), tmp_path / "run")
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.get_num_threads() == 1


def test_evaluating_during_training_changes_nothing(tmp_path: Path):
    train(small_with(evaluate_every=1), tmp_path / "looked")
    train(small_with(evaluate_every=0), tmp_path / "unseen")
    looked, unseen = (load_policy(tmp_path / name).network for name in ("looked", "unseen"))
    for one, other in zip(looked.parameters(), unseen.parameters(), strict=True):
        assert torch.equal(one, other)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("every", "updates", "judged"),
    [
        (None, 230, [29, 58, 87, 116, 145, 174, 203, 230]),
        (None, 60, [25, 50, 60]),
        (None, 3, [3]),
        (7, 20, [7, 14, 20]),
        (0, 20, []),
    ],
)
def test_a_run_is_judged_as_its_budget_allows_and_at_its_end(
    every: int | None, updates: int, judged: list[int], tmp_path: Path
):
    run = train(small_with(evaluate_every=every, updates=updates), tmp_path / "run")
    log = read_log(run.folder / "log.jsonl", evaluations_only=True)
    assert [entry["update"] for entry in log] == judged
    assert run.evaluations["training"].keys() == {"mixture", "diamond", "ghost"}
    for entry in log[-1:]:
        last = run.evaluations["training"]["mixture"].episode_return
        assert entry["evaluation"]["mixture"]["episode_return"] == pytest.approx(last)


def test_a_method_that_takes_a_share_of_the_budget_is_judged_as_often(tmp_path: Path):
    config = small_with(method="oracle", oversight=0.1, updates=500, evaluate_every=None)
    run = train(config, tmp_path / "run")
    log = read_log(run.folder / "log.jsonl", evaluations_only=True)
    assert [entry["update"] for entry in log] == [25, 50]


def test_how_often_a_run_is_judged_makes_it_no_other_run(tmp_path: Path, monkeypatch):
    train(small_with(), tmp_path / "whole")
    folder = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr(Experiment, "update", stopping_after(2))
        with pytest.raises(KeyboardInterrupt):
            train(small_with(evaluate_every=1), folder)
    train(small_with(evaluate_every=3), folder, resume=True)
    log = read_log(folder / "log.jsonl", evaluations_only=True)
    assert [entry["update"] for entry in log] == [1, 2, 3, 4]
    assert weights(folder) == weights(tmp_path / "whole")


def stopping_after(updates: int) -> Any:
    """An update that asks its process to stop when so many were taken, as Ctrl-C does."""
    update = Experiment.update

    def counted(self: Experiment, state: Any) -> Any:
        taken = update(self, state)
        if state.update == updates:
            os.kill(os.getpid(), signal.SIGINT)
        return taken

    return counted


MOMENTS = [
    ("before a file appears", 1),  # The configuration.
    ("before a file appears", 4),  # The third update's checkpoint.
    ("after a file appears", 5),
    ("after a log line", 4),  # The log is ahead of the checkpoint.
    ("before a file appears", 10),  # The evaluation: training is done.
    ("before a file appears", 11),  # The result.
]


@pytest.mark.slow
def test_a_run_killed_at_any_moment_and_resumed_equals_an_uninterrupted_one(tmp_path: Path):
    config = small_with(updates=7)
    train(config, tmp_path / "whole")
    context = multiprocessing.get_context("forkserver" if sys.platform == "linux" else "spawn")
    if sys.platform == "linux":
        context.set_forkserver_preload(["routed_rl.sweeps.backends.worker"])  # As a sweep does.
    processes = [
        context.Process(
            target=train_until, args=(config, tmp_path / f"{moment} {count}", moment, count)
        )
        for moment, count in MOMENTS
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(patience())
        assert process.exitcode == -signal.SIGKILL
    for moment, count in MOMENTS:
        folder = tmp_path / f"{moment} {count}"
        assert not (folder / "result.json").exists()
        train(config, folder, resume=True)
        assert weights(folder) == weights(tmp_path / "whole"), (moment, count)
        assert {p.name for p in folder.iterdir()} == FILES, (moment, count)


def test_ctrl_c_saves_and_the_resumed_run_is_the_same(tmp_path: Path, monkeypatch):
    config, folder = small_with(updates=12, evaluate_every=4), tmp_path / "stopped"
    train(config, tmp_path / "whole")
    calls = 0
    update = Experiment.update

    def interrupted(self, state):
        nonlocal calls
        calls += 1
        if calls == 5:
            os.kill(os.getpid(), signal.SIGINT)
        return update(self, state)

    with monkeypatch.context() as patch:
        patch.setattr(Experiment, "update", interrupted)
        with pytest.raises(KeyboardInterrupt):
            train(config, folder)
    assert calls == 5, "the update in progress was finished and saved"
    train(config, folder, resume=True)
    assert weights(folder) == weights(tmp_path / "whole")
    assert without_timings(folder) == without_timings(tmp_path / "whole")


@pytest.mark.slow
def test_a_large_world_is_judged_by_sampling(tmp_path: Path):
    run = train(tiny_with(rows=9, cols=9, updates=2, evaluate_every=2), tmp_path / "run")
    (entry,) = read_log(run.folder / "log.jsonl")
    assert entry["evaluation"]["diamond"]["episodes"] == 1000
    found = run.evaluations["training"]["diamond"]
    assert not found.exact
    assert found.episodes == 10_000


def test_an_unfinished_extension_has_no_stale_results(tmp_path: Path, monkeypatch):
    folder = tmp_path / "run"
    train(small_with(), folder)

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Experiment, "update", stop)
    with pytest.raises(KeyboardInterrupt):
        train(small_with(updates=9), folder, resume=True)
    with pytest.raises(InputError, match="not finished"):
        load_policy(folder)


def test_a_run_deploys_the_selected_policy_and_resumes_its_selection(tmp_path: Path):
    method = dataclasses.replace(
        get_method("naive", OUTCOMES),
        name="best",
        select=BestOverseen({"diamond": 1.0, "ghost": -1.0}, episodes=3),
    )
    config = small_with(updates=8, oversight=1.0, max_steps=6)
    run = train(config, tmp_path / "whole", method=method)
    assert json.loads((run.folder / "result.json").read_text())["selected"]
    last = train(config, tmp_path / "last", method=dataclasses.replace(method, select=None))
    assert weights(run.folder) != weights(last.folder)
    train(dataclasses.replace(config, updates=5), tmp_path / "parts", method=method)
    extended = train(
        dataclasses.replace(config, updates=8), tmp_path / "parts", method=method, resume=True
    )
    assert extended.config.updates == 8
