"""What happens in each state of a world, and what everybody who may act would do there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch

from routed_agents.policies.policy import Policy
from routed_envs.table_world import Transitions, transitions
from routed_envs.worlds import EnumerableWorld
from routed_rl.evaluation.exact import state_values
from routed_rl.evaluation.record import DISCOUNT
from routed_rl.evaluation.steerings import steerings
from routed_rl.pictures.explorer.states.state_fields import StateField

BATCH = 4096
"""Observations that a policy is asked about at once: they fit the processor's cache."""


def number_count(
    world: EnumerableWorld[Any], policies: Sequence[Policy], levels: Sequence[float]
) -> int:
    """How many numbers `state_numbers` gives, but for the fields, without computing any."""
    figures = world.actions + len(world.outcomes.targets) + 2
    each = world.actions + len(levels)
    for policy in policies:
        gate = len(policy.experts) if len(policy.experts) > 1 else 0
        each += gate + len(steerings(policy)) * figures
    return (world.state_count or 0) * each


def state_numbers(
    world: EnumerableWorld[Any],
    policies: Sequence[Policy],
    levels: Sequence[float],
    fields: Sequence[StateField],
) -> Mapping[str, torch.Tensor]:
    """The numbers of a page of S states, A actions and T targets, by name.

    Args:
        world: Whose states are listed.
        policies: Each is called by its place.
        levels: L degrees of oversight.
        fields: F of them.

    Returns:
        `next` [S, A], the state that follows, or -1 - (outcome x codes + label) of an ending, by
        the codes of `Outcomes`; `starts` [L, S], how likely an episode starts there; `fields`
        [F, S], codes; of each policy with several experts `0 gate` [S, K]; and by who acts
        `0 mixture probabilities` [S, A] and `0 mixture figures` [S, T + 2], the probability of
        each target, the return and the steps of an episode that starts there.
    """
    table = transitions(world)
    numbers = {
        "next": _followed(world, table),
        "starts": torch.stack([_starts(world, level) for level in levels]),
        "fields": torch.stack([field.codes for field in fields]),
    }
    for place, policy in enumerate(policies):
        numbers |= {f"{place} {name}": part for name, part in _acting(policy, world, table)}
    return numbers


def _followed(world: EnumerableWorld[Any], table: Transitions) -> torch.Tensor:
    """What follows each action, int64 [S, A]."""
    endings = -1 - (table.outcome * len(world.outcomes.labels) + table.label)
    return torch.where(table.outcome == world.outcomes.unfinished, table.next_state, endings)


def _starts(world: EnumerableWorld[Any], level: float) -> torch.Tensor:
    """How likely an episode starts in each state at an oversight, float64 [S]."""
    other = world.with_oversight(level)
    assert isinstance(other, EnumerableWorld), "a world of the same class is enumerable too"
    return other.start_probabilities()


def _acting(
    policy: Policy, world: EnumerableWorld[Any], table: Transitions
) -> Iterator[tuple[str, torch.Tensor]]:
    """What the gate says in each state, and what those who may act do there."""
    parts = world.observe(world.enumerate_states()).split(BATCH)
    if len(policy.experts) > 1:
        yield "gate", torch.cat([policy.gate_weights(part).cpu() for part in parts])
    for who, actor in steerings(policy).items():
        probabilities = torch.cat([actor.action_probabilities(part).cpu() for part in parts])
        values = state_values(world, table, probabilities, DISCOUNT)
        yield f"{who} probabilities", probabilities
        yield f"{who} figures", values[:, : len(world.outcomes.targets) + 2]
