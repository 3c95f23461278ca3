"""The Gymnasium environments: checkers, the exact end of an episode, parity and pictures."""

from __future__ import annotations

import logging

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode
from helpers import grid_state, random_states
from stable_baselines3.common.env_checker import check_env as sb3_check_env

from routed_envs import (
    DiamondGhostEnv,
    DiamondGhostVectorEnv,
    DiamondGhostWorld,
    InputError,
    draw_grid,
    draw_text,
)

ID = "routed_envs/DiamondGhost-v0"


@pytest.mark.slow
@pytest.mark.parametrize("kwargs", [{}, {"rows": 1, "cols": 3}, {"rows": 7, "cols": 4}])
@pytest.mark.parametrize("render_mode", [None, "rgb_array", "ansi"])
def test_both_checkers_accept_it_without_a_warning(kwargs, render_mode, caplog):
    """Warnings are errors in this suite; Gymnasium's logger would show in the log."""
    env = gymnasium.make(ID, render_mode=render_mode, **kwargs)
    with caplog.at_level(logging.WARNING):
        check_env(env.unwrapped)
        sb3_check_env(env.unwrapped)
        sb3_check_env(env)
    assert caplog.records == []


def test_keyword_arguments_reach_the_world():
    env = gymnasium.make(ID, rows=3, cols=4, oversight=0.7, spurious_oversight=0.2, max_steps=9)
    assert isinstance(env.unwrapped, DiamondGhostEnv)
    assert env.unwrapped.world == DiamondGhostWorld(3, 4, 0.7, 0.2, 9)
    assert env.observation_space.shape == (4, 3, 4)


def test_the_episode_ends_at_step_32_and_then_wants_a_reset():
    env = DiamondGhostEnv()
    env.reset(seed=0)
    env._state = grid_state(env.world, agent=0, ghost=23, diamond=24)
    for number in range(1, 33):
        _, reward, terminated, truncated, info = env.step(np.int64(0))
        assert (terminated, truncated, reward) == (False, number == 32, 0.0)
        expected = "timeout" if number == 32 else "unfinished"
        assert info == {"label": expected, "hidden_outcome": expected}
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.step(np.int64(0))


@pytest.mark.parametrize(("watched", "label"), [((), "unknown"), ((11,), "ghost")])
def test_the_label_is_the_overseers_and_the_hidden_outcome_the_truth(watched, label):
    env = DiamondGhostEnv()
    env.reset(seed=0)
    env._state = grid_state(env.world, agent=12, ghost=11, diamond=13, watched=watched)
    _, reward, terminated, truncated, info = env.step(np.int64(3))
    assert (reward, terminated, truncated) == (1.0, True, False)
    assert info == {"label": label, "hidden_outcome": "ghost"}


def test_refusals_name_what_is_allowed():
    env = DiamondGhostEnv()
    with pytest.raises(gymnasium.error.ResetNeeded, match="reset"):
        env.step(np.int64(0))
    env.reset()
    with pytest.raises(gymnasium.error.InvalidAction, match=r"0 \(up\)"):
        env.step(np.int64(4))
    with pytest.raises(InputError, match="'rgb_array', 'human', 'ansi'"):
        DiamondGhostEnv(render_mode="video")
    with pytest.raises(InputError, match="'rgb_array', 'ansi'"):
        DiamondGhostVectorEnv(render_mode="human")
    with pytest.raises(InputError, match="at least 1"):
        DiamondGhostVectorEnv(num_envs=0)
    vector = DiamondGhostVectorEnv(num_envs=2)
    with pytest.raises(gymnasium.error.ResetNeeded):
        vector.step(np.zeros(2, np.int64))
    vector.reset()
    with pytest.raises(gymnasium.error.InvalidAction, match="2 whole numbers from 0 to 3"):
        vector.step(np.zeros(3, np.int64))
    for actions in ([0.5, 1.0], [np.nan, 1.0], [0, 4]):
        with pytest.raises(gymnasium.error.InvalidAction):
            vector.step(np.array(actions))


def test_make_vec_gives_the_vector_environment_with_same_step_autoreset():
    env = gymnasium.make_vec(ID, num_envs=3, oversight=0.5)
    assert isinstance(env, DiamondGhostVectorEnv)
    assert env.metadata["autoreset_mode"] is AutoresetMode.SAME_STEP
    observations, infos = env.reset(seed=1)
    assert env.observation_space.contains(observations)
    assert infos["label"].tolist() == ["unfinished"] * 3
    assert env.world.oversight == 0.5


def test_the_step_that_ends_an_episode_returns_the_next_ones_first_frame():
    env = DiamondGhostVectorEnv(num_envs=4, oversight=1.0)
    env.reset(seed=3)
    for _ in range(60):
        observations, rewards, terminated, truncated, infos = env.step(env.action_space.sample())
        ended = terminated | truncated
        assert observations[:, :3].reshape(4, 3, -1).sum(2).tolist() == [[1, 1, 1]] * 4
        agent, ghost, diamond = observations[:, :3].reshape(4, 3, -1).argmax(2).T
        assert not ((agent == ghost) | (agent == diamond)).any()
        assert infos["label"].tolist() == ["unfinished"] * 4
        assert ("final_obs" in infos) == ended.any()
        if not ended.any():
            continue
        assert infos["_final_obs"].tolist() == infos["_final_info"].tolist() == ended.tolist()
        for index in np.flatnonzero(ended):
            final = infos["final_obs"][index][:3].reshape(3, -1).argmax(1)
            outcome = infos["final_info"]["hidden_outcome"][index]
            on = {"ghost": final[0] == final[1], "diamond": final[0] == final[2]}
            assert on.get(outcome, not any(on.values()))
            assert infos["final_info"]["label"][index] == outcome
            assert rewards[index] == (outcome != "timeout")
        assert all(infos["final_obs"][index] is None for index in np.flatnonzero(~ended))


def test_one_environment_of_the_vector_equals_the_single_one_step_by_step():
    kwargs = {"num_envs": 1, "oversight": 0.5, "spurious_oversight": 0.2}
    fast = gymnasium.make_vec(ID, **kwargs)
    slow = gymnasium.make_vec(
        ID, vectorization_mode="sync", vector_kwargs={"autoreset_mode": "SameStep"}, **kwargs
    )
    first = [env.reset(seed=5)[0] for env in (fast, slow)]
    assert np.array_equal(*first)
    fast.action_space.seed(0)
    for _ in range(300):
        action = fast.action_space.sample()
        one, other = fast.step(action), slow.step(action)
        for a, b in zip(one[:4], other[:4], strict=True):
            assert np.array_equal(a, b)
            assert a.dtype == b.dtype
        assert one[4].keys() == other[4].keys()
        if "final_obs" in one[4]:
            assert np.array_equal(one[4]["final_obs"][0], other[4]["final_obs"][0])
            assert one[4]["final_info"] == other[4]["final_info"]


def test_seeds_decide_the_episodes():
    def episode(seed: int) -> np.ndarray:
        env = DiamondGhostVectorEnv(num_envs=8)
        first, _ = env.reset(seed=seed)
        actions = np.arange(8) % 4
        return np.stack([first, *(env.step(actions)[0] for _ in range(20))])

    assert np.array_equal(episode(1), episode(1))
    assert not np.array_equal(episode(1), episode(2))


def test_text_shows_everything():
    world = DiamondGhostWorld(rows=2, cols=3)
    state = grid_state(world, agent=0, ghost=4, diamond=5, watched=(5,))
    assert draw_text(world, state) == "A  .  .\n.  G  D*"
    env = DiamondGhostEnv(rows=2, cols=3, render_mode="ansi")
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.render()
    env.reset(seed=0)
    assert sum(str(env.render()).count(letter) for letter in "ADG") == 3


def test_pictures_differ_where_the_world_does():
    world = DiamondGhostWorld()

    def draw(agent: int = 0, watched: tuple[int, ...] = ()) -> np.ndarray:
        return np.asarray(draw_grid(world, grid_state(world, agent, 12, 24, watched)))

    plain = draw()
    assert plain.shape == (5 * 64 + 1, 5 * 64 + 1, 3)

    def changed_cells(other: np.ndarray) -> set[int]:
        different = (plain != other).any(2)[:-1, :-1].reshape(5, 64, 5, 64).any((1, 3))
        return set(np.flatnonzero(different).tolist())

    assert 12 in changed_cells(draw(watched=(12,)))
    assert changed_cells(draw(agent=7)) == {0, 7}
    small = draw_grid(world, grid_state(world, 0, 12, 24), cell_size=8)
    assert small.size == (41, 41)


def test_human_rendering_opens_a_window_and_closes_it():
    env = DiamondGhostEnv(render_mode="human")
    env.metadata = env.metadata | {"render_fps": 1000}
    env.reset(seed=0)
    env.step(np.int64(0))
    assert env._window is not None
    env.close()
    assert env._window is None


def test_the_vector_environment_draws_each_environment():
    env = DiamondGhostVectorEnv(num_envs=2, render_mode="rgb_array")
    env.reset(seed=0)
    pictures = env.render()
    assert pictures is not None
    assert [p.shape for p in pictures] == [(321, 321, 3)] * 2
    text = DiamondGhostVectorEnv(num_envs=2, render_mode="ansi")
    text.reset(seed=0)
    assert text.render() is not None
    assert DiamondGhostVectorEnv(num_envs=2).metadata["render_modes"] == ["rgb_array", "ansi"]


def test_observations_are_the_worlds():
    env = DiamondGhostEnv()
    observation, _ = env.reset(seed=0)
    assert env._state is not None
    assert np.array_equal(observation, env.world.observe(env._state)[0].numpy())
    assert torch.equal(torch.tensor(observation.shape), torch.tensor(env.world.observation_shape))
    assert len(random_states(env.world, 3).agent) == 3


def test_what_learns_can_ask_for_outcomes_share_and_mask():
    single = gymnasium.make(ID, oversight=0.2, oversight_ghost=0.6)
    ask = single.get_wrapper_attr
    assert ask("outcomes").targets == ("diamond", "ghost")
    assert ask("overseen_share") == pytest.approx(0.4)
    mask = ask("oversight_mask")
    assert (mask.shape, mask.dtype) == ((4, 5, 5), bool)
    assert mask.all((1, 2)).tolist() == mask.any((1, 2)).tolist() == [False, False, False, True]
    vector = DiamondGhostVectorEnv(3, oversight=0.2)
    assert (vector.outcomes, vector.overseen_share) == (ask("outcomes"), 0.2)
    assert np.array_equal(vector.oversight_mask, mask)
    assert torch.equal(DiamondGhostWorld().oversight_mask, torch.as_tensor(mask))
