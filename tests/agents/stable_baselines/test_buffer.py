"""What the rollout buffer makes of labels: rewards, advantages, observations."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch
from baselines import (
    ARCH,
    Picture,
    Script,
    last_reward,
    one_update,
)
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.vec_env import VecNormalize

from routed_agents import (
    METHODS,
    Rollout,
    RoutedA2C,
    RoutedPPO,
    RoutingSettings,
    get_method,
)
from routed_envs import Overseen
from routed_envs.gridworld.world import OUTCOMES


def test_the_buffer_gives_each_step_its_episodes_label_and_the_methods_reward():
    model = RoutedA2C(
        "MlpPolicy", Script(), "naive", n_steps=7, policy_kwargs=dict(ARCH), gamma=0.0
    )
    one_update(model)
    names = [OUTCOMES.labels[code] for code in model.rollout_buffer.codes]
    assert names == ["ghost"] * 3 + ["unknown"] * 2 + ["timeout", "unfinished"]
    # A ghost that was overseen costs 1; whatever ended unseen keeps the environment's 1.
    assert model.rollout_buffer.returns.ravel() == pytest.approx([0, 0, -1, 0, 1, 0, 0])


def test_the_methods_reward_is_not_scaled_by_vec_normalize():
    env = VecNormalize(make_vec_env(Script, 2), norm_obs=False, gamma=0.5)
    env.ret_rms.var = np.array(16.0)
    env.training = False
    model = RoutedA2C("MlpPolicy", env, "naive", n_steps=7, policy_kwargs=dict(ARCH), gamma=0.0)
    one_update(model)
    one = model.rollout_buffer.returns.reshape(2, 7)[0].tolist()
    assert one == pytest.approx([0, 0, -1, 0, 0.25, 0, 0], abs=1e-3)


@pytest.mark.slow
def test_the_hidden_outcome_reaches_the_oracle_alone():
    def weights(method: str, swap: bool) -> torch.Tensor:
        class FalseOutcomes(Script):
            def step(self, action: int) -> Any:
                *rest, info = super().step(action)
                if swap and info["label"] == "unknown":
                    info["hidden_outcome"] = "ghost"
                return *rest, info

        model = RoutedA2C("MlpPolicy", FalseOutcomes(), method, policy_kwargs=dict(ARCH), seed=0)
        one_update(model)
        return model.policy.mixture.head.weight

    for method in METHODS:
        if get_method(method, OUTCOMES).acts == "experts":
            continue
        same = torch.equal(weights(method, False), weights(method, True))
        assert same == (get_method(method, OUTCOMES).relabel != "truth"), method


def test_normalised_advantages_with_an_offset_are_those_of_the_whole_rollout():
    settings = RoutingSettings(advantage_offset=3.0, overseen_weight=2.0)
    model = RoutedPPO(
        "MlpPolicy", Script(), routing=settings, n_steps=14, batch_size=7, policy_kwargs=dict(ARCH)
    )
    one_update(model)
    weight = torch.where(torch.from_numpy(model.rollout_buffer.codes) < 2, 2.0, 1.0).numpy()
    found = model.rollout_buffer.advantages.ravel() - 1.5  # Half of the episodes are overseen.
    assert np.average(found, weights=weight) == pytest.approx(0, abs=1e-5)
    assert np.average(found**2, weights=weight) == pytest.approx(1, abs=1e-5)
    assert not model.normalize_advantage


def test_pictures_are_turned_for_the_cnn_and_their_flag_is_hidden_from_a_reward_model():
    env = Overseen(Picture(), ("gold", "trap"), ("gold",), last_reward, oversight=0.5)
    seen: list[Rollout] = []

    def keep(rollout: Rollout, memory: Any, generator: torch.Generator) -> Any:
        seen.append(rollout)
        return rollout.labels, memory

    method = dataclasses.replace(get_method("naive", env.outcomes), relabel=keep)
    RoutedA2C("CnnPolicy", env, method, n_steps=16, seed=0).learn(16)
    (rollout,) = seen
    assert rollout.oversight_mask is not None
    assert rollout.oversight_mask.tolist() == [[[channel == 3] * 6] * 5 for channel in range(4)]
    assert rollout.observations.shape == (17, 1, 4, 5, 6)
    assert 0 <= rollout.observations.min() < rollout.observations.max() <= 1
