"""The content of the page of any world whose states can be listed: all that happens in each."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from routed_agents.policies.policy import Policy
from routed_agents.policies.steering import steering_weights
from routed_envs.errors import InputError
from routed_envs.worlds import EnumerableWorld, NamingWorld, World
from routed_rl.evaluation.exact import is_listable, same_states
from routed_rl.evaluation.record import DISCOUNT
from routed_rl.evaluation.steerings import deployed_actor, steerings
from routed_rl.pictures.explorer.packing import MOST_BYTES, PAGE_BYTES, numbers_text
from routed_rl.pictures.explorer.sources import Source
from routed_rl.pictures.explorer.states.state_fields import state_fields
from routed_rl.pictures.explorer.states.state_numbers import number_count, state_numbers
from routed_rl.pictures.explorer.states.state_pictures import looks


def states_content(sources: Sequence[Source[World[Any]]]) -> dict[str, Any]:
    """What the page of a world's states reads: it looks everything up, and computes no policy.

    Args:
        sources: One or two policies of one world.

    Returns:
        The names of what there is, `tensors` and `numbers` as `pack` has them, the parts being
        those of `state_numbers`, and pictures.

    Raises:
        InputError: The states cannot be listed or are too many, or the policies' worlds differ.
    """
    world = _listed_world(sources)
    policies = [source.policy for source in sources]
    levels = sorted({0.0, 1.0, *(source.world.oversight for source in sources)})
    room = _checked_room(sources[0], number_count(world, policies, levels), len(sources))
    fields = state_fields(world.enumerate_states())
    numbers = state_numbers(world, policies, levels, fields)
    text = numbers_text(list(numbers.values()))
    names = [{"name": field.name, "values": field.values} for field in fields]
    seen = looks(world, room - len(text) - len(json.dumps(names)))
    if seen is None:
        raise InputError(_too_large(sources[0], "the pictures of its {count} states do not fit"))
    return {
        "discount": DISCOUNT,
        "world": _described_world(world),
        "fields": names,
        "levels": levels,
        "policies": [_described_policy(source) for source in sources],
        "tensors": [[name, list(part.shape)] for name, part in numbers.items()],
        "numbers": text,
        **seen,
    }


def _listed_world(sources: Sequence[Source[World[Any]]]) -> EnumerableWorld[Any]:
    """The one world of the policies."""
    first, last = sources[0], sources[-1]
    for source in sources:
        if not isinstance(source.world, EnumerableWorld) or not is_listable(source.world):
            raise InputError(_not_listed(source))
    if not same_states(first.world, last.world):
        raise InputError(
            f"{first.name} lives in a {_in_words(first.world)} and {last.name} in a "
            f"{_in_words(last.world)}. Two policies share one world: explore each by itself."
        )
    assert isinstance(first.world, EnumerableWorld), "it was checked above"
    return first.world


def _in_words(world: World[Any]) -> str:
    settings = {name: value for name, value in world.settings().items() if name != "oversight"}
    shown = ", ".join(f"{name}={value!r}" for name, value in settings.items())
    return f"{type(world).__name__}({shown})"


def _not_listed(source: Source[World[Any]]) -> str:
    """Why a world has no page, and what can be done instead."""
    kind = type(source.world).__name__
    return (
        f"{source.name} lives in a {kind}, whose states cannot be listed or are too many, and an "
        "explorer shows every one of them. A world needs state_count, enumerate_states, "
        "state_index and start_probabilities for it (routed_envs.EnumerableWorld, "
        "docs/guides/world.md). "
        f"{_instead(source)}"
    )


def _checked_room(source: Source[World[Any]], count: int, policies: int) -> int:
    """The letters that a page has, if so many numbers are not already too many for it."""
    room, needed = policies * (MOST_BYTES - PAGE_BYTES), 4 * -(-4 * count // 3)
    if needed > room:
        what = (
            f"what those who may act would do in its {{count}} states takes {needed / 1e6:.1f} MB"
        )
        raise InputError(_too_large(source, what))
    return room


def _too_large(source: Source[World[Any]], what: str) -> str:
    """Why a world is too large for a page, and what can be done instead."""
    world, each = source.world, (MOST_BYTES - PAGE_BYTES) / 1e6
    assert isinstance(world, EnumerableWorld), "its states were listed"
    return (
        f"{source.name} lives in a {type(world).__name__} that is too large to explore: "
        f"{what.format(count=f'{world.state_count:,}')}, and a page holds {each:.2f} MB for each "
        f"policy. {_instead(source)}"
    )


def _instead(source: Source[World[Any]]) -> str:
    path = source.path or "RUN"
    return (
        f"`routed-rl evaluate {path}` says how episodes end, and `routed-rl render {path}` films "
        "some, if the world draws itself."
    )


def _described_world(world: EnumerableWorld[Any]) -> dict[str, Any]:
    """The world's names as the page reads them."""
    outcomes = world.outcomes
    return {
        "name": type(world).__name__,
        "states": world.state_count,
        "maxSteps": world.max_steps,
        "actions": _action_names(world),
        "targets": outcomes.targets,
        "good": outcomes.good,
        "codes": outcomes.labels,
        "observation": world.observation_shape,
    }


def _action_names(world: World[Any]) -> list[str]:
    """What the world calls its actions, or their numbers."""
    if not isinstance(world, NamingWorld):
        return [f"action {action}" for action in range(world.actions)]
    names = list(world.action_names)
    if len(names) != world.actions:
        raise InputError(
            f"action_names of the {type(world).__name__} has {len(names)} names for "
            f"{world.actions} actions. Give one for each, or leave action_names out."
        )
    return names


def _described_policy(source: Source[World[Any]]) -> dict[str, Any]:
    """A policy as the page reads it; `who` are those who may act, as `steerings` names them."""
    policy = source.policy
    return {
        "name": source.name,
        "facts": source.facts,
        "trained": source.world.oversight,
        "experts": policy.experts,
        "who": [
            {
                "name": name,
                "title": _title(policy, name),
                "deployed": name == deployed_actor(policy),
            }
            for name in steerings(policy)
        ],
    }


def _title(policy: Policy, who: str) -> str:
    """One who may act, in words."""
    if who in policy.experts:
        return f"{who} expert" if len(policy.experts) > 1 else who
    if who != "deployed":
        return who
    weights = zip(
        policy.experts, steering_weights(policy.deploy, policy.experts) or (), strict=True
    )
    return f"fixed mix of {', '.join(f'{name} {weight:.3g}' for name, weight in weights if weight)}"
