"""What a table makes of labels, by hand, and that both learners get the same from it."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch
from helpers import ROUTING, random_states
from stable_baselines3.common.logger import Logger

from routed_agents import METHODS, Method, RoutedPPO, Row, get_method
from routed_agents.learner import Batch, make_batch
from routed_agents.methods.relabelling import method_labels, told_labels
from routed_agents.methods.table import Lesson, Table
from routed_agents.rollout import Collected, collect
from routed_envs import DiamondGhostWorld, Outcomes, WorldVecEnv
from routed_envs.gridworld.world import OUTCOMES

WORLD = DiamondGhostWorld(oversight=0.5, max_steps=8)
DOOR = Outcomes(targets=("gold", "trap"), good=("gold",))
BY_HAND = Method(
    name="by hand",
    summary="",
    experts=("left", "right"),
    gate="learned",
    rows={
        "gold": Row((1.0, 0.0), gate=0.0, target="left", weight=2.0),
        "trap": Row((0.25, 1.0), target="right", reward=-1.0, activations=(0.5, 1.0)),
        "timeout": Row((1.0, 1.0), reward=-0.5),
        "unknown": Row((1.0, 1.0), gate=0.5, weight=0.0),
        "unfinished": Row((1.0, 1.0)),
    },
)
MIXTURES = [name for name in METHODS if get_method(name, OUTCOMES).acts == "mixture"]
GOLD, TRAP, TIMEOUT, UNKNOWN, UNFINISHED = range(5)


def test_a_lesson_is_the_rows_of_the_labels():
    lesson = Table.of(BY_HAND, DOOR, overseen_weight=3.0).lesson(
        torch.tensor([TRAP, UNFINISHED, GOLD, UNKNOWN])
    )
    assert lesson.routes.experts.tolist() == [[0.25, 1.0], [1.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
    assert lesson.routes.gate.tolist() == [1.0, 1.0, 0.0, 0.5]
    assert lesson.routes.activations is not None
    assert lesson.routes.activations.tolist() == [[0.5, 1.0], [1.0, 1.0], [1.0, 1.0], [1.0, 1.0]]
    # An overseen target counts three times what its row says; nothing else does.
    assert lesson.weights.tolist() == [3.0, 1.0, 6.0, 0.0]
    assert lesson.has_target.tolist() == [1.0, 0.0, 1.0, 0.0]
    assert (lesson.targets[0].item(), lesson.targets[2].item()) == (1, 0)


def test_what_has_no_target_says_nothing_of_which_one_it_is():
    guessed = torch.tensor(
        [[0.0, 0.2, 0.0, 0.8, 0.0], [0.6, 0.2, 0.2, 0.0, 0.0], [0.0, 0, 0, 1, 0]]
    )
    lesson = Table.of(BY_HAND, DOOR).lesson(guessed)
    expected = torch.tensor([[0.0, 1.0], [0.75, 0.25], [0.0, 0.0]])
    assert torch.allclose(lesson.targets, expected)
    assert torch.allclose(lesson.has_target, torch.tensor([0.2, 0.8, 0.0]))


def test_rows_of_whole_numbers_are_numbers_too():
    whole = {
        name: dataclasses.replace(row, experts=(1, 1), gate=1, weight=1, reward=None)
        for name, row in BY_HAND.rows.items()
    }
    lesson = Table.of(dataclasses.replace(BY_HAND, rows=whole), DOOR).lesson(torch.eye(5))
    assert lesson.routes.experts.tolist() == [[1.0, 1.0]] * 5


def test_activations_stay_open_where_no_row_has_any():
    table = Table.of(get_method("routed", DOOR), DOOR)
    assert table.lesson(torch.tensor([GOLD, UNKNOWN])).routes.activations is None


def test_a_reward_gives_way_where_an_episode_ends_and_its_row_says_so():
    codes = torch.tensor([[TRAP, GOLD], [TRAP, TIMEOUT], [UNFINISHED, UNKNOWN]])
    ended = torch.tensor([[False, True], [True, True], [False, True]])
    rewards = torch.tensor([[0.125, 1.0], [1.0, 0.0], [0.25, 1.0]])
    made = Table.of(BY_HAND, DOOR).rewards(rewards, ended, codes)
    assert made.tolist() == [[0.125, 1.0], [-1.0, -0.5], [0.25, 1.0]]
    assert rewards[1].tolist() == [1.0, 0.0], "what came in stays as it was"


def native(method: Method, collected: Collected) -> Batch:
    """What the native learner learns from."""
    rollout = collected.rollout
    told = told_labels(method, rollout.labels, collected.hidden_outcomes)
    generator = torch.Generator().manual_seed(3)
    labels, _ = method_labels(method, told, lambda: rollout, {}, generator)
    weight = ROUTING.at(WORLD.overseen_share).overseen_weight
    return make_batch(rollout, labels, Table.of(method, OUTCOMES, overseen_weight=weight))


def library(method: Method, collected: Collected) -> tuple[torch.Tensor, Lesson]:
    """What the buffer of stable-baselines3 hands out after the same rollout, in its own order."""
    rollout = collected.rollout
    steps, count = rollout.actions.shape
    env = WorldVecEnv(WORLD, count, seed=0)
    model = RoutedPPO("MlpPolicy", env, method, routing=ROUTING, n_steps=steps, device="cpu")
    model.set_logger(Logger(None, []))
    buffer, seen = model.rollout_buffer, rollout.observations.numpy()
    buffer.observations[:], model._last_obs = seen[:-1], seen[-1]
    buffer.actions[..., 0], buffer.rewards[:] = rollout.actions, rollout.rewards
    buffer.ended[:], buffer.labels[:] = rollout.ended, rollout.labels
    buffer.hidden_outcomes[:] = collected.hidden_outcomes
    if buffer.final_observations is not None:
        buffer.final_observations[:] = rollout.final_observations
    torch.manual_seed(3)
    buffer.compute_returns_and_advantage(torch.zeros(count), buffer.ended[-1])
    buffer.full = True
    next(buffer.get())  # Puts what the buffer holds into the order of the samples.
    samples: Any = buffer._get_samples(np.arange(steps * count)).observations
    return torch.from_numpy(buffer.rewards), samples.lesson


@pytest.mark.parametrize("name", MIXTURES)
def test_both_learners_get_the_same_from_the_same_rollout(name: str):
    method, uniform = get_method(name, OUTCOMES), torch.full((40, 4), 0.25)
    state, generator = random_states(WORLD, 40), torch.Generator().manual_seed(7)
    collected = collect(WORLD, lambda _: uniform, state, 12, generator, True)
    if method.oversight_entries:
        told = dataclasses.replace(collected.rollout, oversight_mask=WORLD.oversight_mask)
        collected = dataclasses.replace(collected, rollout=told)
    assert set(collected.rollout.labels.unique().tolist()) == set(range(5)), "every label occurs"
    batch, (rewards, lesson) = native(method, collected), library(method, collected)
    assert torch.equal(rewards, batch.rewards)

    def in_steps(values: torch.Tensor) -> torch.Tensor:
        """The buffer's samples, environment by environment, in the order of the native ones."""
        return values.unflatten(0, (40, 12)).transpose(0, 1).flatten(0, 1)

    for part in ("weights", "targets", "has_target"):
        assert torch.equal(in_steps(getattr(lesson, part)), getattr(batch.lesson, part)), part
    for part in ("experts", "gate", "activations"):
        ours, own = (getattr(made.routes, part) for made in (lesson, batch.lesson))
        assert (ours is None) == (own is None)
        assert ours is None or torch.equal(in_steps(ours), own), part
