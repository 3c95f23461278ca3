"""The fast world as a stable-baselines3 vector environment."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch
from stable_baselines3.common.vec_env import VecMonitor

from routed_envs import DiamondGhostWorld, InputError, WorldVecEnv
from routed_envs.table_world import TableWorld

WORLD = DiamondGhostWorld(rows=3, cols=3, oversight=0.5, max_steps=5)


def play(env: WorldVecEnv, steps: int) -> list[Any]:
    """What a fixed list of actions brings, flat."""
    actions = np.random.default_rng(0).integers(0, 4, (steps, env.num_envs))
    brought: list[Any] = [np.asarray(env.reset()).tolist()]
    for action in actions:
        observations, rewards, ended, infos = env.step(action)
        labels = [(info["label"], info["hidden_outcome"]) for info in infos]
        brought += [np.asarray(observations).tolist(), rewards.tolist(), ended.tolist(), labels]
    return brought


def test_each_step_is_the_worlds_and_an_end_brings_the_last_observation_and_a_new_start():
    env = WorldVecEnv(WORLD, 64, seed=0)
    seen, tables = env.reset(), TableWorld(WORLD)
    for step in range(40):
        state = dataclasses.replace(tables.ruled(env._state), steps=env._state.steps)
        assert (WORLD.observe(state).numpy() == seen).all()
        actions = np.full(64, step % 4)
        after, ending = WORLD.advance(state, torch.as_tensor(actions))
        seen, rewards, ended, infos = env.step(actions)
        assert (rewards == ending.reward.numpy()).all()
        assert (ended == ending.ended.numpy()).all()
        last, names = WORLD.observe(after).numpy(), WORLD.outcomes.labels
        for index, info in enumerate(infos):
            assert info["label"] == names[int(ending.label[index])]
            assert info["hidden_outcome"] == names[int(ending.outcome[index])]
            assert ("terminal_observation" in info) == bool(ended[index])
            if ended[index]:
                assert (info["terminal_observation"] == last[index]).all()
                assert info["TimeLimit.truncated"] == (info["label"] == "timeout")
                assert int(env._state.steps[index]) == 0
            else:
                assert (np.asarray(seen)[index] == last[index]).all()


def test_the_seed_decides_everything_and_seeding_starts_again():
    one, other = (play(WorldVecEnv(WORLD, 8, seed=3), 30) for _ in range(2))
    assert one == other
    assert play(WorldVecEnv(WORLD, 8, seed=4), 30) != one
    env = WorldVecEnv(WORLD, 8)
    env.seed(5)
    first = play(env, 30)
    env.seed(5)
    assert play(env, 30) == first


def test_it_works_under_the_librarys_wrappers():
    env = VecMonitor(WorldVecEnv(WORLD, 4, seed=0))
    env.reset()
    episodes = [
        info["episode"]
        for _ in range(20)
        for info in env.step(np.zeros(4, dtype=int))[3]
        if "episode" in info
    ]
    assert episodes
    assert all(episode["l"] <= 5 for episode in episodes)


def test_attributes_are_the_worlds():
    env = WorldVecEnv(WORLD, 3)
    assert env.get_attr("outcomes") == [WORLD.outcomes] * 3
    assert env.get_attr("overseen_share", 1) == [0.5]
    assert env.has_attr("oversight_mask")
    assert not env.has_attr("colour")
    assert env.env_method("with_oversight", 0.25, indices=0)[0].oversight == 0.25
    assert env.env_is_wrapped(VecMonitor) == [False] * 3


def test_what_cannot_be_is_refused():
    with pytest.raises(InputError, match="at least 1"):
        WorldVecEnv(WORLD, 0)
    with pytest.raises(InputError, match="with_oversight"):
        WorldVecEnv(WORLD, 1).set_attr("oversight", 0.3)
