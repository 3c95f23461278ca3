"""What a policy that learned in an environment does there, whoever watches and whoever acts."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from typing import Any

from stable_baselines3.common.vec_env import VecEnv

from routed_agents.stable_baselines.actor_critic import RoutedActorCriticPolicy
from routed_rl.environment_config import EnvironmentConfig
from routed_rl.environments.making import make_envs
from routed_rl.evaluation.environments import evaluate_env
from routed_rl.evaluation.record import Evaluation
from routed_rl.evaluation.sampled import check_episodes
from routed_rl.evaluation.steerings import steerings

Figures = dict[str, Evaluation]
SIDE_BY_SIDE = 16
"""Environments in which a policy is judged."""
APART = 10_000_000
"""So far are the seeds of judging from those of training."""
LEVELS = {"unwatched": 0.0, "training": None, "watched": 1.0}
"""The oversight of each world in which a finished policy is judged; None is that of training."""


def judge_steerings(
    config: EnvironmentConfig,
    policy: RoutedActorCriticPolicy,
    oversight: float | None = None,
    episodes: int | None = None,
    *,
    actors: Mapping[str, RoutedActorCriticPolicy] | None = None,
    deterministic: bool = False,
    seed: int = 0,
) -> Figures:
    """The figures of a policy under several steerings, by sampled episodes.

    Args:
        config: Of the run, which names the environment.
        policy: From which the actors come if none are given; its own steering does not matter.
        oversight: Handed to the environment; that of training if None.
        episodes: Of each; those of the configuration if None.
        actors: By names of your choice; the unsteered policy and each expert if None.
        deterministic: Take the likeliest action instead of sampling.
        seed: Of the environments, which are not those of training.
    """
    oversight = config.oversight if oversight is None else oversight
    episodes = config.evaluation_episodes if episodes is None else episodes
    actors = steerings(policy) if actors is None else actors
    settings: dict[str, Any] = {"deterministic": deterministic, "seed": APART + seed}
    with closing(judging_envs(config, oversight, episodes)) as env:
        return {
            name: evaluate_env(actor, env, episodes, **settings) for name, actor in actors.items()
        }


def judging_envs(config: EnvironmentConfig, oversight: float, episodes: int) -> VecEnv:
    """A run's environments for that many episodes of judging, under an oversight.

    Raises:
        InputError: There are too few episodes, or too many.
    """
    check_episodes(episodes)
    return make_envs(config.env, oversight, min(SIDE_BY_SIDE, episodes))


def judge_levels(config: EnvironmentConfig, policy: RoutedActorCriticPolicy) -> dict[str, Figures]:
    """The same if nobody watches, as in training, and if everybody does."""
    return {
        level: judge_steerings(config, policy, oversight) for level, oversight in LEVELS.items()
    }
