"""The environments take the world's settings as they are, and say which name was meant."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from dataclasses import asdict, fields
from typing import Any, get_type_hints

import gymnasium
import numpy as np
import pytest

from routed_envs import (
    DiamondGhostEnv,
    DiamondGhostMiniGrid,
    DiamondGhostMiniGridCompass,
    DiamondGhostMiniGridFlat,
    DiamondGhostVectorEnv,
    DiamondGhostWorld,
    InputError,
)
from routed_envs.gridworld.base import WorldSettings

ID = "routed_envs/DiamondGhost-v0"
MINIGRIDS = (DiamondGhostMiniGrid, DiamondGhostMiniGridFlat, DiamondGhostMiniGridCompass)
SETTINGS: WorldSettings = {
    "rows": 3,
    "cols": 4,
    "oversight": 0.7,
    "spurious_oversight": 0.2,
    "max_steps": 9,
    "oversight_diamond": 0.6,
    "oversight_ghost": 0.1,
    "oversight_falloff": 0.3,
    "label_noise": 0.25,
    "hidden_oversight": True,
    "tempting_starts": True,
}


def test_the_typed_settings_are_those_of_the_world():
    hints = get_type_hints(DiamondGhostWorld)
    names = [field.name for field in fields(DiamondGhostWorld)]
    assert get_type_hints(WorldSettings) == {name: hints[name] for name in names}
    assert WorldSettings.__optional_keys__ == set(names)


def test_every_setting_reaches_the_world_by_name_and_by_position():
    world = DiamondGhostWorld(**SETTINGS)
    assert asdict(world) == SETTINGS
    assert DiamondGhostEnv(**SETTINGS).world == world
    assert DiamondGhostVectorEnv(2, **SETTINGS).world == world
    assert DiamondGhostEnv(3, 4, 0.7).world == DiamondGhostWorld(3, 4, 0.7)
    assert DiamondGhostVectorEnv(2, 3, 4, 0.7).world == DiamondGhostWorld(3, 4, 0.7)
    assert DiamondGhostEnv().world == DiamondGhostVectorEnv().world == DiamondGhostWorld()


def test_the_kinds_of_oversight_reach_minigrid():
    missing = ("rows", "cols", "oversight_falloff", "tempting_starts")
    kinds: dict[str, Any] = {key: SETTINGS[key] for key in SETTINGS if key not in missing}
    env = DiamondGhostMiniGrid(6, "walls", tile_size=8, **kinds)
    assert env.rules == DiamondGhostWorld(4, 4, **kinds)
    assert (env.max_steps, env.tile_size) == (9, 8)
    overseer = env._starts.overseer
    assert (overseer.oversight, overseer.label_noise) == (0.7, 0.25)


def make(**settings: Any) -> gymnasium.Env[Any, Any]:
    return gymnasium.make(ID, **settings)


def make_many(**settings: Any) -> gymnasium.vector.VectorEnv[Any, Any, Any]:
    return gymnasium.make_vec(ID, 2, **settings)


@pytest.mark.parametrize(
    "build", [DiamondGhostEnv, DiamondGhostVectorEnv, make, make_many, *MINIGRIDS]
)
def test_an_unknown_setting_is_refused_with_the_nearest_name(build: Callable[..., Any]):
    for name, meant in (
        ("oversigt", "oversight"),
        ("hide_oversight", "hidden_oversight"),
        ("rendermode", "render_mode"),
    ):
        message = f"There is no setting '{name}'. Did you mean '{meant}'.*Known: .*label_noise"
        with pytest.raises(InputError, match=message):
            build(**{name: 0.1})


@pytest.mark.parametrize("build", MINIGRIDS)
def test_what_minigrid_does_not_have_is_refused_in_words(build: Callable[..., Any]):
    for value in (0.0, 0.1):
        message = f"oversight_falloff={value}: In MiniGrid oversight does not fall off"
        with pytest.raises(InputError, match=message):
            build(oversight_falloff=value)
    for name in ("rows", "cols"):
        with pytest.raises(InputError, match=f"{name}=5: Give size, which counts the outer walls"):
            build(**{name: 5})
    for name in ("width", "grid_size", "mission_space"):
        with pytest.raises(InputError, match=f"no setting '{name}'.*tile_size"):
            build(**{name: 5})


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env))])
def test_copies_go_on_as_the_first(duplicate: Callable[[Any], Any]):
    for env in (DiamondGhostEnv(**SETTINGS), DiamondGhostVectorEnv(3, **SETTINGS)):
        env.reset(seed=0)
        twin = duplicate(env)
        assert twin.world == env.world
        for _ in range(5):
            assert np.array_equal(env.reset()[0], twin.reset()[0])


def test_the_specification_makes_the_same_environment_again():
    env = gymnasium.make(ID, **SETTINGS)
    assert env.spec is not None
    assert env.spec.kwargs == SETTINGS
    again = gymnasium.make(env.spec).unwrapped
    assert isinstance(again, DiamondGhostEnv)
    assert again.world == DiamondGhostWorld(**SETTINGS)
    assert gymnasium.make_vec(ID, 2, **SETTINGS).spec is not None
