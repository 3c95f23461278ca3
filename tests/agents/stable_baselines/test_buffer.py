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
from stable_baselines3.common.callbacks import BaseCallback
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

        env = make_vec_env(FalseOutcomes, 2)
        model = RoutedA2C("MlpPolicy", env, method, policy_kwargs=dict(ARCH), seed=0)
        one_update(model)
        return model.policy.mixture.head.weight

    for method in METHODS:
        same = torch.equal(weights(method, False), weights(method, True))
        assert same == (get_method(method, OUTCOMES).relabel != "truth"), method


def test_normalised_advantages_with_an_offset_are_those_of_the_whole_rollout():
    settings = RoutingSettings(advantage_offset=3.0, overseen_weight=2.0)
    model = RoutedPPO(
        "MlpPolicy", Script(), routing=settings, n_steps=14, batch_size=7, policy_kwargs=dict(ARCH)
    )
    one_update(model)
    buffer = model.rollout_buffer
    weight = np.where(buffer.codes[buffer.taught] < 2, 2.0, 1.0)
    found = buffer.advantages.ravel()[buffer.taught] - 1.5  # Half of the episodes are overseen.
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


class Endings(Script):
    """One episode of three steps, whose end is overseen, and one of a single step."""

    labels = ("unfinished", "unfinished", "ghost", "diamond")


def test_steps_wait_for_the_end_of_their_episode():
    """Two steps a rollout, by hand: the first teaches nothing, the second all four steps."""
    model = RoutedA2C(
        "MlpPolicy", Endings(), "naive", n_steps=2, policy_kwargs=dict(ARCH), gamma=0.5
    )
    before = model.policy.mixture.head.weight.clone()
    one_update(model)
    assert model.rollout_buffer.taught.size == 0
    assert torch.equal(model.policy.mixture.head.weight, before)
    model.learn(2, reset_num_timesteps=False, log_interval=100)
    buffer = model.rollout_buffer
    names = [OUTCOMES.labels[code] for code in buffer.codes[buffer.taught]]
    assert names == ["ghost"] * 3 + ["diamond"]
    assert buffer.returns.ravel() == pytest.approx([-0.25, -0.5, -1.0, 1.0])
    assert not torch.equal(model.policy.mixture.head.weight, before)
    model.learn(2, log_interval=100)  # Counts anew, with new episodes: nothing waits.
    assert model.rollout_buffer.taught.size == 0
    model.learn(2, log_interval=100)
    assert model.rollout_buffer.codes.shape == (2,)


def test_a_long_episode_waits_over_several_rollouts_and_no_step_is_taught_twice():
    class Long(Script):
        labels = ("unknown", *("unfinished",) * 6, "ghost")

    model = RoutedPPO(
        "MlpPolicy", make_vec_env(Long, 2), "naive", n_steps=3, policy_kwargs=dict(ARCH), gamma=0.5
    )
    taught = []
    for index in range(8):
        model.learn(6, reset_num_timesteps=index == 0, log_interval=100)
        taught.append(model.rollout_buffer.taught.size // 2)
    # Steps 1, 8, 9, 16, 17 and 24 end an episode; 24 steps were taken.
    assert taught == [1, 0, 8, 0, 0, 8, 0, 7]
    assert sum(taught) == 24


class Stopping(BaseCallback):
    """Stops after so many steps."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.steps = steps

    def _on_step(self) -> bool:
        return self.n_calls < self.steps


def test_what_waits_is_let_go_of_where_a_rollout_was_broken_off():
    """Its end may have been in the part that is dropped."""
    model = RoutedA2C("MlpPolicy", Endings(), "naive", n_steps=2, policy_kwargs=dict(ARCH))
    one_update(model)
    assert model.rollout_buffer._waiting is not None
    model.learn(2, callback=Stopping(1), reset_num_timesteps=False, log_interval=100)
    model.learn(2, reset_num_timesteps=False, log_interval=100)
    assert model.rollout_buffer.codes.shape == (2,)


def test_minibatches_are_even_where_steps_wait():
    model = RoutedPPO(
        "MlpPolicy", Script(), "naive", n_steps=16, batch_size=4, policy_kwargs=dict(ARCH)
    )
    one_update(model)
    buffer = model.rollout_buffer
    assert buffer.taught.size == 13
    sizes = [len(samples.actions) for samples in buffer.get(4)]
    assert sizes == [4, 3, 3, 3]


def test_where_labels_change_nothing_no_step_waits():
    rows = dict.fromkeys(OUTCOMES.labels, get_method("naive", OUTCOMES).rows["unknown"])
    same = dataclasses.replace(get_method("naive", OUTCOMES), rows=rows)
    model = RoutedA2C("MlpPolicy", Endings(), same, n_steps=2, policy_kwargs=dict(ARCH))
    one_update(model)
    assert model.rollout_buffer.taught.tolist() == [0, 1]
