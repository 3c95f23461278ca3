"""Finding a world of the user's own by the place of its Python object."""

from __future__ import annotations

from pathlib import Path
from typing import Any

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
