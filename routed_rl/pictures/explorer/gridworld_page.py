"""The content of the gridworld's page: each policy with its world, its dial and its numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeGuard

from routed_agents.policies.policy import Policy
from routed_agents.policies.steering import steering_weights
from routed_envs.errors import InputError, unknown_name
from routed_envs.gridworld.world import DiamondGhostWorld
from routed_envs.worlds import World
from routed_rl.evaluation.record import DISCOUNT
from routed_rl.pictures.explorer.packing import pack
from routed_rl.pictures.explorer.sources import Source


def in_gridworld(
    sources: Sequence[Source[World[Any]]],
) -> TypeGuard[Sequence[Source[DiamondGhostWorld]]]:
    """Whether all policies live in the world whose rules the page's program has."""
    return all(isinstance(source.world, DiamondGhostWorld) for source in sources)


def gridworld_content(
    sources: Sequence[Source[DiamondGhostWorld]], experts: Sequence[str] | None = None
) -> dict[str, Any]:
    """What the gridworld's page reads: its program computes what a policy does.

    Args:
        sources: One or two policies.
        experts: The ends of the dial, left and right.

    Raises:
        InputError: The grids differ, a policy is too large, or there is no such expert.
    """
    _check_grids(sources)
    if experts is not None and all(len(source.policy.experts) == 1 for source in sources):
        raise InputError("--experts: a policy with one expert has no dial. Leave it out.")
    return {
        "discount": DISCOUNT,
        "policies": [_described(source, experts) for source in sources],
    }


def _check_grids(sources: Sequence[Source[DiamondGhostWorld]]) -> None:
    """Refuse policies that cannot share a board."""
    first, last = sources[0], sources[-1]
    if (first.world.rows, first.world.cols) != (last.world.rows, last.world.cols):
        raise InputError(
            f"{first.name} lives in a grid of {first.world.rows} x {first.world.cols} and "
            f"{last.name} in one of {last.world.rows} x {last.world.cols}. Two policies share one "
            "board: explore each by itself."
        )


def dial_ends(policy: Policy, wanted: Sequence[str] | None) -> tuple[int, int]:
    """Between which experts the dial goes: the indices of its left and its right end.

    Args:
        policy: With any number of experts.
        wanted: The names of the left and the right end; the second and the first expert if None.
            Policies with one expert have no dial, and both ends are that expert.

    Raises:
        InputError: There is no such expert, or the two are not two.
    """
    if len(policy.experts) == 1:
        return 0, 0
    if wanted is None:
        return 1, 0
    for name in wanted:
        if name not in policy.experts:
            raise unknown_name("expert", name, policy.experts)
    if len(wanted) != 2 or wanted[0] == wanted[1]:
        raise InputError(
            f"experts={' '.join(wanted)!r}: a dial goes from one expert to another. Give two of "
            f"{', '.join(policy.experts)}."
        )
    left, right = (policy.experts.index(name) for name in wanted)
    return left, right


def _described(source: Source[DiamondGhostWorld], experts: Sequence[str] | None) -> dict[str, Any]:
    """A policy as the page reads it."""
    policy, world = source.policy, source.world
    left, right = dial_ends(policy, experts if len(policy.experts) > 1 else None)
    weights = steering_weights(policy.deploy, policy.experts)
    return {
        "name": source.name,
        "facts": source.facts,
        "world": {
            "rows": world.rows,
            "cols": world.cols,
            "maxSteps": world.max_steps,
            "hidden": world.hidden_oversight,
            "spurious": world.spurious_oversight > 0,
        },
        "experts": list(policy.experts),
        "gate": policy.network.settings.gate,
        "deploy": None if weights is None else list(weights),
        "ends": [left, right],
        **pack(source),
    }
