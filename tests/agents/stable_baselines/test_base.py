"""A routed model as the library's: saved, loaded, steered, given another environment."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch
from baselines import (
    SMALL_WORLD,
    routed_ppo,
    vec_env,
)
from stable_baselines3.common.evaluation import evaluate_policy

from routed_agents import (
    Method,
    RoutedA2C,
    RoutedPPO,
)
from routed_envs import InputError
from routed_envs.gridworld.world import OUTCOMES
from routed_rl import evaluate


def test_a_model_is_saved_loaded_continued_and_predicts_the_same(tmp_path: Path):
    model = routed_ppo("reward-model")
    model.learn(64)
    model.save(tmp_path / "model")
    seen = vec_env().reset()
    again = RoutedPPO.load(tmp_path / "model", env=vec_env())
    assert isinstance(again.method, Method)
    assert again.method.name == "reward-model"
    assert torch.equal(
        again.policy.action_probabilities(seen), model.policy.action_probabilities(seen)
    )
    assert again.memory.keys() == model.memory.keys() != set()
    again.learn(64, reset_num_timesteps=False)
    assert again.num_timesteps == 128
    alone = RoutedPPO.load(tmp_path / "model")  # Without an environment, to predict only.
    assert (
        alone.predict(seen, deterministic=True)[0] == model.predict(seen, deterministic=True)[0]
    ).all()


def test_steering_has_the_librarys_predict_and_shares_the_weights():
    model = routed_ppo()
    seen = vec_env().reset()
    diamond = model.steer("diamond")
    assert diamond.predict(seen[0])[0].shape == ()
    assert diamond.predict(seen)[0].shape == (4,)
    features = torch.as_tensor(seen).float().flatten(1)
    expected = model.policy.mixture.head(model.policy.mixture.experts["diamond"](features)).softmax(
        1
    )
    assert torch.allclose(diamond.action_probabilities(seen), expected)
    assert model.policy.steering is None
    with torch.no_grad():
        model.policy.mixture.head.bias[2] = 50
    assert (diamond.predict(seen)[0] == 2).all()
    mean = evaluate_policy(diamond, vec_env(), n_eval_episodes=4, warn=False)[0]
    assert mean in (0, 0.25, 0.5, 0.75, 1)
    found = evaluate(diamond, world=SMALL_WORLD)
    assert found.exact


def test_a_new_environment_may_have_another_oversight_and_size_of_vector():
    model = routed_ppo()
    model.learn(32)
    model.set_env(vec_env(dataclasses.replace(SMALL_WORLD, oversight=1.0)))
    assert model.overseen_share == 1.0
    model.learn(32)
    assert OUTCOMES.unknown not in model.rollout_buffer.codes


def test_a_model_is_not_loaded_with_a_method_of_other_experts(tmp_path: Path):
    routed_ppo().save(tmp_path / "model")
    with pytest.raises(InputError, match=r"'gate': 'learned'.*'naive' needs .*'policy'"):
        RoutedPPO.load(tmp_path / "model", env=vec_env(), method="naive")
    again = RoutedPPO.load(tmp_path / "model", env=vec_env(), method="no-routing")
    again.learn(32)  # The same experts, another table.
    assert isinstance(again.method, Method)
    assert again.method.name == "no-routing"


@pytest.mark.parametrize("kind", [RoutedPPO, RoutedA2C])
def test_the_third_argument_may_be_the_learning_rate_as_in_the_library(kind: Any):
    assert kind("MlpPolicy", vec_env(), 0.125).lr_schedule(1.0) == 0.125
    model = kind("MlpPolicy", vec_env(), lambda remaining: remaining / 2)
    assert model.lr_schedule(0.5) == 0.25
    assert model.method.name == "routed"
