"""Runs in any overseen environment: folder, log, checkpoint and resume as in the gridworld."""

from __future__ import annotations

import dataclasses
import itertools
import json
import multiprocessing
import os
import random
import signal
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers import patience
from killed_runs import train_until
from run_files import FILES, weights, without_timings
from stable_baselines3.common.vec_env import DummyVecEnv

from routed_envs import InputError, Outcomes
from routed_rl import EnvironmentConfig, EnvironmentRun, load_run, read_log, train
from routed_rl.environments.environment_task import EnvironmentTask
from routed_rl.environments.generators import (
    generators_kept,
    read_generators,
    write_generators,
)


def doors_with(**changes: Any) -> EnvironmentConfig:
    settings: dict[str, Any] = {
        "env": "own_env:doors",
        "environments": 4,
        "rollout_steps": 8,
        "steps": 4 * 32,
        "oversight": 0.5,
        "batch_size": 16,
        "epochs": 1,
        "evaluate_every": 0,
        "evaluation_episodes": 4,
        "expert_widths": (8,),
        "gate_widths": (8,),
        "value_widths": (8,),
        "device": "cpu",
    }
    return EnvironmentConfig(**settings | changes)


A2C = {"batch_size": EnvironmentConfig.batch_size, "epochs": EnvironmentConfig.epochs}
"""What it has of PPO's settings: their defaults."""


def drawn() -> tuple[float, float, float]:
    """A number of each global generator."""
    return float(torch.rand(())), float(np.random.rand()), random.random()  # noqa: NPY002


def test_a_run_folder_explains_itself(tmp_path: Path):
    run = train(doors_with(steps=20 * 32, evaluate_every=10), tmp_path / "run")
    assert isinstance(run, EnvironmentRun)
    assert {p.name for p in run.folder.iterdir()} == FILES
    assert run.outcomes == Outcomes(("left", "right"), ("left",))
    assert set(run.evaluations) == {"unwatched", "training", "watched"}
    assert set(run.evaluations["training"]) == {"mixture", "left", "right"}
    watched = run.evaluations["watched"]["left"]
    assert watched.labels["unknown"] == 0
    assert run.evaluations["unwatched"]["left"].labels["unknown"] > 0
    entries = read_log(run.folder / "log.jsonl")
    assert [entry["update"] for entry in entries] == [10, 20]
    assert entries[1]["environment_steps"] == 20 * 32
    shares = {"left", "right", "timeout", "unknown"}
    assert set(entries[0]["overseer"]) == {"episodes", "reward_per_step", *shares}
    assert 0 < entries[0]["overseer"]["reward_per_step"] <= 1
    assert set(entries[0]["experts"]) == {"divergence", "gate_entropy", "gate_information"}
    assert {"policy_gradient_loss", "value_loss", "entropy"} <= set(entries[0]["learner"])
    assert entries[0]["evaluation"]["left"]["episodes"] >= 2
    assert run.belief is not None
    again = load_run(run.folder)
    assert isinstance(again, EnvironmentRun)
    assert again.config == run.config
    seen = np.zeros((3, 2), np.float32)
    expected = run.policy.steer("left").action_probabilities(seen)
    assert torch.equal(again.policy.steer(again.policy.deploy).action_probabilities(seen), expected)
    result = json.loads((run.folder / "result.json").read_text())
    assert (result["deployed_actor"], result["updates"]) == ("left", 20)
    assert 0 < result["labels"] < 20 * 32
    assert sum(entries[1]["labels"].values()) == result["labels"]
    assert run.warnings == ()


@pytest.mark.slow
def test_an_environment_that_nobody_watches_is_warned_of(tmp_path: Path):
    config = doors_with(oversight=0.0, steps=100 * 32, learning_rate=1e-9, final_learning_rate=0.0)
    run = train(config, tmp_path / "run")
    names = [(one.name, one.update) for one in run.warnings]
    assert names == [("no label of left", 50), ("experts alike", 100), ("gate alike", 100)]


@pytest.mark.parametrize("algorithm", ["ppo", "a2c"])
def test_one_seed_gives_one_result_whatever_was_drawn_before(tmp_path: Path, algorithm: Any):
    config = doors_with(algorithm=algorithm, **(A2C if algorithm == "a2c" else {}))
    train(config, tmp_path / "one")
    drawn()
    train(config, tmp_path / "two")
    assert weights(tmp_path / "one") == weights(tmp_path / "two")
    train(dataclasses.replace(config, seed=1), tmp_path / "three")
    assert weights(tmp_path / "one") != weights(tmp_path / "three")


def test_evaluating_on_the_way_changes_nothing(tmp_path: Path):
    looked = train(doors_with(evaluate_every=1), tmp_path / "looked")
    log = read_log(looked.folder / "log.jsonl", evaluations_only=True)
    assert [entry["update"] for entry in log] == [1, 2, 3, 4]
    unseen = train(doors_with(evaluate_every=0), tmp_path / "unseen")
    assert not read_log(unseen.folder / "log.jsonl", evaluations_only=True)
    assert weights(looked.folder) == weights(unseen.folder)
    assert looked.evaluations == unseen.evaluations


def test_a_run_leaves_the_global_generators_where_they_stood(tmp_path: Path):
    torch.manual_seed(5)
    first = drawn()
    torch.manual_seed(5)
    train(doors_with(), tmp_path / "run")
    assert drawn()[0] == first[0]


def test_a_device_that_is_not_there_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match="PyTorch finds no CUDA device here"):
        train(doors_with(device="cuda"), tmp_path / "run")


def test_a_run_leaves_nothing_among_the_temporary_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    train(doors_with(), tmp_path / "run")
    assert not list(temporary.iterdir())


def test_generators_go_on_from_where_they_were_read():
    with generators_kept():
        numbers = read_generators()
        first = drawn()
        assert drawn() != first
        write_generators(numbers)
        assert drawn() == first


def test_a_checkpoint_holds_weights_optimizer_numbers_and_memory(tmp_path: Path):
    """Two states with the same checkpoint learn the same from the same new episodes."""
    task = EnvironmentTask.of(doors_with())
    state = task.start()
    for _ in range(2):
        task.update(state)
    saved = state.state_dict()
    torch.save(saved, tmp_path / "state.pt")
    found = []
    for _ in range(2):
        other = task.start()
        other.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
        assert other.update == 2
        assert other.model.num_timesteps == 64
        assert torch.equal(other.model.memory["judged"], state.model.memory["judged"])
        assert torch.equal(other.model.gate_memory["targets"], state.model.gate_memory["targets"])
        for name, weight in state.model.policy.state_dict().items():
            assert torch.equal(other.model.policy.state_dict()[name], weight)
        task.update(other)
        found.append(other.model.policy.state_dict())
    assert all(torch.equal(weight, found[1][name]) for name, weight in found[0].items())


def test_schedules_go_on_where_a_run_is_resumed():
    task = EnvironmentTask.of(doors_with(entropy_coefficient=1.0, final_entropy_coefficient=0.0))
    whole = task.start()
    for _ in range(3):
        task.update(whole)
    resumed = task.start()
    resumed.load_state_dict(whole.state_dict())
    for state in (whole, resumed):
        task.update(state)
    assert whole.model.ent_coef == resumed.model.ent_coef == pytest.approx(0.25)
    task.close(whole)
    task.close(resumed)


def test_neighbouring_seeds_and_resumed_runs_see_other_episodes(monkeypatch: pytest.MonkeyPatch):
    """An environment's seed is the first one's and its number: the first ones are far apart."""
    seeds: list[int] = []
    for seed, update in ((0, 0), (1, 0), (0, 3)):
        task = EnvironmentTask.of(doors_with(seed=seed))
        state = task.start()
        state.update = update
        with monkeypatch.context() as patch:
            patch.setattr(DummyVecEnv, "seed", lambda self, seed: seeds.append(seed))
            task.update(state)
        task.close(state)
    assert len(seeds) == 3
    assert min(abs(one - other) for one, other in itertools.combinations(seeds, 2)) > 1000


def test_ctrl_c_saves_and_the_run_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    config, calls, update = doors_with(steps=12 * 32), 0, EnvironmentTask.update

    def interrupted(self: Any, state: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == 5:
            os.kill(os.getpid(), signal.SIGINT)
        update(self, state)

    with monkeypatch.context() as patch:
        patch.setattr(EnvironmentTask, "update", interrupted)
        with pytest.raises(KeyboardInterrupt):
            train(config, tmp_path / "run")
    assert calls == 5
    run = train(config, tmp_path / "run", resume=True)
    assert json.loads((run.folder / "result.json").read_text())["updates"] == 12
    longer = train(dataclasses.replace(config, steps=20 * 32), tmp_path / "run", resume=True)
    assert [entry["update"] for entry in read_log(longer.folder / "log.jsonl")] == [10, 20]
    with pytest.raises(InputError, match="steps: there 640, here only 384"):
        train(config, tmp_path / "run", resume=True)
    with pytest.raises(InputError, match=r"epochs: there 1, here 2"):
        train(dataclasses.replace(config, steps=640, epochs=2), tmp_path / "run", resume=True)


MOMENTS = [
    *(("before a file appears", count) for count in (1, 2, 4)),
    *(("after a file appears", count) for count in (1, 3, 5, 7)),
    *(("after a log line", count) for count in (1, 2, 4)),
]


@pytest.mark.slow
def test_a_run_that_is_killed_at_any_moment_finishes_when_it_is_resumed(tmp_path: Path):
    config = doors_with(steps=5 * 32)
    context = multiprocessing.get_context("fork")
    for moment, count in MOMENTS:
        folder = tmp_path / f"{moment} {count}"
        process = context.Process(target=train_until, args=(config, folder, moment, count))
        process.start()
        process.join(patience())
        assert process.exitcode == -signal.SIGKILL, (moment, count)
        run = train(config, folder, resume=True)
        assert {p.name for p in folder.iterdir()} == FILES
        updates = [entry["update"] for entry in without_timings(run.folder)]
        assert updates == sorted(set(updates)), "no line twice, none out of order"


@pytest.mark.slow
@pytest.mark.parametrize("env", ["own_env:pushed", "routed_envs/DiamondGhost-v0"])
def test_environments_of_ones_own_and_registered_ones(env: str, tmp_path: Path):
    run = train(doors_with(env=env, method="inferred-model"), tmp_path / "run")
    assert run.policy.deploy == run.outcomes.good[0]


@pytest.mark.slow
def test_methods_with_one_expert_and_those_whose_mixture_acts(tmp_path: Path):
    for method, actors in (
        ("naive-early-stop", {"policy"}),
        ("routed", {"mixture", "left", "right"}),
        ("told-everything", {"policy"}),
    ):
        run = train(doors_with(method=method), tmp_path / method)
        assert set(run.evaluations["training"]) == actors
        assert run.belief is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"env": "own_env:door"}, r"no object in own_env 'door'. Did you mean 'doors'"),
        ({"env": "own_env:number"}, "is a int, not a function"),
        ({"env": "own_env:plain"}, r"does not tell how its episodes end.*new-env"),
        ({"env": "own_env:attacked"}, r"\('left', 'attack'\): call 'attack' otherwise.*unwatched"),
        ({"env": "own_env:failing"}, r"calling it failed in .*own_env.py.*no display"),
        ({"env": "no_such_module:make"}, "cannot be imported"),
        ({"env": "routed_envs/DiamondGost-v0"}, "Did you mean 'routed_envs/DiamondGhost-v0'"),
        ({"env": "CartPole-v1"}, "does not tell how its episodes end"),
        ({"method": "routd"}, "Did you mean 'routed'"),
        ({"environments": 1}, "acts in environments of its own. Give at least 2"),
        ({"method": "routed", "env": "own_env:pushed"}, "such as 'inferred'"),
        ({"env": "own_env:either_door"}, "a single expert, door, .* such as 'naive'"),
    ],
)
def test_what_cannot_be_trained_is_refused_before_anything_is_written(
    changes: dict[str, Any], message: str, tmp_path: Path
):
    with pytest.raises(InputError, match=message):
        train(doors_with(**changes), tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"steps": 31}, "steps=31 is less than one rollout"),
        ({"overseen_limit": 0.0}, "overseen_limit=0"),
        ({"algorithm": "a2c", "epochs": 3}, "epochs is of ppo, and algorithm is a2c"),
        ({"algorithm": "dqn"}, "algorithm='dqn' cannot be used: give ppo or a2c"),
        ({"oversight": 2.0}, "oversight=2.0"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(changes: dict[str, Any], message: str):
    with pytest.raises(InputError, match=message):
        doors_with(**changes)


def test_a_world_of_ones_own_is_no_environment(tmp_path: Path):
    with pytest.raises(InputError, match="takes no world"):
        train(doors_with(), tmp_path, world=object())  # pyright: ignore[reportCallIssue,reportArgumentType]
