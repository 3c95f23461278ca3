"""Finding a world of the user's own by the place of its Python object."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from routed_agents.own_objects import call_own, find_object
from routed_envs.errors import InputError
from routed_envs.worlds import World
from routed_rl.runs.run_folder import RunFolder, read_disposable

PARTS = (
    *("outcomes", "overseen_share", "observation_shape", "oversight_mask", "actions", "max_steps"),
    *("random_numbers", "place", "advance", "observe", "with_oversight", "settings", "oversight"),
)
"""What a world must have, as `routed_envs.World` says."""


def own_world(place: str) -> World[Any]:
    """The user's world at `module:object`. The module is imported, so its code runs.

    Args:
        place: Of a `World`, or of a class or function that makes one of nothing.

    Raises:
        InputError: There is no such object, or it is no world.
    """
    found: Any = find_object(place, "world")
    if isinstance(found, type) or (callable(found) and not hasattr(found, "advance")):
        make, needs = found, "It must take nothing, and return a routed_envs.World."
        found = call_own(lambda: make(), place, "world", needs)
    if not isinstance(found, World):
        missing = [name for name in PARTS if not hasattr(found, name)]
        raise InputError(
            f"world {place!r} is a {type(found).__name__} without {', '.join(missing)}. Give a "
            "world, or a function that makes one, as routed_envs.World describes it."
        )
    return found


def check_shown(world: World[Any]) -> None:
    """Refuse a world that shows something else than it says.

    Args:
        world: Of the user's own. One episode is placed.

    Raises:
        InputError: What it shows has another shape, or is int64: such are taken for lists of
            entries.
    """
    shown = world.observe(world.place(torch.zeros(1, world.random_numbers)))
    expected = (1, *world.observation_shape)
    if tuple(shown.shape) != expected or shown.dtype == torch.int64:
        raise InputError(
            f"{type(world).__name__} shows {shown.dtype} of shape {tuple(shown.shape)} for one "
            f"episode. By its observation_shape observe must return torch.int8 of shape {expected}."
        )


def as_in_training(world: World[Any], run: Path) -> World[Any]:
    """The user's world with the oversight of a run's training, as far as the run's folder says it.

    Args:
        world: The world in which the run was trained.
        run: Its folder, or a policy file, which does not say it.
    """
    config = read_disposable(RunFolder(run).config).get("config")
    if isinstance(config, dict) and "oversight" in config:
        return world.with_oversight(config["oversight"])
    return world
