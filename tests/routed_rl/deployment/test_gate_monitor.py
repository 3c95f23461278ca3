"""The monitor and its measure: hand-worked curves, exact against sampled, flags and log."""

from __future__ import annotations

import csv
import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers import observations, random_policy, tiny_with
from own_env import doors
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import DummyVecEnv

from routed_agents import RoutedPPO
from routed_envs import DiamondGhostWorld, InputError
from routed_rl import Experiment, Monitor, Roc, train
from routed_rl.cli.main import main
from routed_rl.deployment.early_warning import first_step_roc, forewarnings
from routed_rl.evaluation.exact import Evaluator

WORLD = DiamondGhostWorld(rows=3, cols=3, oversight=0.3)


def small_policy():
    """A random policy of a 3 x 3 grid."""
    experiment = Experiment.of(tiny_with(rows=3, cols=3, oversight=0.3))
    state = experiment.start()
    with torch.no_grad():
        for parameter in state.policy.parameters():
            parameter.mul_(6)
    return experiment.policy(state)


def roc(scores: list[float], events: list[float], weights: list[float] | None = None) -> Roc:
    weights = weights or [1.0] * len(scores)
    return Roc.of(*(torch.tensor(column) for column in (scores, events, weights)))


def test_a_curve_with_a_tie_worked_by_hand():
    """Of the four pairs of an event and none, three are in order and one is a tie: 3.5 of 4."""
    found = roc([0.9, 0.8, 0.8, 0.3], [1, 1, 0, 0])
    assert found.thresholds.tolist() == pytest.approx([float("inf"), 0.9, 0.8, 0.3])
    assert found.detections.tolist() == [0, 0.5, 1, 1]
    assert found.false_alarms.tolist() == [0, 0, 0.5, 1]
    assert found.area == pytest.approx(3.5 / 4)
    assert found.event_rate == 0.5


@pytest.mark.parametrize(
    ("scores", "events", "area"),
    [([3, 2, 1], [1, 1, 0], 1.0), ([1, 2, 3], [1, 1, 0], 0.0), ([5, 5, 5], [1, 0, 0], 0.5)],
)
def test_certainty_its_reverse_and_chance(scores: list[float], events: list[float], area: float):
    assert roc(scores, events).area == pytest.approx(area)


def test_probabilities_and_weights_count_as_so_many_cases():
    found = roc([1.0, 0.0], [0.75, 0.25])
    assert found.detections.tolist() == [0, 0.75, 1]
    assert found.false_alarms.tolist() == [0, 0.25, 1]
    assert found.area == pytest.approx(0.75)
    weighted = roc([1.0, 0.5, 0.0], [1, 0, 1], [2, 1, 1])
    repeated = roc([1.0, 1.0, 0.5, 0.0], [1, 1, 0, 1])
    assert torch.allclose(weighted.detections, repeated.detections)
    assert weighted.area == pytest.approx(repeated.area) == pytest.approx(2 / 3)


def test_the_threshold_is_the_lowest_within_the_rate():
    found = roc([4, 3, 2, 1], [1, 0, 1, 0])
    assert dataclasses.astuple(found.at(0.5)) == (2, 0.5, 1)
    assert dataclasses.astuple(found.at(0.49)) == (4, 0, 0.5)
    assert dataclasses.astuple(found.at(1)) == (1, 1, 1)
    assert dataclasses.astuple(roc([2, 1], [0, 1]).at(0.2)) == (float("inf"), 0, 0)
    with pytest.raises(InputError, match="from 0 to 1"):
        found.at(1.5)


def test_a_thinned_curve_keeps_its_ends_and_its_shape():
    generator = torch.Generator().manual_seed(0)
    scores = torch.rand(5000, generator=generator)
    events = (torch.rand(5000, generator=generator) < scores).double()
    found = Roc.of(scores, events, torch.ones(5000))
    thin = found.thinned()
    assert 100 < len(thin.thresholds) < 500
    assert (thin.false_alarms[-1], thin.detections[-1]) == (1, 1)
    assert thin.area == pytest.approx(found.area, abs=1e-3)


def test_an_event_that_never_happens_cannot_be_foretold():
    with pytest.raises(InputError, match="nothing to tell apart"):
        roc([1, 2], [0, 0])


def test_the_exact_curve_agrees_with_a_sample():
    policy = small_policy()
    told: list[float] = []
    exact, count = first_step_roc(policy, WORLD, "ghost", more=told.append)
    assert (count, told) == (None, [1])
    # Spurious oversight, however rare, makes too many states to list.
    world = dataclasses.replace(WORLD, spurious_oversight=1e-9)
    sampled, count = first_step_roc(policy, world, "ghost", episodes=20_000, more=told.append)
    assert (count, sum(told)) == (20_000, pytest.approx(2))
    assert sampled.area == pytest.approx(exact.area, abs=0.02)
    assert sampled.event_rate == pytest.approx(exact.event_rate, abs=0.02)


def test_the_deployed_policy_is_measured_beside_the_mixture():
    policy = small_policy()
    found = forewarnings(policy, {"a": WORLD, "b": WORLD.with_oversight(0.0)}, "diamond")
    assert [(one.who, one.level) for one in found] == [
        ("mixture", "a"),
        ("diamond", "a"),
        ("mixture", "b"),
        ("diamond", "b"),
    ]
    assert {one.expert for one in found} == {"diamond"}


def test_the_monitor_reads_the_gate_and_leaves_the_actions_alone(tmp_path: Path):
    policy, twin = random_policy(), random_policy()
    diamond = policy.steer("diamond")
    monitor = Monitor(diamond, threshold=0.4, log=tmp_path / "new" / "log.jsonl")
    batch = observations(30).numpy()
    actions, state = monitor.predict(batch)
    assert state is None
    expected, _ = twin.steer("diamond").predict(batch)
    assert np.array_equal(actions, expected)
    weights = policy.gate_weights(batch)[:, 1].numpy()
    assert monitor.last.tolist() == (weights >= 0.4).tolist()
    assert 0 < monitor.flags == monitor.last.sum() < 30
    action, _ = monitor.predict(batch[3], deterministic=True)
    assert monitor.last.tolist() == [weights[3] >= 0.4]
    newest = monitor.readings[-1]
    assert (newest.decision, newest.environment, newest.action) == (1, 0, int(action))
    assert newest.weight == pytest.approx(float(weights[3]), abs=1e-6)
    lines = (tmp_path / "new" / "log.jsonl").read_text().splitlines()
    assert len(lines) == len(monitor.readings) == 31
    assert json.loads(lines[-1]) == dataclasses.asdict(newest)


def test_the_last_readings_stay_in_memory():
    policy = random_policy()
    monitor = Monitor(policy, 0.5, keep=5)
    monitor.predict(observations(8).numpy())
    assert [reading.environment for reading in monitor.readings] == [3, 4, 5, 6, 7]


def test_a_policy_that_was_deployed_alone_is_watched_with_the_runs_gate():
    policy = random_policy()
    alone = policy.with_experts("diamond")
    with pytest.raises(InputError, match="no learned gate"):
        Monitor(alone, 0.5)
    monitor = Monitor(alone, 0.5, gate=policy)
    seen = observations(4).numpy()
    monitor.predict(seen)
    expected = policy.gate_weights(seen)[:, 1]
    assert [r.weight for r in monitor.readings] == pytest.approx(expected.tolist(), abs=1e-6)


def test_a_calibrated_monitor_keeps_to_its_false_alarms():
    policy = small_policy()
    monitor = Monitor.calibrated(policy, 0.1)
    assert monitor.expert == "ghost"
    chances = WORLD.start_probabilities()
    seen = WORLD.observe(WORLD.enumerate_states())
    flags = policy.gate_weights(seen)[:, 1].double() >= monitor.threshold
    ends = Evaluator(WORLD).state_values(policy)[:, 1]
    good = chances * (1 - ends)
    assert 0.05 < float(good[flags].sum() / good.sum()) <= 0.1


def make_model(kind: Any, **options: Any) -> Any:
    env = DummyVecEnv([lambda: doors(0.5)] * 2)
    return kind("MlpPolicy", env, n_steps=8, batch_size=16, seed=0, **options)


def test_a_model_of_stable_baselines3_stands_for_its_policy():
    model = make_model(RoutedPPO, method="routed")
    seen = model.env.reset()
    monitor = Monitor.calibrated(model, env=model.env, episodes=40)
    monitor.predict(seen)
    assert (monitor.expert, monitor.decisions) == ("right", 1)
    expected = model.policy.gate_weights(seen)[:, 1].tolist()
    assert [reading.weight for reading in monitor.readings] == pytest.approx(expected)
    alone = Monitor(model.steer("left"), 0.5, expert="left", gate=model)
    alone.predict(seen)
    assert alone.readings[0].weight == pytest.approx(1 - expected[0])


def test_models_without_a_gate_are_refused():
    plain = make_model(PPO)
    for make in (
        lambda: Monitor(plain, 0.5),
        lambda: Monitor.calibrated(plain, env=plain.env),
    ):
        with pytest.raises(InputError, match=r"^PPO: this has no gate to ask"):
            make()
    naive = make_model(RoutedPPO, method="naive")
    with pytest.raises(InputError, match="no learned gate"):
        Monitor.calibrated(naive, env=naive.env)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"threshold": 0.5, "expert": "gost"}, "Did you mean 'ghost'"),
        ({"threshold": float("nan")}, "threshold=nan"),
        ({"threshold": -0.1}, "threshold=-0.1"),
        ({"threshold": "0.5"}, "threshold='0.5': give a number"),
        ({"threshold": None}, "threshold=None: give a number"),
    ],
)
def test_monitors_that_cannot_be_are_refused(options, message: str):
    with pytest.raises(InputError, match=message):
        Monitor(random_policy(), **options)


def test_the_command_measures_and_draws(tmp_path: Path, capsys):
    folder = tmp_path / "run"
    train(tiny_with(rows=3, cols=3), folder)
    assert main(["monitor", str(folder), "--oversight", "0", "0.5"]) == 0
    assert "exact" in capsys.readouterr().out
    figures = folder / "deployment" / "figures"
    for ending in ("png", "svg", "csv"):
        assert (figures / f"monitor.{ending}").stat().st_size > 500
    rows = list(csv.DictReader((figures / "monitor_table.csv").read_text().splitlines()))
    assert [(row["who_acts"], row["level"]) for row in rows] == [
        ("mixture", "0"),
        ("mixture", "0.5"),
        ("diamond", "0"),
        ("diamond", "0.5"),
    ]
    assert all(0 < float(row["area"]) < 1 and row["episodes"] == "" for row in rows)


def test_what_cannot_be_measured_is_refused(tmp_path: Path, capsys):
    train(tiny_with(rows=3, cols=3, method="naive"), tmp_path / "naive")
    train(tiny_with(rows=3, cols=3), tmp_path / "run")
    before = sorted(tmp_path.rglob("*"))
    for words, message in (
        ([str(tmp_path / "naive")], "no learned gate"),
        ([str(tmp_path / "nowhere")], "There is no policy"),
        ([str(tmp_path / "run"), "--expert", "gost"], "Did you mean 'ghost'"),
        ([str(tmp_path / "run"), "--false-alarm-rate", "2"], "from 0 to 1"),
        ([str(tmp_path / "run"), "--oversight", "2"], "from 0 to 1"),
        ([str(tmp_path / "run"), "--out", str(tmp_path / "run" / "log.jsonl")], "is a file"),
    ):
        assert main(["monitor", *words]) == 2
        assert message in capsys.readouterr().err
    assert sorted(tmp_path.rglob("*")) == before
