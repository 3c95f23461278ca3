"""Sampling in environments agrees with the exact figures, and counts every environment alike."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest
from numpy.typing import NDArray

from routed_agents import RoutedA2C
from routed_envs import DiamondGhostWorld, InputError, WorldVecEnv
from routed_rl import evaluate, evaluate_env

WORLD = DiamondGhostWorld(rows=3, cols=3, oversight=0.3, max_steps=6)


@pytest.mark.slow
def test_sampled_figures_agree_with_the_exact_ones():
    model = RoutedA2C("MlpPolicy", WorldVecEnv(WORLD, 64, seed=0), seed=0)
    policy = model.steer({"diamond": 0.25, "ghost": 0.75})
    exact = evaluate(policy, world=WORLD)
    found = evaluate_env(policy, WorldVecEnv(WORLD, 64), episodes=6400)
    assert found.episodes == 6400
    assert not found.exact
    assert found.steer == {"diamond": 0.25, "ghost": 0.75}
    assert found.oversight == 0.3
    for name, rate in exact.rates.items():
        assert found.rates[name] == pytest.approx(rate, abs=0.03)
    assert found.labels["unknown"] == pytest.approx(exact.labels["unknown"], abs=0.03)
    assert found.episode_return == pytest.approx(exact.episode_return, abs=0.05)
    assert found.mean_length == pytest.approx(exact.mean_length, abs=0.15)


class Up:
    """Always goes up."""

    def predict(
        self, observation: NDArray[Any], *, deterministic: bool = False
    ) -> tuple[NDArray[Any], None]:
        return np.zeros(len(observation), dtype=np.int64), None


def test_short_episodes_are_not_counted_more_often():
    """Going up from a random start: the fast endings must not crowd out the time-outs."""
    exact = evaluate_env(Up(), WorldVecEnv(WORLD, 2000), episodes=2000)
    found = evaluate_env(Up(), WorldVecEnv(WORLD, 100), episodes=2000)
    assert found.episodes == 2000
    assert found.rates["timeout"] == pytest.approx(exact.rates["timeout"], abs=0.04)


def test_a_gymnasium_environment_and_too_little():
    env = gymnasium.make("routed_envs/DiamondGhost-v0", rows=2, cols=2, oversight=1.0)
    found = evaluate_env(Up(), env, episodes=10)
    assert found.episodes == 10
    assert found.labels["unknown"] == 0
    with pytest.raises(InputError, match="at least 2"):
        evaluate_env(Up(), env, episodes=1)
    with pytest.raises(InputError, match=r"routed_envs\.Overseen"):
        evaluate_env(Up(), gymnasium.make("CartPole-v1"))
