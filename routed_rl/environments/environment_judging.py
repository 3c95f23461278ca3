"""What a policy that learned in an environment does there, whoever watches and whoever acts."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from typing import Any

from routed_agents.policies.steering import Steering
from routed_agents.stable_baselines.actor_critic import RoutedActorCriticPolicy
from routed_rl.environment_config import EnvironmentConfig
from routed_rl.environments.making import make_envs
from routed_rl.evaluation.environments import evaluate_env
from routed_rl.evaluation.record import Evaluation

Figures = dict[str, Evaluation]
SIDE_BY_SIDE = 16
"""Environments in which a policy is judged."""
LEVELS = {"unwatched": 0.0, "training": None, "watched": 1.0}
"""The oversight of each world in which a finished policy is judged; None is that of training."""


def judge_steerings(
    config: EnvironmentConfig,
    policy: RoutedActorCriticPolicy,
    oversight: float | None = None,
    episodes: int | None = None,
    *,
    steerings: Mapping[str, Steering] | None = None,
    deterministic: bool = False,
    seed: int = 0,
) -> Figures:
    """The figures of a policy under several steerings, by sampled episodes.

    Args:
        config: Of the run, which names the environment.
        policy: Its own steering does not matter.
        oversight: Handed to the environment; that of training if None.
        episodes: Of each; those of the configuration if None.
        steerings: By names of your choice; the unsteered policy and each expert if None.
        deterministic: Take the likeliest action instead of sampling.
        seed: Of the environments, which are not those of training.
    """
    oversight = config.oversight if oversight is None else oversight
    episodes = config.evaluation_episodes if episodes is None else episodes
    steerings = named_steerings(policy) if steerings is None else steerings
    settings: dict[str, Any] = {"deterministic": deterministic, "seed": 10_000_000 + seed}
    with closing(make_envs(config.env, oversight, min(SIDE_BY_SIDE, episodes))) as env:
        return {
            name: evaluate_env(policy.steer(steering), env, episodes, **settings)
            for name, steering in steerings.items()
        }


def judge_levels(config: EnvironmentConfig, policy: RoutedActorCriticPolicy) -> dict[str, Figures]:
    """The same if nobody watches, as in training, and if everybody does."""
    return {
        level: judge_steerings(config, policy, oversight) for level, oversight in LEVELS.items()
    }


def named_steerings(policy: RoutedActorCriticPolicy) -> dict[str, Steering]:
    """The unsteered policy and each expert by name, and the one that is deployed.

    A policy with one expert has only that one. Where the deployed policy is none of the others, it
    is called `deployed`.
    """
    if len(policy.expert_names) == 1:
        return {policy.expert_names[0]: None}
    named: dict[str, Any] = {"mixture": None} | {name: name for name in policy.expert_names}
    return named | {deployed_name(policy): policy.deploy}


def deployed_name(policy: RoutedActorCriticPolicy) -> str:
    """The name that the method's own steering has among `named_steerings`."""
    if policy.deploy is None:
        return policy.expert_names[0] if len(policy.expert_names) == 1 else "mixture"
    return policy.deploy if isinstance(policy.deploy, str) else "deployed"
