"""Exact evaluation by dynamic programming over every state of a small world."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from routed_envs.interface import EnumerableWorld

MAX_STATES = 1_000_000
"""Worlds with more states are evaluated by Monte Carlo."""


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
