"""How the MiniGrid task is encoded, drawn, wrapped, written and played."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pygame
import pytest
from gymnasium.wrappers import FlattenObservation
from minigrid import wrappers
from minigrid.core.actions import Actions
from minigrid.core.constants import IDX_TO_OBJECT, OBJECT_TO_IDX
from minigrid.core.grid import Grid
from minigrid.core.world_object import Ball, Floor, Wall, WorldObj
from minigrid.manual_control import ManualControl
from stable_baselines3.common.env_checker import check_env as sb3_check_env

from routed_envs import DiamondGhostMiniGrid, DiamondGhostMiniGridCompass, DiamondGhostMiniGridFlat
from routed_envs.minigrids import Diamond, Ghost, OverseenFloor

PLACED: dict[str, Any] = {"agent": (1, 1), "direction": 0, "diamond": (3, 1), "ghost": (1, 3)}
WATCHED = PLACED | {"oversight": [(3, 1), (2, 2)]}
THINGS = (Diamond(), Diamond(True), Ghost(), Ghost(True), OverseenFloor())


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch):
    """Windows wait for no one."""
    monkeypatch.setitem(DiamondGhostMiniGrid.metadata, "render_fps", 10_000)


def placed(options: dict[str, Any] = WATCHED, **kwargs: Any) -> DiamondGhostMiniGrid:
    env = DiamondGhostMiniGrid(**{"size": 5, **kwargs})
    env.reset(options=options)
    return env


def test_the_new_types_come_after_minigrids_own():
    assert (OBJECT_TO_IDX["diamond"], OBJECT_TO_IDX["ghost"]) == (11, 12)
    assert (IDX_TO_OBJECT[11], IDX_TO_OBJECT[12]) == ("diamond", "ghost")


@pytest.mark.parametrize("thing", THINGS, ids=lambda thing: str(thing.encode()))
def test_every_object_can_be_read_back_from_its_bytes(thing: WorldObj):
    again = WorldObj.decode(*thing.encode())
    assert type(again) is type(thing)
    assert again is not None
    assert again.encode() == thing.encode()
    assert again.can_overlap()
    assert again.see_behind()
    assert not again.can_pickup()


def test_minigrids_own_objects_are_read_as_before():
    for thing in (Floor("blue"), Wall(), Ball("red")):
        again = WorldObj.decode(*thing.encode())
        assert type(again) is type(thing)
    assert WorldObj.decode(1, 0, 0) is None


def test_the_encoding_shows_oversight_in_the_state_byte():
    env = placed()
    encoded = env.grid.encode()
    assert encoded[3, 1].tolist() == [11, 2, 1]
    assert encoded[1, 3].tolist() == [12, 3, 0]
    assert encoded[2, 2].tolist() == [OBJECT_TO_IDX["floor"], 4, 1]
    assert encoded[..., 2].sum() == 2
    again, _ = Grid.decode(encoded)
    assert again == env.grid


def test_the_egocentric_view_shows_what_is_in_front():
    env = placed(PLACED | {"oversight": [(3, 1)]})
    image = env.gen_obs()["image"]
    # The agent stands in the middle of the last row and looks up in its view; left is up here.
    assert image[3, 6].tolist() == [1, 0, 0]
    assert image[3, 4].tolist() == [11, 2, 1]
    assert image[5, 6].tolist() == [12, 3, 0]
    assert env.agent_sees(3, 1)


def test_text_shows_everything():
    env = placed()
    assert env.pprint_grid().splitlines() == [
        "W W W W W ",
        "W >>  D*W ",
        "W    *  W ",
        "W G     W ",
        "W W W W W ",
    ]
    assert "DiamondGhostMiniGrid" in str(env)


@pytest.mark.slow
def test_pictures_differ_where_the_world_does():
    def draw(options: dict[str, Any]) -> np.ndarray:
        return np.asarray(placed(options, render_mode="rgb_array", highlight=False).render())

    plain = draw(PLACED | {"oversight": ()})
    assert plain.shape == (5 * 32, 5 * 32, 3)

    def changed(other: np.ndarray) -> set[tuple[int, int]]:
        tiles = (plain != other).any(2).reshape(5, 32, 5, 32).any((1, 3))
        return {(col, row) for row, col in np.argwhere(tiles).tolist()}

    assert changed(draw(WATCHED)) == {(3, 1), (2, 2)}
    assert changed(draw(PLACED | {"ghost": (2, 3), "oversight": ()})) == {(1, 3), (2, 3)}
    assert changed(draw(PLACED | {"agent": (2, 1), "oversight": ()})) == {(1, 1), (2, 1)}
    blind = placed(WATCHED, render_mode="rgb_array", highlight=False, hidden_oversight=True)
    assert changed(np.asarray(blind.render())) == set()


def test_every_object_has_a_picture_of_its_own():
    pictures = [Grid.render_tile(thing, tile_size=32) for thing in THINGS]
    empty = Grid.render_tile(None, tile_size=32)
    for index, picture in enumerate(pictures):
        for other in (*pictures[:index], empty):
            assert (np.abs(picture.astype(int) - other).sum(2) > 30).sum() > 25
    # Large enough to recognise: a third of the square and more differs from an empty one.
    assert (np.abs(pictures[0].astype(int) - empty).sum(2) > 30).mean() > 0.2
    assert (np.abs(pictures[2].astype(int) - empty).sum(2) > 30).mean() > 0.3


@pytest.mark.parametrize(
    "wrapper",
    [
        wrappers.FullyObsWrapper,
        wrappers.ImgObsWrapper,
        wrappers.FlatObsWrapper,
        wrappers.RGBImgObsWrapper,
        wrappers.RGBImgPartialObsWrapper,
        wrappers.OneHotPartialObsWrapper,
        wrappers.SymbolicObsWrapper,
        wrappers.ViewSizeWrapper,
    ],
)
def test_minigrids_wrappers_take_it(wrapper: Any):
    env = wrapper(DiamondGhostMiniGrid(size=5, oversight=1.0, spurious_oversight=0.5))
    env.action_space.seed(0)
    for seed in range(3):
        observation, _ = env.reset(seed=seed)
        for _ in range(4):
            assert env.observation_space.contains(observation)
            observation = env.step(env.action_space.sample())[0]


def test_the_one_hot_view_has_a_bit_for_each_type_and_for_oversight():
    env = wrappers.OneHotPartialObsWrapper(DiamondGhostMiniGrid(size=5))
    image = env.reset(options=PLACED | {"oversight": [(3, 1)]})[0]["image"]
    assert image.shape == (7, 7, 13 + 6 + 3)
    assert np.flatnonzero(image[3, 4]).tolist() == [11, 13 + 2, 13 + 6 + 1]
    assert (image.sum(2) == 3).all()


def test_the_words_of_the_mission_can_be_numbers():
    words = wrappers.DictObservationSpaceWrapper.get_minigrid_words()
    env = wrappers.DictObservationSpaceWrapper(
        DiamondGhostMiniGrid(), word_dict=words | {"diamond": len(words)}
    )
    mission = env.reset()[0]["mission"]
    assert mission[3] == len(words) + 1
    assert np.count_nonzero(mission) == 4


def test_seen_whole_and_flattened_it_suits_stable_baselines3():
    env = FlattenObservation(wrappers.ImgObsWrapper(wrappers.FullyObsWrapper(placed())))
    sb3_check_env(env)
    assert env.reset(options=WATCHED)[0].reshape(5, 5, 3)[3, 1].tolist() == [11, 2, 1]


@pytest.mark.parametrize("kind", [DiamondGhostMiniGridFlat, DiamondGhostMiniGridCompass])
def test_the_flat_forms_are_drawn_too(kind: type[DiamondGhostMiniGridFlat]):
    env = kind(size=5, render_mode="rgb_array")
    env.reset(options=PLACED | {"oversight": ()})
    plain = placed(PLACED | {"oversight": ()}, render_mode="rgb_array", highlight=False)
    assert env.agent_sees(1, 3)
    assert np.array_equal(env.render(), plain.render())


def test_it_is_played_by_hand_with_minigrids_own_program(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    env = gymnasium.make("routed_envs/MiniGrid-DiamondGhost-6x6-v0", render_mode="human")
    game = ManualControl(env, seed=0)
    keys = [pygame.K_LEFT, pygame.K_UP, pygame.K_RIGHT, pygame.K_SPACE, pygame.K_TAB]
    events = [pygame.event.Event(pygame.KEYDOWN, key=key) for key in keys]
    taken: list[Actions] = []
    step = game.step
    monkeypatch.setattr(game, "step", lambda action: (taken.append(action), step(action)))

    def next_events() -> list[pygame.event.Event]:
        if events:
            return [events.pop(0)]
        game.closed = True  # The program itself never stops.
        return [pygame.event.Event(pygame.QUIT)]

    monkeypatch.setattr(pygame.event, "get", next_events)
    game.start()
    assert taken == [Actions.left, Actions.forward, Actions.right, Actions.toggle, Actions.pickup]
    assert "step=5, reward=0.00" in capsys.readouterr().out
