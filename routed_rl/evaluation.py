"""What a policy does: exactly where the world is small, else by Monte Carlo with intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch

from routed_agents.methods import Steering
from routed_agents.policy import Policy
from routed_agents.rollout import sample_actions
from routed_envs.errors import InputError
from routed_envs.interface import EnumerableWorld, World
from routed_rl.exact import MAX_STATES, Transitions, state_values, transitions

DISCOUNT = 0.97
"""The discount of every reported return, whatever training used."""

ORDINARY_95 = 1.959963984540054
"""The normal distribution's 97.5% quantile."""


class Actor(Protocol):
    """Whatever can be judged; a `Policy` can, and so can your own."""

    def action_probabilities(self, observations: torch.Tensor, /) -> torch.Tensor:
        """How likely each action is, float [B, A], for int8 [B, *observation_shape]."""
        ...


@dataclass(frozen=True)
class Evaluation:
    """What a policy brings on average over an episode from a random start.

    Attributes:
        steer: The steering under which it acted.
        oversight: The world's oversight.
        exact: No sampling noise; else the figures are means over `episodes`.
        episode_return: +1 for a good target, -1 for another, discounted by 0.97 a step.
        rates: The probability of each outcome by name, `timeout` among them; their sum is 1.
        mean_length: Steps of an episode.
        episodes: The sampled episodes; None if exact.
        intervals: 95% confidence intervals of the figures by name (low, high); None if exact.
    """

    steer: Steering
    oversight: float
    exact: bool
    episode_return: float
    rates: dict[str, float]
    mean_length: float
    episodes: int | None = None
    intervals: dict[str, tuple[float, float]] | None = None

    @property
    def diamond_rate(self) -> float:
        """The probability that an episode ends on the diamond."""
        return self.rates["diamond"]

    @property
    def ghost_rate(self) -> float:
        """The probability that an episode ends on the ghost."""
        return self.rates["ghost"]

    @property
    def timeout_rate(self) -> float:
        """The probability that an episode times out."""
        return self.rates["timeout"]

    def to_json(self) -> dict[str, Any]:
        """The figures as plain values, each rate by its own name."""
        sampled = {} if self.exact else {"episodes": self.episodes, "intervals": self.intervals}
        return {
            "steer": self.steer,
            "oversight": self.oversight,
            "exact": self.exact,
            "episode_return": self.episode_return,
            **{f"{name}_rate": rate for name, rate in self.rates.items()},
            "mean_length": self.mean_length,
            **sampled,
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Evaluation:
        """The record that `to_json` described."""
        intervals = values.get("intervals")
        plain = ("steer", "oversight", "exact", "episode_return", "mean_length")
        return cls(
            rates={k[: -len("_rate")]: v for k, v in values.items() if k.endswith("_rate")},
            intervals=intervals and {name: tuple(ends) for name, ends in intervals.items()},
            episodes=values.get("episodes"),
            **{name: values[name] for name in plain},
        )


def evaluate(
    policy: Actor,
    oversight: float | None = None,
    *,
    world: World[Any] | None = None,
    exact: bool | None = None,
    episodes: int = 10_000,
    deterministic: bool = False,
    seed: int = 0,
) -> Evaluation:
    """How a policy behaves on average, under its present steering.

    Args:
        policy: From `load_policy` or `train`, steered or not; or anything with
            `action_probabilities`.
        oversight: The world's oversight, 0 to 1; the one it was trained with if None.
        world: Where to evaluate; the policy's own world if None.
        exact: Dynamic programming (True), Monte Carlo (False), or whichever the world's size
            allows (None).
        episodes: Episodes of a Monte Carlo evaluation, at least 2.
        deterministic: Take the likeliest action instead of sampling.
        seed: Of the Monte Carlo evaluation.

    Returns:
        The figures; `exact` says how they were found.

    Raises:
        InputError: An oversight outside 0 to 1, too few episodes, no world, or one too large
            for an exact evaluation that was asked for.
    """
    world = getattr(policy, "world", None) if world is None else world
    if world is None:
        raise InputError("This policy carries no world. Give one: evaluate(policy, world=...).")
    if oversight is not None:
        world = world.with_oversight(oversight)
    if exact is None:
        exact = is_listable(world)
    if exact:
        level = world.oversight
        return Evaluator(world).evaluate(policy, [level], deterministic)[0]
    return _monte_carlo(policy, world, episodes, deterministic, seed)


def is_listable(world: World[Any]) -> bool:
    """Whether a world is small enough for an exact evaluation."""
    count = world.state_count if isinstance(world, EnumerableWorld) else None
    return count is not None and count <= MAX_STATES


class Evaluator:
    """Exact evaluation of many policies in one world, listing its states only once.

    Args:
        world: A world whose states can be listed.

    Raises:
        InputError: The world is too large, or cannot be listed at all.
    """

    def __init__(self, world: World[Any]) -> None:
        if not isinstance(world, EnumerableWorld) or not is_listable(world):
            raise InputError(
                f"The world {world!r} has too many states for an exact evaluation, which takes at "
                f"most {MAX_STATES:,}. Leave `exact` out for a Monte Carlo evaluation."
            )
        self._world = world
        self._observations = world.observe(world.enumerate_states())
        self._transitions: Transitions = transitions(world)

    def state_values(self, policy: Actor, deterministic: bool = False) -> torch.Tensor:
        """What an episode brings from each state; see `routed_rl.exact.state_values`.

        Args:
            policy: A policy for this world, steered or not.
            deterministic: Take the likeliest action instead of sampling.

        Returns:
            float64 [S, K + 2], in the order of the world's states.
        """
        # In parts that fit the processor's cache: half the time of one large forward pass.
        parts = self._observations.split(4096)
        probabilities = torch.cat([policy.action_probabilities(part).cpu() for part in parts])
        if deterministic:
            likeliest = probabilities.argmax(1)
            probabilities = torch.nn.functional.one_hot(likeliest, self._world.actions)
        return state_values(self._world, self._transitions, probabilities, DISCOUNT)

    def evaluate(
        self, policy: Actor, oversights: Sequence[float], deterministic: bool = False
    ) -> list[Evaluation]:
        """The figures of one policy under several oversights, for little more than one.

        Args:
            policy: A policy for this world, steered or not.
            oversights: Each from 0 to 1.
            deterministic: Take the likeliest action instead of sampling.

        Returns:
            The figures, in the order of the oversights.
        """
        values = self.state_values(policy, deterministic)
        steering = getattr(policy, "steering", None)
        return [self._mean(values, steering, oversight) for oversight in oversights]

    def _mean(self, values: torch.Tensor, steering: Steering, oversight: float) -> Evaluation:
        """The mean of what each state brings, over the starts under an oversight."""
        world = self._world.with_oversight(oversight)
        assert isinstance(world, EnumerableWorld), "an oversight does not change a world's class"
        *reached, episode_return, mean_length = (world.start_probabilities() @ values).tolist()
        rates = dict(zip(world.outcomes.targets, reached, strict=True))
        return Evaluation(
            steer=steering,
            oversight=oversight,
            exact=True,
            episode_return=episode_return,
            rates=rates | {"timeout": max(0.0, 1 - math.fsum(reached))},
            mean_length=mean_length,
        )


def _monte_carlo(
    policy: Actor, world: World[Any], episodes: int, deterministic: bool, seed: int
) -> Evaluation:
    """The figures as means over sampled episodes, with 95% intervals."""
    if episodes < 2:
        raise InputError(f"episodes={episodes}: give at least 2.")
    lengths, outcomes = sample_episodes(policy, world, episodes, deterministic, seed)
    targets = world.outcomes.targets
    scores = torch.tensor((*world.outcomes.scores, 0.0), dtype=torch.float64)
    returns = scores[outcomes] * DISCOUNT ** (lengths.double() - 1)
    rates = {
        name: float((outcomes == code).double().mean())
        for code, name in enumerate((*targets, "timeout"))
    }
    intervals = {f"{name}_rate": wilson_interval(rate, episodes) for name, rate in rates.items()}
    intervals["episode_return"] = _normal_interval(returns)
    intervals["mean_length"] = _normal_interval(lengths.double())
    return Evaluation(
        steer=getattr(policy, "steering", None),
        oversight=world.oversight,
        exact=False,
        episode_return=float(returns.mean()),
        rates=rates,
        mean_length=float(lengths.double().mean()),
        episodes=episodes,
        intervals=intervals,
    )


def sample_episodes(
    policy: Actor, world: World[Any], episodes: int, deterministic: bool = False, seed: int = 0
) -> tuple[torch.Tensor, torch.Tensor]:
    """Run that many episodes side by side from fresh starts.

    Args:
        policy: The policy, steered or not.
        world: The rules.
        episodes: N.
        deterministic: Take the likeliest action instead of sampling.
        seed: Decides the starts and the actions.

    Returns:
        The number of steps and the outcome's code of each episode, int64 [N] each.
    """
    generator = torch.Generator().manual_seed(seed)
    state = world.place(torch.rand((episodes, world.random_numbers), generator=generator))
    lengths = torch.zeros(episodes, dtype=torch.int64)
    outcomes = torch.full((episodes,), world.outcomes.unfinished)
    for _ in range(world.max_steps):
        running = outcomes == world.outcomes.unfinished
        probabilities = policy.action_probabilities(world.observe(state)).cpu()
        sampled = sample_actions(probabilities, torch.rand(episodes, generator=generator))
        actions = probabilities.argmax(1) if deterministic else sampled
        state, ending = world.advance(state, actions)
        # Episodes that are over move on unseen: only the first ending of each counts.
        outcomes = torch.where(running, ending.outcome, outcomes)
        lengths += running
    return lengths, outcomes


def wilson_interval(rate: float, count: int) -> tuple[float, float]:
    """The 95% interval of a proportion (Wilson 1927).

    Args:
        rate: The observed proportion, 0 to 1.
        count: Of how many, at least 1.
    """
    z2 = ORDINARY_95**2
    centre = (rate + z2 / (2 * count)) / (1 + z2 / count)
    spread = math.sqrt(rate * (1 - rate) / count + z2 / (4 * count**2)) / (1 + z2 / count)
    return centre - ORDINARY_95 * spread, centre + ORDINARY_95 * spread


def _normal_interval(values: torch.Tensor) -> tuple[float, float]:
    """The 95% interval of a mean, by the central limit theorem."""
    mean, error = float(values.mean()), float(values.std()) / math.sqrt(len(values))
    return mean - ORDINARY_95 * error, mean + ORDINARY_95 * error


def evaluate_steerings(
    policy: Policy, oversights: Sequence[float]
) -> dict[float, dict[str, Evaluation]]:
    """The figures of the unsteered policy and of each expert, under several oversights.

    Args:
        policy: Its own steering does not matter.
        oversights: Each from 0 to 1.

    Returns:
        By oversight, then by name: `mixture` and each expert's, or `policy` where there is one.
    """
    world, policies = policy.world, steerings(policy)
    if is_listable(world):
        evaluator = Evaluator(world)
        columns = {name: evaluator.evaluate(p, oversights) for name, p in policies.items()}
    else:
        columns = {
            name: [evaluate(p, oversight, exact=False) for oversight in oversights]
            for name, p in policies.items()
        }
    return {
        oversight: {name: column[index] for name, column in columns.items()}
        for index, oversight in enumerate(oversights)
    }


def steerings(policy: Policy) -> dict[str, Policy]:
    """The unsteered policy and each expert by name; `policy` where there is one expert."""
    if len(policy.experts) == 1:
        return {policy.experts[0]: policy.steer(None)}
    return {"mixture": policy.steer(None), **{name: policy.steer(name) for name in policy.experts}}
