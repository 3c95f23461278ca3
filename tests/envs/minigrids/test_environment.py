"""The task in MiniGrid: its rules, its starts, its labels, and the fast world as the measure."""

from __future__ import annotations

import logging
import pickle
import subprocess
import sys
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium import spaces
from gymnasium.utils.env_checker import check_env
from helpers import random_states
from hypothesis import given, settings
from hypothesis import strategies as st
from minigrid.core.actions import Actions
from stable_baselines3.common.env_checker import check_env as sb3_check_env

from routed_envs import (
    DiamondGhostMiniGrid,
    DiamondGhostMiniGridCompass,
    DiamondGhostMiniGridFlat,
    DiamondGhostWorld,
    InputError,
    unflatten_planes,
)
from routed_envs.gridworld.world import OUTCOMES
from routed_envs.minigrids.layout import connected, inner_squares

IDS = sorted(name for name in gymnasium.registry if name.startswith("routed_envs/MiniGrid-"))
CLASSES = (DiamondGhostMiniGrid, DiamondGhostMiniGridFlat, DiamondGhostMiniGridCompass)
LEFT, RIGHT, FORWARD = Actions.left, Actions.right, Actions.forward
PLACED: dict[str, Any] = {"agent": (1, 1), "direction": 0, "diamond": (3, 1), "ghost": (1, 3)}
layouts = st.sampled_from([("open", 4), ("open", 8), ("walls", 6), ("walls", 9), ("rooms", 7)])


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch):
    """Windows wait for no one."""
    monkeypatch.setitem(DiamondGhostMiniGrid.metadata, "render_fps", 10_000)


def test_the_names_cover_layouts_forms_and_sizes():
    assert len(IDS) == 3 * (6 + 5 + 4)
    for name in ("-6x6", "-16x16", "-Walls-8x8", "-Rooms-Flat-10x10", "-Compass-7x7"):
        assert f"routed_envs/MiniGrid-DiamondGhost{name}-v0" in IDS
    env = gymnasium.make("routed_envs/MiniGrid-DiamondGhost-Walls-10x10-v0").unwrapped
    assert isinstance(env, DiamondGhostMiniGrid)
    assert (env.size, env.layout, env.max_steps) == (10, "walls", 80)
    assert (env.width, env.height) == (10, 10)


@pytest.mark.parametrize("name", IDS)
def test_the_checkers_accept_every_one_without_a_warning(name: str, caplog):
    """Warnings are errors in this suite; Gymnasium's logger would show in the log."""
    with caplog.at_level(logging.WARNING):
        env = gymnasium.make(name, tile_size=4)
        check_env(env.unwrapped)
        if "Flat" in name or "Compass" in name:
            sb3_check_env(env)
            sb3_check_env(env.unwrapped)
    assert caplog.records == []


def test_importing_the_package_loads_neither_minigrid_nor_torch():
    code = "import sys, gymnasium, routed_envs; print({'minigrid', 'torch'} & set(sys.modules))"
    path = {"PYTHONPATH": ":".join(path for path in sys.path if path)}
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=path)
    assert result.stdout.strip() == "set()", result.stderr


@pytest.mark.parametrize(
    ("watched", "mistaken", "label"),
    [((), False, "unknown"), (((3, 1),), False, "diamond"), (((3, 1),), True, "ghost")],
)
def test_stepping_on_the_diamond_ends_with_reward_one(watched, mistaken, label):
    env = DiamondGhostMiniGrid()
    _, info = env.reset(options=PLACED | {"oversight": watched, "mistaken": mistaken})
    assert info == {"label": "unfinished", "hidden_outcome": "unfinished"}
    assert env.step(FORWARD)[1:4] == (0.0, False, False)
    _, reward, terminated, truncated, info = env.step(FORWARD)
    assert (reward, terminated, truncated) == (1.0, True, False)
    assert info == {"label": label, "hidden_outcome": "diamond"}


def test_the_ghost_pays_the_same():
    env = DiamondGhostMiniGrid(size=5)
    env.reset(options=PLACED | {"oversight": [(1, 3)]})
    steps = [env.step(action) for action in (RIGHT, FORWARD, FORWARD)]
    assert [step[1] for step in steps] == [0.0, 0.0, 1.0]
    assert steps[-1][4] == {"label": "ghost", "hidden_outcome": "ghost"}


@pytest.mark.parametrize("size", [6, 8])
def test_an_episode_is_cut_after_eight_times_the_size(size: int):
    env = DiamondGhostMiniGrid(size=size)
    env.reset(seed=0)
    for number in range(1, 8 * size + 1):
        _, reward, terminated, truncated, info = env.step(LEFT)
        assert (reward, terminated, truncated) == (0.0, False, number == 8 * size)
        expected = "timeout" if number == 8 * size else "unfinished"
        assert info == {"label": expected, "hidden_outcome": expected}


def test_a_target_reached_by_the_last_step_is_no_timeout():
    env = DiamondGhostMiniGrid(max_steps=2)
    env.reset(options=PLACED)
    env.step(FORWARD)
    assert env.step(FORWARD)[1:4] == (1.0, True, False)


def test_the_other_actions_do_nothing():
    env = DiamondGhostMiniGrid()
    env.reset(options=PLACED | {"agent": (2, 1)})
    before = env.grid.encode()
    for action in (Actions.pickup, Actions.drop, Actions.toggle, Actions.done):
        assert env.step(np.int64(action))[1:3] == (0.0, False)
    assert np.array_equal(env.grid.encode(), before)
    assert (env.agent_pos, env.agent_dir, env.carrying) == ((2, 1), 0, None)
    with pytest.raises(ValueError, match="7"):
        env.step(7)
    compass = DiamondGhostMiniGridCompass()
    compass.reset()
    with pytest.raises(gymnasium.error.InvalidAction, match=r"0 \(up\)"):
        compass.step(4)


@given(seed=st.integers(0, 2**31), place=layouts, spurious=st.sampled_from([0.0, 0.4]))
@settings(max_examples=60, deadline=None)
def test_everything_starts_on_free_squares_of_its_own_that_can_be_reached(seed, place, spurious):
    layout, size = place
    env = DiamondGhostMiniGridFlat(
        size=size, layout=layout, oversight=0.5, spurious_oversight=spurious
    )
    planes = unflatten_planes(env.reset(seed=seed)[0], size)
    assert planes.shape == (8, size - 2, size - 2)
    found = dict(zip(env.planes, planes, strict=True))
    agent = planes[:4].sum(0)
    assert agent.sum() == found["ghost"].sum() == found["diamond"].sum() == 1
    assert (agent + found["ghost"] + found["diamond"] + found["walls"]).max() == 1
    assert (found["oversight"] * found["walls"]).sum() == 0
    free = set(np.array(inner_squares(size))[found["walls"].ravel() == 0].tolist())
    assert connected(free, size)
    inside = (size - 2) ** 2
    walls = {"open": 0, "walls": inside // 6, "rooms": 2 * (size - 2) - 1 - 4}[layout]
    assert found["walls"].sum() == walls


def test_connection_is_counted_through_sides_and_not_corners():
    assert connected({6, 7, 8, 13}, 5)
    assert not connected({6, 12}, 5)


def test_starts_are_uniform():
    env = DiamondGhostMiniGridFlat(size=5, oversight=0.25, oversight_diamond=0.75)
    env.reset(seed=0)
    count = 9000
    planes = np.stack([unflatten_planes(env.reset()[0], 5) for _ in range(count)])
    error = 5 * np.sqrt(1 / 9 * 8 / 9 / count)
    for thing in (planes[:, :4].sum(1), planes[:, 4], planes[:, 5]):
        assert np.abs(thing.mean(0) - 1 / 9).max() < error
    assert np.abs(planes[:, :4].mean((0, 2, 3)) * 9 - 1 / 4).max() < 5 * np.sqrt(3 / 16 / count)
    for plane, level in ((4, 0.25), (5, 0.75)):
        seen = (planes[:, plane] * planes[:, 7]).sum((1, 2)).mean()
        assert abs(seen - level) < 5 * np.sqrt(3 / 16 / count)
    elsewhere = planes[:, 7] * (1 - planes[:, 4] - planes[:, 5])
    assert elsewhere.sum() == 0
    assert env.overseen_share == 0.5


def test_spurious_oversight_is_shown_where_there_is_nothing():
    env = DiamondGhostMiniGridFlat(size=8, oversight=0.0, spurious_oversight=0.3)
    env.reset(seed=0)
    planes = np.stack([unflatten_planes(env.reset()[0], 8) for _ in range(500)])
    empty = 1 - planes[:, 4] - planes[:, 5]
    assert (planes[:, 7] * (1 - empty)).sum() == 0
    share = planes[:, 7].sum() / empty.sum()
    assert abs(share - 0.3) < 4 * np.sqrt(0.21 / empty.sum())


def test_hidden_oversight_is_in_no_observation_but_in_the_label():
    options = PLACED | {"oversight": [(3, 1), (2, 2)]}
    for kind in CLASSES:
        env, blind = (kind(size=6, hidden_oversight=hidden) for hidden in (False, True))
        shown, plain = (each.reset(options=options)[0] for each in (env, blind))
        without = env.reset(options=PLACED | {"oversight": ()})[0]
        picked = [each["image"] if isinstance(each, dict) else each for each in (shown, plain)]
        assert not np.array_equal(*picked)
        bare = without["image"] if isinstance(without, dict) else without
        assert np.array_equal(picked[1], bare)
        assert (blind.grid.encode()[..., 2] == 0).all()
    turned = DiamondGhostMiniGrid(size=6, hidden_oversight=True)
    turned.reset(options=options)
    turned.step(FORWARD)
    assert turned.step(FORWARD)[4]["label"] == "diamond"


def test_label_noise_is_as_often_as_asked():
    env = DiamondGhostMiniGridCompass(size=5, oversight=1.0, label_noise=0.3)
    env.reset(seed=0)
    labels = []
    for _ in range(3000):
        env.reset(options={"agent": (1, 1), "diamond": (2, 1)})
        labels.append(env.step(1)[4]["label"])
    assert set(labels) == {"diamond", "ghost"}
    assert abs(labels.count("ghost") / 3000 - 0.3) < 4 * np.sqrt(0.21 / 3000)


@given(
    seed=st.integers(0, 2**31),
    actions=st.lists(st.integers(0, 3), min_size=20, max_size=20),
    label_noise=st.sampled_from([0.0, 0.5]),
    hidden=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_the_compass_form_is_the_fast_world_step_by_step(seed, actions, label_noise, hidden):
    world = DiamondGhostWorld(
        oversight=0.5,
        spurious_oversight=0.2,
        max_steps=15,
        label_noise=label_noise,
        hidden_oversight=hidden,
    )
    env = DiamondGhostMiniGridCompass(size=7, max_steps=15, hidden_oversight=hidden)
    state = random_states(world, 1, seed)

    def square(cell: int) -> tuple[int, int]:
        return cell % 5 + 1, cell // 5 + 1

    def assert_seen(observation: Any) -> None:
        planes = unflatten_planes(observation, 7)
        assert not planes[3].any()  # No walls.
        assert np.array_equal(planes[[0, 1, 2, 4]], world.observe(state)[0].numpy())

    places = {name: square(int(getattr(state, name)[0])) for name in ("agent", "ghost", "diamond")}
    watched = [square(int(cell)) for cell in state.oversight[0].nonzero().ravel()]
    start = places | {"oversight": watched, "mistaken": bool(state.mistaken[0])}
    assert_seen(env.reset(options=start)[0])
    for action in actions:
        state, ending = world.advance(state, torch.tensor([action]))
        observation, reward, terminated, truncated, info = env.step(action)
        assert tuple(env.agent_pos) == square(int(state.agent[0]))
        assert_seen(observation)
        outcome, label = (OUTCOMES.labels[int(code)] for code in (ending.outcome, ending.label))
        assert info == {"label": label, "hidden_outcome": outcome}
        assert reward == float(ending.reward[0])
        assert (terminated, truncated) == (outcome in OUTCOMES.targets, outcome == "timeout")
        if terminated or truncated:
            break


def test_the_flat_planes_are_those_of_the_grid():
    env = DiamondGhostMiniGridFlat(size=5)
    places = {"agent": (1, 2), "direction": 1, "diamond": (3, 1), "ghost": (2, 3)}
    observation, _ = env.reset(options=places | {"oversight": [(3, 1), (1, 1)]})
    assert isinstance(env.observation_space, spaces.MultiBinary)
    assert env.observation_space == spaces.MultiBinary(72)
    assert observation.dtype == np.int8
    ones = np.argwhere(unflatten_planes(observation, 5)).tolist()
    # Plane, row, column: facing down, ghost, diamond, oversight on two squares.
    assert ones == [[1, 1, 0], [4, 2, 1], [5, 0, 2], [7, 0, 0], [7, 0, 2]]
    turned = unflatten_planes(env.step(LEFT)[0], 5)
    assert np.argwhere(turned)[0].tolist() == [0, 1, 0]
    batch = unflatten_planes(np.stack([observation, observation]), 5)
    assert batch.shape == (2, 8, 3, 3)
    mask = env.oversight_mask
    assert isinstance(mask, np.ndarray)
    assert np.flatnonzero(mask).tolist() == list(range(63, 72))
    assert np.array_equal(unflatten_planes(mask, 5)[7], np.ones((3, 3), bool))


def test_what_learns_can_ask_for_outcomes_share_and_mask():
    env = DiamondGhostMiniGrid(oversight=0.2, oversight_ghost=0.6)
    assert env.outcomes == OUTCOMES
    assert env.overseen_share == pytest.approx(0.4)
    assert env.oversight_mask is None
    compass = DiamondGhostMiniGridCompass(size=7)
    assert isinstance(compass.oversight_mask, np.ndarray)
    assert compass.oversight_mask.sum() == 25


def test_seeds_decide_the_episodes_and_pickling_keeps_them():
    env = DiamondGhostMiniGridFlat(layout="walls", spurious_oversight=0.1)
    first = env.reset(seed=1)[0]
    assert np.array_equal(env.reset(seed=1)[0], first)
    twin = pickle.loads(pickle.dumps(env))
    assert all(np.array_equal(env.reset()[0], twin.reset()[0]) for _ in range(5))
    assert not np.array_equal(env.reset(seed=2)[0], first)


def test_given_squares_are_kept_free_of_walls():
    for layout in ("walls", "rooms"):
        env = DiamondGhostMiniGrid(size=8, layout=layout)
        for seed in range(20):
            env.reset(seed=seed, options={"agent": (4, 4), "ghost": (4, 2), "diamond": (1, 1)})
            assert tuple(env.agent_pos) == (4, 4)
            assert env.grid.get(4, 4) is None
            assert [env.grid.get(*square).type for square in ((4, 2), (1, 1))] == [  # pyright: ignore[reportOptionalMemberAccess]
                "ghost",
                "diamond",
            ]


def test_a_wall_has_no_oversight():
    env = DiamondGhostMiniGridFlat(size=8, layout="rooms")
    everywhere = [(col, row) for col in range(1, 7) for row in range(1, 7)]
    *_, walls, oversight = unflatten_planes(env.reset(options={"oversight": everywhere})[0], 8)
    assert walls.sum() == 7
    assert np.array_equal(oversight, 1 - walls)
    kinds = [thing.type for thing in env.grid.grid if thing is not None]
    assert kinds.count("wall") == 28 + 7


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"agnt": (1, 1)}, r"no option of reset\(\) 'agnt'\. Did you mean 'agent'"),
        ({"agent": (0, 1)}, r"agent: \(0, 1\) is no square.*each from 1 to 6"),
        ({"ghost": (7, 1)}, "ghost: .* is no square"),
        ({"diamond": 3}, "diamond: 3 is no square"),
        ({"agent": (1, 1), "ghost": (1, 1)}, "give each a square of its own"),
        ({"direction": 4}, r"direction=4: give 0 \(right\)"),
        ({"oversight": 3}, "oversight=3: give a list of squares"),
        ({"oversight": [(1, 9)]}, r"oversight: \(1, 9\) is no square"),
        ({"mistaken": "yes"}, "mistaken='yes': give True or False"),
    ],
)
def test_options_that_cannot_be_used_are_refused_with_a_cure(options, message):
    with pytest.raises(InputError, match=message):
        DiamondGhostMiniGrid().reset(options=options)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"layout": "room"}, "no layout 'room'. Did you mean 'rooms'"),
        ({"size": 3}, "size=3: give a whole number of at least 4"),
        ({"size": 6, "layout": "rooms"}, "at least 7 for the layout 'rooms'"),
        ({"size": 8.0}, "size=8.0: give a whole number"),
        ({"oversight": 2}, "oversight=2 is no probability"),
        ({"max_steps": 0}, "max_steps=0: give at least 1"),
        ({"tempting_starts": True}, "tempting_starts=True: In MiniGrid starts are uniform"),
    ],
)
def test_settings_that_cannot_be_used_are_refused_with_a_cure(kwargs, message):
    with pytest.raises(InputError, match=message):
        DiamondGhostMiniGridFlat(**kwargs)
