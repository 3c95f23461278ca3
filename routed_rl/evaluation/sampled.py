"""Evaluation by sampling, with confidence intervals, for worlds of any size."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from routed_agents.policies.steering import Steering
from routed_agents.rollout import sample_actions
from routed_envs.errors import InputError
from routed_envs.outcomes import Outcomes
from routed_envs.worlds import World
from routed_rl.evaluation.record import DISCOUNT, Actor, Evaluation
from routed_rl.screen import More, ignored

ORDINARY_95 = 1.959963984540054
"""This is the normal distribution's 97.5% quantile."""
MOST_EPISODES = 1_000_000
"""With so many an interval is a thousandth wide."""


def monte_carlo(
    policy: Actor, world: World[Any], episodes: int, deterministic: bool, seed: int
) -> Evaluation:
    """The figures as means over sampled episodes, with 95% intervals.

    Args:
        policy: The policy, steered or not.
        world: Where it acts.
        episodes: How many, at least 2.
        deterministic: Take the likeliest action instead of sampling.
        seed: Decides the starts and the actions.

    Raises:
        InputError: Too few episodes, or too many.
    """
    check_episodes(episodes)
    sample = sample_episodes(policy, world, episodes, deterministic, seed)
    steering = getattr(policy, "steering", None)
    return summarise(sample, world.outcomes, steering, world.oversight)


def check_episodes(episodes: int) -> None:
    """Refuse a number of episodes from which no interval follows, or too many to keep.

    Raises:
        InputError: There are fewer than 2, or more than `MOST_EPISODES`.
    """
    if not 2 <= episodes <= MOST_EPISODES:
        raise InputError(f"episodes={episodes}: give at least 2, and at most {MOST_EPISODES:,}.")


def summarise(
    sample: Sample, outcomes: Outcomes, steering: Steering, oversight: float
) -> Evaluation:
    """The figures of sampled episodes, with 95% intervals.

    Args:
        sample: N episodes.
        outcomes: Names and codes.
        steering: Under which the policy acted.
        oversight: Of the world in which it did.
    """
    lengths, count = sample.lengths.double(), len(sample.lengths)
    scores = torch.tensor((*outcomes.scores, 0.0), dtype=torch.float64)
    returns = scores[sample.outcomes] * DISCOUNT ** (lengths - 1)
    rates = _shares(sample.outcomes, (*outcomes.targets, "timeout"))
    intervals = {f"{name}_rate": wilson_interval(rate, count) for name, rate in rates.items()}
    intervals["episode_return"] = _normal_interval(returns)
    intervals["mean_length"] = _normal_interval(lengths)
    return Evaluation(
        steer=steering,
        oversight=oversight,
        exact=False,
        episode_return=float(returns.mean()),
        rates=rates,
        mean_length=float(lengths.mean()),
        labels=_shares(sample.labels, (*outcomes.targets, "timeout", "unknown")),
        episodes=count,
        intervals=intervals,
    )


def _shares(codes: torch.Tensor, names: Sequence[str]) -> dict[str, float]:
    """The share of each code, 0 for the first name and so on."""
    return {name: float((codes == code).double().mean()) for code, name in enumerate(names)}


@dataclass(frozen=True)
class Sample:
    """N episodes that ended.

    Attributes:
        lengths: int64 [N], the number of steps.
        outcomes: int64 [N], codes of `Outcomes`: how each really ended.
        labels: int64 [N], codes of `Outcomes`: what the overseer knows.
        scores: float [N], what was asked of each one's first observation; None if nothing was.
    """

    lengths: torch.Tensor
    outcomes: torch.Tensor
    labels: torch.Tensor
    scores: torch.Tensor | None = None


Score = Callable[[Any], torch.Tensor]
"""Maps B observations to float [B]."""


def sample_episodes(
    policy: Actor,
    world: World[Any],
    episodes: int,
    deterministic: bool = False,
    seed: int = 0,
    score: Score | None = None,
    more: More = ignored,
) -> Sample:
    """Run that many episodes side by side from fresh starts.

    Args:
        policy: The policy, steered or not.
        world: The rules.
        episodes: N.
        deterministic: Take the likeliest action instead of sampling.
        seed: Decides the starts and the actions.
        score: What is asked of the first observations.
        more: Is told what share of the steps is done, as they are.
    """
    generator = seeded(seed)
    state = world.place(torch.rand((episodes, world.random_numbers), generator=generator))
    scores = None if score is None else score(world.observe(state))
    lengths = torch.zeros(episodes, dtype=torch.int64)
    outcomes = torch.full((episodes,), world.outcomes.unfinished)
    labels = outcomes
    for _ in range(world.max_steps):
        running = outcomes == world.outcomes.unfinished
        probabilities = policy.action_probabilities(world.observe(state)).cpu()
        sampled = sample_actions(probabilities, torch.rand(episodes, generator=generator))
        actions = probabilities.argmax(1) if deterministic else sampled
        state, ending = world.advance(state, actions)
        # Episodes that are over move on unseen: only the first ending of each counts.
        outcomes = torch.where(running, ending.outcome, outcomes)
        labels = torch.where(running, ending.label, labels)
        lengths += running
        more(1 / world.max_steps)
    return Sample(lengths, outcomes, labels, scores)


def seeded(seed: int) -> torch.Generator:
    """A generator on the CPU.

    Raises:
        InputError: The seed is negative or too large.
    """
    if not 0 <= seed < 2**63:
        raise InputError(f"seed={seed}: give a whole number from 0 to 2^63 - 1.")
    return torch.Generator().manual_seed(seed)


def wilson_interval(rate: float, count: int) -> tuple[float, float]:
    """The 95% interval of a proportion, 0 to 1, of a count of at least 1 (Wilson 1927)."""
    z2 = ORDINARY_95**2
    centre = (rate + z2 / (2 * count)) / (1 + z2 / count)
    spread = math.sqrt(rate * (1 - rate) / count + z2 / (4 * count**2)) / (1 + z2 / count)
    return centre - ORDINARY_95 * spread, centre + ORDINARY_95 * spread


def _normal_interval(values: torch.Tensor) -> tuple[float, float]:
    """The 95% interval of a mean, by the central limit theorem."""
    mean, error = float(values.mean()), float(values.std()) / math.sqrt(len(values))
    return mean - ORDINARY_95 * error, mean + ORDINARY_95 * error
