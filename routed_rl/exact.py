"""Exact evaluation by dynamic programming over every state of a small world."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from routed_agents.methods import Steering
from routed_envs.errors import InputError
from routed_envs.interface import EnumerableWorld, World
from routed_rl.figures import DISCOUNT, Actor, Evaluation

MAX_STATES = 1_000_000
"""Worlds with more states are evaluated by Monte Carlo."""


def is_listable(world: World[Any], max_states: int = MAX_STATES) -> bool:
    """Whether a world is small enough for an exact evaluation.

    Args:
        world: Any world.
        max_states: The most states that are acceptable.
    """
    count = world.state_count if isinstance(world, EnumerableWorld) else None
    return count is not None and count <= max_states


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


@dataclass(frozen=True)
class Transitions:
    """Where each action leads from each of S states, by the world's own rules.

    Attributes:
        next_state: int64 [S, A], the state after the action; any, where the episode ends.
        outcome: int64 [S, A], codes of `Outcomes`, of a step that is not the last one allowed.
    """

    next_state: torch.Tensor
    outcome: torch.Tensor


def transitions(world: EnumerableWorld) -> Transitions:
    """Take every action in every state, once.

    Args:
        world: A world whose states can be listed.

    Returns:
        The table of all transitions.
    """
    states = world.enumerate_states()
    count = world.state_count or 0
    next_state, outcome = [], []
    for action in range(world.actions):
        after, ending = world.advance(states, torch.full((count,), action))
        next_state.append(world.state_index(after))
        outcome.append(ending.outcome)
    return Transitions(torch.stack(next_state, 1), torch.stack(outcome, 1))


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
        float64 [S, K + 2]: the probability of ending on each of the K targets, then the discounted
        return (+1 for a good target, -1 for another), then the number of steps.
    """
    targets = len(world.outcomes.targets)
    probabilities = probabilities.double()
    reached = torch.nn.functional.one_hot(table.outcome, targets + 3)[:, :, :targets].double()
    scores = torch.tensor(world.outcomes.scores, dtype=torch.float64)
    steps = torch.ones((*reached.shape[:2], 1), dtype=torch.float64)
    gained = torch.cat((reached, (reached @ scores).unsqueeze(2), steps), 2)
    gained = torch.einsum("sa,sac->sc", probabilities, gained)
    # The weight with which each action hands on the values of the state to which it leads.
    handed_on = probabilities * (table.outcome == world.outcomes.unfinished)
    decay = torch.ones(targets + 2, dtype=torch.float64)
    decay[targets] = discount
    values = gained.clone()
    for _ in range(world.max_steps - 1):
        following = torch.nn.functional.embedding_bag(
            table.next_state, values, per_sample_weights=handed_on, mode="sum"
        )
        values = gained + decay * following
    return values
