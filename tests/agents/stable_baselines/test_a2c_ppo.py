"""The two algorithms: parity with the library, every method, any number of outcomes."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from baselines import (
    ARCH,
    DOORS,
    EXPERTS,
    CountSteps,
    Doors,
    gradients,
    gym_env,
    losses_of,
    one_update,
    open_method,
    routed_ppo,
    vec_env,
)
from stable_baselines3 import A2C, PPO
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.vec_env import SubprocVecEnv

from routed_agents import (
    METHODS,
    RoutedA2C,
    RoutedActorCriticPolicy,
    RoutedPPO,
    RoutingSettings,
    Row,
    get_method,
    group_experts,
)
from routed_agents.stable_baselines.base import RoutedAlgorithm
from routed_envs.gridworld.world import OUTCOMES


@pytest.mark.parametrize(("ours", "theirs"), [(RoutedA2C, A2C), (RoutedPPO, PPO)])
def test_with_every_route_open_an_algorithm_is_the_librarys(
    ours: Callable[..., RoutedAlgorithm], theirs: Callable[..., A2C]
):
    shared: dict[str, Any] = {"seed": 0, "n_steps": 8, "ent_coef": 0.01}
    if theirs is PPO:
        shared |= {"batch_size": 16, "n_epochs": 2}
    routed: Any = ours("MlpPolicy", vec_env(), open_method(), policy_kwargs=dict(ARCH), **shared)
    one_update(routed)
    # The library seeds PyTorch's global generator when a model is made, so one after the other.
    plain = theirs(RoutedActorCriticPolicy, vec_env(), policy_kwargs=ARCH | EXPERTS, **shared)
    one_update(plain)
    assert losses_of(routed)
    assert losses_of(routed) == pytest.approx(losses_of(plain), abs=1e-6)
    expected = gradients(plain)
    assert gradients(routed).keys() == expected.keys()
    for name, gradient in gradients(routed).items():
        assert torch.allclose(gradient, expected[name], rtol=0, atol=1e-6), name
    for name, weights in plain.policy.state_dict().items():
        assert torch.allclose(routed.policy.state_dict()[name], weights, rtol=0, atol=1e-6), name


def test_with_one_expert_the_policy_is_the_librarys_actor_critic():
    rows = dict.fromkeys(OUTCOMES.labels, Row(experts=(1.0,)))
    single = dataclasses.replace(get_method("naive", OUTCOMES), rows=rows)
    arch = {"net_arch": {"pi": [16, 16], "vf": [16]}}
    routed = RoutedA2C("MlpPolicy", vec_env(), single, policy_kwargs=dict(arch), n_steps=8)
    plain = A2C("MlpPolicy", vec_env(), policy_kwargs=dict(arch), n_steps=8)
    names = {
        "mlp_extractor.policy_net.0": "mixture.experts.policy.0",
        "mlp_extractor.policy_net.2": "mixture.experts.policy.2",
        "mlp_extractor.value_net.0": "value_net.0",
        "action_net": "mixture.head",
        "value_net": "value_net.2",
    }
    keys = {f"{a}.{kind}": f"{b}.{kind}" for a, b in names.items() for kind in ("weight", "bias")}
    weights = plain.policy.state_dict()
    assert set(weights) == set(keys)
    routed.policy.load_state_dict({ours: weights[theirs] for theirs, ours in keys.items()})
    for model in (routed, plain):
        model.set_random_seed(3)
        one_update(model)
    assert losses_of(routed) == pytest.approx(losses_of(plain), abs=1e-6)
    found = gradients(routed)
    for theirs, gradient in gradients(plain).items():
        assert torch.allclose(found[keys[theirs]], gradient, rtol=0, atol=1e-6), theirs


@pytest.mark.parametrize("method", METHODS)
def test_every_method_learns_from_the_same_environments(method: str):
    model = routed_ppo(method, env=vec_env(count=8))
    before = {name: w.clone() for name, w in model.policy.state_dict().items()}
    model.learn(3 * 64)
    after = model.policy.state_dict()
    assert all(torch.isfinite(w).all() for w in after.values())
    assert any(not torch.equal(w, before[name]) for name, w in after.items())
    assert model.deployed().steering == get_method(method, OUTCOMES).deploy
    taken = {"oracle": 128}.get(method, 192)  # Half of the episodes are overseen; rollouts have 64.
    assert model.num_timesteps == taken


def test_one_seed_gives_one_result():
    one, other = (routed_ppo().learn(128).policy.state_dict() for _ in range(2))
    assert all(torch.equal(weights, other[name]) for name, weights in one.items())


@pytest.mark.filterwarnings("ignore:rich is experimental")
def test_callbacks_progress_bar_and_tensorboard_work_as_in_the_library(tmp_path: Path):
    model = routed_ppo(tensorboard_log=str(tmp_path))
    counter = CountSteps()
    model.learn(64, callback=counter, progress_bar=True)
    assert counter.n_calls == 16
    assert list(tmp_path.glob("RoutedPPO_1/events*"))


@pytest.mark.slow
def test_environments_in_processes_of_their_own_are_overseen_too():
    env = make_vec_env(gym_env, 2, vec_env_cls=SubprocVecEnv)
    model = RoutedA2C("MlpPolicy", env, policy_kwargs=dict(ARCH), n_steps=16, seed=0)
    model.learn(64)
    codes = set(model.rollout_buffer.codes.tolist())
    env.close()
    assert codes <= set(range(5))
    assert codes & {0, 1, 3}  # Some episode ended on a target.


@pytest.mark.slow
def test_three_outcomes_have_three_experts_or_two_that_share_them():
    settings: dict[str, Any] = {"policy_kwargs": dict(ARCH), "ent_coef": 0.5, "seed": 1}
    settings |= {"learning_rate": 0.01, "n_steps": 8, "max_grad_norm": 10.0}
    routing = RoutingSettings(advantage_offset=8.0)
    env = make_vec_env(Doors, 8)
    model = RoutedA2C("MlpPolicy", env, routing=routing, **settings)
    model.learn(5000)
    opened = [model.steer(name).action_probabilities(np.ones((1, 1))) for name in DOORS.targets]
    # Rows: who acts; columns: which door. Each door is opened most often by its own expert.
    assert torch.cat(opened).argmax(0).tolist() == [0, 1, 2]
    groups = {"good": ("gold", "coin"), "bad": ("trap",)}
    method = group_experts(get_method("routed", DOORS), groups)
    model = RoutedA2C("MlpPolicy", env, method, routing=routing, **settings)
    assert model.policy.experts == ("good", "bad")
    assert model.deployed().steering == {"good": 1.0, "bad": 0.0}
