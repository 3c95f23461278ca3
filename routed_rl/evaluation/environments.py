"""What a policy does in an environment of Gymnasium or stable-baselines3, by sampling."""

from __future__ import annotations

import math
from typing import Any

import gymnasium
import numpy as np
import torch
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv

from routed_agents.stable_baselines.checks import check_env, oversight_of
from routed_envs.errors import unknown_name
from routed_envs.outcomes import Outcomes
from routed_rl.evaluation.record import Evaluation, Predictor
from routed_rl.evaluation.sampled import Sample, Score, check_episodes, summarise
from routed_rl.screen import More, ignored

AnyEnv = VecEnv | gymnasium.Env[Any, Any]
"""An overseen environment, or a vector of them."""


def evaluate_env(
    policy: Predictor,
    env: AnyEnv,
    episodes: int = 1000,
    *,
    deterministic: bool = False,
    seed: int | None = 0,
) -> Evaluation:
    """How a policy behaves on average in an overseen environment.

    Every environment of a vector plays as many episodes, so that short ones are not counted more
    often. The actions come from the policy's own generator, PyTorch's global one for policies of
    stable-baselines3.

    Args:
        policy: ``model.steer("diamond")``, ``model.deployed()``, a `Policy`, or anything with the
            same `predict`.
        env: An overseen environment, or a vector environment of them.
        episodes: How many at least, 2 or more.
        deterministic: Take the likeliest action instead of sampling.
        seed: Seeds the environment; None leaves it as it is.

    Returns:
        The figures with 95% intervals: rates of each outcome, and the return, +1 for a good target
        and -1 for another, discounted by 0.97 a step.

    Raises:
        InputError: Too few episodes, or an environment that does not tell how an episode ended.
    """
    sample, outcomes, share = sample_env(policy, env, episodes, deterministic, seed)
    return summarise(sample, outcomes, getattr(policy, "steering", None), share)


def sample_env(
    policy: Predictor,
    env: AnyEnv,
    episodes: int,
    deterministic: bool = False,
    seed: int | None = 0,
    score: Score | None = None,
    more: More = ignored,
) -> tuple[Sample, Outcomes, float]:
    """Run that many episodes in an overseen environment.

    Args:
        policy: As in `evaluate_env`, and the following.
        env: Where.
        episodes: How many at least.
        deterministic: Take the likeliest action instead of sampling.
        seed: Of the environment.
        score: What is asked of each episode's first observation.
        more: Is told what share of the episodes is over, as they end.

    Returns:
        The episodes, how they can end, and the environment's oversight.

    Raises:
        InputError: As `evaluate_env`.
    """
    check_episodes(episodes)
    vector = as_vector(env)
    outcomes, share = oversight_of(vector)
    if seed is not None:
        vector.seed(seed)
    quota = math.ceil(episodes / vector.num_envs)
    return _play(policy, vector, outcomes, quota, deterministic, score, more), outcomes, share


def as_vector(env: AnyEnv) -> VecEnv:
    """An environment, or a vector of them, as a vector.

    Raises:
        InputError: The library does not take it.
    """
    check_env(env)
    return env if isinstance(env, VecEnv) else DummyVecEnv([lambda: env])


def _play(
    policy: Predictor,
    env: VecEnv,
    outcomes: Outcomes,
    quota: int,
    deterministic: bool,
    score: Score | None,
    more: More,
) -> Sample:
    """The first episodes of each environment, `quota` of each."""
    found: list[tuple[int, int, int]] = []
    scores: list[float] = []
    ask = score or (lambda observations: torch.zeros(env.num_envs))
    steps, done = np.zeros(env.num_envs, int), np.zeros(env.num_envs, int)
    observations: Any = env.reset()
    said = ask(observations)
    while done.min() < quota:
        actions, _ = policy.predict(observations, deterministic=deterministic)
        observations, _, ended, infos = env.step(actions)
        steps += 1
        for index in np.flatnonzero(ended).tolist():
            if done[index] < quota:
                outcome, label = (infos[index].get(key) for key in ("hidden_outcome", "label"))
                codes = _code(outcomes, outcome), _code(outcomes, label)
                found.append((int(steps[index]), *codes))
                scores.append(float(said[index]))
        if ended.any():
            said = torch.where(torch.as_tensor(ended), ask(observations), said)
        more(float((ended & (done < quota)).mean()) / quota)
        done += ended
        steps[ended] = 0
    lengths, ends, labels = torch.tensor(found).unbind(1)
    return Sample(lengths, ends, labels, None if score is None else torch.tensor(scores))


def _code(outcomes: Outcomes, name: Any) -> int:
    """The code of an outcome or label of an ended episode.

    Raises:
        InputError: There is no such name.
    """
    if name not in outcomes.labels:
        raise unknown_name("outcome", name, outcomes.labels)
    return outcomes.labels.index(name)
