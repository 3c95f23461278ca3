"""What the options about a policy mean: who acts, and in which world."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from routed_agents.methods.record import Steering
from routed_agents.policies.policy import Policy
from routed_envs.errors import InputError, unknown_name
from routed_envs.gridworld.world import DiamondGhostWorld
from routed_envs.worlds import World


def parse_steering(text: str, policy: Policy) -> Steering:
    """What the words after --steer mean for a policy, such as `deploy` or `diamond=0.8,ghost=0.2`.

    Raises:
        InputError: The words mean nothing, or name no expert.
    """
    if text == "deploy":
        return policy.deploy
    if text == "mixture":
        return None
    try:
        if "=" in text:
            pairs = (part.split("=") for part in text.split(","))
            return {name.strip(): float(weight) for name, weight in pairs}
        if text not in policy.experts:
            return float(text)
    except ValueError:
        if "=" in text:
            raise InputError(
                f"--steer {text!r} cannot be read. Give weights such as diamond=0.8,ghost=0.2."
            ) from None
        raise unknown_name("expert", text, (*policy.experts, "mixture", "deploy")) from None
    return text


def changed_world(world: World[Any], changes: Mapping[str, Any]) -> World[Any]:
    """The world with another oversight.

    Args:
        world: The policy's.
        changes: Fields of `DiamondGhostWorld` by name; None leaves a field as it is, and a new
            `oversight` also takes the place of the targets' own.

    Raises:
        InputError: A value is out of range, or the world has no such kinds of oversight.
    """
    kinds = {name: value for name, value in changes.items() if value is not None}
    _check_all(kinds)
    if "oversight" in kinds:
        world = world.with_oversight(kinds.pop("oversight"))
    if not kinds:
        return world
    if not isinstance(world, DiamondGhostWorld):
        options = ", ".join("--" + name.replace("_", "-") for name in kinds)
        raise InputError(
            f"{options}: this policy lives in a {type(world).__name__}, and only the gridworld has "
            "such kinds of oversight. Give --oversight alone."
        )
    return dataclasses.replace(world, **kinds)


def _check_all(kinds: Mapping[str, Any]) -> None:
    """Refuse every value that is out of range, not only the first."""
    faults = []
    for name, value in kinds.items():
        try:
            DiamondGhostWorld(**{name: value})
        except InputError as error:
            faults.append(str(error))
    if faults:
        raise InputError("\n".join(faults))
