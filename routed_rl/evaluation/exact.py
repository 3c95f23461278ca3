"""Exact evaluation by dynamic programming over every state of a small world."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch

from routed_agents.policies.steering import Steering
from routed_envs.errors import InputError
from routed_envs.worlds import EnumerableWorld, World
from routed_rl.evaluation.record import DISCOUNT, Actor, Evaluation

MAX_STATES = 1_000_000
"""Worlds with more states are evaluated by Monte Carlo."""


def is_listable(world: World[Any], max_states: int = MAX_STATES) -> bool:
    """Whether a world is small enough for an exact evaluation."""
    count = world.state_count if isinstance(world, EnumerableWorld) else None
    return count is not None and count <= max_states


def same_states(first: World[Any], second: World[Any]) -> bool:
    """Whether two worlds differ in nothing but their oversight, and so have the same states."""
    if type(first) is not type(second):
        return False
    return first.with_oversight(0.0).settings() == second.with_oversight(0.0).settings()


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
        """As the function `state_values`, for a policy of this world, float64 [S, 2 K + 2]."""
        # In parts that fit the processor's cache: half the time of one large forward pass.
        parts = self._observations.split(4096)
        probabilities = torch.cat([policy.action_probabilities(part).cpu() for part in parts])
        if deterministic:
            likeliest = probabilities.argmax(1)
            probabilities = torch.nn.functional.one_hot(likeliest, self._world.actions)
        return state_values(self._world, self._transitions, probabilities, DISCOUNT)

    def evaluate(
        self, policy: Actor, worlds: Iterable[World[Any]], deterministic: bool = False
    ) -> list[Evaluation]:
        """The figures of one policy in several worlds, for little more than one.

        Args:
            policy: A policy for this world, steered or not.
            worlds: This world, or the same one under another oversight (see `same_states`).
            deterministic: Take the likeliest action instead of sampling.

        Returns:
            The figures, in the order of the worlds.

        Raises:
            InputError: A world has other states.
        """
        worlds = list(worlds)
        for world in worlds:
            if not same_states(world, self._world):
                raise InputError(
                    f"The world {world!r} has other states than {self._world!r}. Give worlds that "
                    "differ in oversight only, or make an Evaluator for each."
                )
        values = self.state_values(policy, deterministic)
        steering = getattr(policy, "steering", None)
        return [_mean(values, steering, world) for world in worlds]


def _mean(values: torch.Tensor, steering: Steering, world: World[Any]) -> Evaluation:
    """The mean of what each state brings, over the starts of a world."""
    assert isinstance(world, EnumerableWorld), "a world of the same class is enumerable too"
    targets = world.outcomes.targets
    means = (world.start_probabilities() @ values).tolist()
    reached, named = means[: len(targets)], means[-len(targets) :]
    episode_return, mean_length = means[len(targets) : -len(targets)]
    timeout = max(0.0, 1 - math.fsum(reached))
    unknown = max(0.0, math.fsum(reached) - math.fsum(named))
    return Evaluation(
        steer=steering,
        oversight=world.oversight,
        exact=True,
        episode_return=episode_return,
        rates=dict(zip(targets, reached, strict=True)) | {"timeout": timeout},
        mean_length=mean_length,
        labels=dict(zip(targets, named, strict=True)) | {"timeout": timeout, "unknown": unknown},
    )


@dataclass(frozen=True)
class Transitions:
    """Where each action leads from each of S states, by the world's own rules.

    Attributes:
        next_state: int64 [S, A], the state after the action; any, where the episode ends.
        outcome: int64 [S, A], codes of `Outcomes`, of a step that is not the last one allowed.
        label: int64 [S, A], codes of `Outcomes`: what the overseer knows of that step.
    """

    next_state: torch.Tensor
    outcome: torch.Tensor
    label: torch.Tensor


def transitions(world: EnumerableWorld) -> Transitions:
    """Take every action in every state, once."""
    states = world.enumerate_states()
    count = world.state_count or 0
    columns = []
    for action in range(world.actions):
        after, ending = world.advance(states, torch.full((count,), action))
        columns.append((world.state_index(after), ending.outcome, ending.label))
    return Transitions(*(torch.stack(column, 1) for column in zip(*columns, strict=True)))


def state_values(
    world: EnumerableWorld, table: Transitions, probabilities: torch.Tensor, discount: float
) -> torch.Tensor:
    """What an episode brings from each state, on average, if it starts there.

    Backward over the steps: with k steps left, each action either ends the episode or leads to a
    state with k - 1 steps left.

    Args:
        world: A world whose states can be listed.
        table: Its transitions.
        probabilities: float [S, A], the policy's action probabilities.
        discount: 0 to 1; the first step's reward is not discounted.

    Returns:
        float64 [S, 2 K + 2]: the probability of ending on each of the K targets, the discounted
        return (+1 for a good target, -1 for another), the number of steps, then the probability
        of each of the K targets as the overseer's label.
    """
    outcomes = world.outcomes
    targets = len(outcomes.targets)
    probabilities = probabilities.double()
    scores = torch.tensor(outcomes.scores, dtype=torch.float64)
    reached, named = (
        _mass(probabilities, codes, targets) for codes in (table.outcome, table.label)
    )
    steps = probabilities.sum(1, keepdim=True)
    gained = torch.cat((reached, (reached @ scores).unsqueeze(1), steps, named), 1)
    # The weight with which each action hands on the values of the state to which it leads.
    handed_on = probabilities * (table.outcome == outcomes.unfinished)
    decay = torch.ones(gained.shape[1], dtype=torch.float64)
    decay[targets] = discount
    values = gained.clone()
    for _ in range(world.max_steps - 1):
        following = torch.nn.functional.embedding_bag(
            table.next_state, values, per_sample_weights=handed_on, mode="sum"
        )
        values = gained + decay * following
    return values


def best_return(world: EnumerableWorld) -> float:
    """The highest return that any policy can have, by value iteration over the steps left.

    On average over the starts, scored and discounted as every evaluation is. The policy may know
    the state and the time, which is more than an observation shows.
    """
    table, outcomes = transitions(world), world.outcomes
    others = [0.0] * (len(outcomes.labels) - len(outcomes.targets))
    codes, following = table.outcome.t().contiguous(), table.next_state.t().contiguous()
    gained = torch.tensor((*outcomes.scores, *others), dtype=torch.float64)[codes]
    handed_on = DISCOUNT * (codes == outcomes.unfinished).double()
    values = torch.zeros(following.shape[1], dtype=torch.float64)
    for _ in range(world.max_steps):
        before, values = values, (gained + handed_on * values[following]).amax(0)
        if torch.equal(before, values):
            break  # More time is of no use.
    return float(world.start_probabilities() @ values)


def _mass(probabilities: torch.Tensor, codes: torch.Tensor, targets: int) -> torch.Tensor:
    """How likely one step gives each of the first codes, float64 [S, targets]."""
    return torch.stack([(probabilities * (codes == code)).sum(1) for code in range(targets)], 1)
