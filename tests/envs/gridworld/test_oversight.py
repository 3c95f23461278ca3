"""The kinds of oversight: counted frequencies, one kind at a time and all together."""

from __future__ import annotations

import dataclasses
import math
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from helpers import grid_state, random_states
from hypothesis import given, settings
from hypothesis import strategies as st

from routed_agents import get_method
from routed_envs import DiamondGhostEnv, DiamondGhostVectorEnv, DiamondGhostWorld, InputError
from routed_envs.gridworld.grid import mean_decay
from routed_envs.gridworld.world import OUTCOMES, GridState
from routed_rl import TrainConfig, evaluate
from routed_rl.evaluation.sampled import sample_episodes, wilson_interval
from routed_rl.training.experiment import Experiment

COUNT = 200_000
ALL_KINDS: dict[str, Any] = {
    "oversight_diamond": 0.8,
    "oversight_ghost": 0.3,
    "oversight_falloff": 0.2,
    "label_noise": 0.15,
    "hidden_oversight": True,
}
fractions = st.floats(0, 1, width=32)
optional = st.none() | fractions
kinds = st.fixed_dictionaries(
    {
        "rows": st.integers(1, 2),
        "cols": st.integers(3, 4),
        "max_steps": st.integers(1, 8),
        "oversight": fractions,
        "oversight_diamond": optional,
        "oversight_ghost": optional,
        "oversight_falloff": st.sampled_from([0.0, 0.3, 1.0]),
        "label_noise": st.sampled_from([0.0, 0.2, 1.0]),
        "hidden_oversight": st.booleans(),
    }
)


class Walker:
    """Acts at random, and otherwise the more oversight it sees."""

    def action_probabilities(self, seen: torch.Tensor) -> torch.Tensor:
        watched = seen[:, 3].flatten(1).sum(1, keepdim=True)
        return torch.softmax(watched * torch.tensor([1.0, -0.5, 0.3, 0.0]), 1)


def assert_counted(hits: torch.Tensor, probability: float) -> None:
    """The share of hits lies within four standard errors of the probability."""
    error = math.sqrt(probability * (1 - probability) / len(hits))
    assert abs(float(hits.double().mean()) - probability) <= 4 * error + 1e-9


def watched(state: GridState, target: torch.Tensor) -> torch.Tensor:
    """Whether each target's square has oversight, int8 [N]."""
    return state.oversight.gather(1, target.unsqueeze(1)).squeeze(1)


def distances(state: GridState, target: torch.Tensor, cols: int) -> torch.Tensor:
    """Steps from the agent to the target, counted by rows and columns."""
    down = (state.agent // cols - target // cols).abs()
    return down + (state.agent % cols - target % cols).abs()


def labels_of_walks(world: DiamondGhostWorld, onto: str, seed: int = 0) -> torch.Tensor:
    """The labels of episodes in which the agent was put beside a target and walks into it."""
    start = random_states(world, COUNT, seed)
    target = getattr(start, onto)
    other = start.ghost if onto == "diamond" else start.diamond
    right = target % world.cols == 0  # In the first column it comes from the right.
    agent = torch.where(right, target + 1, target - 1)
    state = GridState(
        agent, start.ghost, start.diamond, start.oversight, start.steps, start.mistaken
    )
    ending = world.advance(state, torch.where(right, 3, 1))[1]
    free = agent != other
    assert (ending.outcome == OUTCOMES.targets.index(onto)).all()
    return ending.label[free]


def test_each_target_has_its_own_oversight():
    world = DiamondGhostWorld(oversight=0.5, oversight_diamond=0.7, oversight_ghost=0.02)
    state = random_states(world, COUNT)
    assert_counted(watched(state, state.diamond), 0.7)
    assert_counted(watched(state, state.ghost), 0.02)
    both = watched(state, state.diamond) * watched(state, state.ghost)
    assert_counted(both, 0.7 * 0.02)
    one = random_states(DiamondGhostWorld(oversight=0.4, oversight_ghost=0.0), COUNT)
    assert_counted(watched(one, one.diamond), 0.4)
    assert_counted(watched(one, one.ghost), 0.0)


@pytest.mark.parametrize("spurious", [0.0, 0.6])
def test_oversight_falls_off_with_the_distance_from_the_start(spurious: float):
    world = DiamondGhostWorld(
        oversight=0.9, oversight_ghost=0.5, oversight_falloff=0.3, spurious_oversight=spurious
    )
    state = random_states(world, COUNT)
    for target, level in ((state.diamond, 0.9), (state.ghost, 0.5)):
        distance = distances(state, target, 5)
        for steps in range(1, 9):
            assert_counted(watched(state, target)[distance == steps], level * 0.7 ** (steps - 1))
    targets = torch.stack((state.ghost, state.diamond), 1)
    elsewhere = torch.ones_like(state.oversight).scatter_(1, targets, 0).bool()
    assert_counted(state.oversight[elsewhere], spurious)


def test_a_falloff_of_one_leaves_only_what_is_one_step_away():
    world = DiamondGhostWorld(oversight=1.0, oversight_falloff=1.0)
    state = random_states(world, 5000)
    for target in (state.diamond, state.ghost):
        assert torch.equal(watched(state, target).bool(), distances(state, target, 5) == 1)


@pytest.mark.parametrize("spurious", [0.0, 0.3])
@pytest.mark.parametrize("onto", OUTCOMES.targets)
def test_label_noise_swaps_the_two_targets_as_often_as_asked(onto: str, spurious: float):
    world = DiamondGhostWorld(
        oversight=0.6, oversight_ghost=0.4, label_noise=0.1, spurious_oversight=spurious
    )
    labels = labels_of_walks(world, onto)
    right = OUTCOMES.targets.index(onto)
    level = 0.6 if onto == "diamond" else 0.4
    assert_counted(labels == right, level * 0.9)
    assert_counted(labels == 1 - right, level * 0.1)
    assert_counted(labels == OUTCOMES.unknown, 1 - level)


@pytest.mark.parametrize(
    ("watched_cells", "label"), [((13,), "ghost"), ((), "unknown"), ((11,), "unknown")]
)
def test_a_mistaken_overseer_errs_in_its_label_and_in_nothing_else(watched_cells, label: str):
    world = DiamondGhostWorld(label_noise=0.5)
    places = {"agent": 12, "ghost": 11, "diamond": 13, "watched": watched_cells}
    state = grid_state(world, **places, mistaken=True)
    after, ending = world.advance(state, torch.tensor([1]))
    assert OUTCOMES.labels[int(ending.outcome)] == "diamond"
    assert OUTCOMES.labels[int(ending.label)] == label
    assert (ending.reward.item(), ending.ended.item()) == (1.0, True)
    assert after.mistaken.item() == 1
    onward = world.advance(state, torch.tensor([0]))[1]
    assert onward.label.item() == onward.outcome.item() == OUTCOMES.unfinished


def test_label_noise_leaves_timeouts_and_the_other_numbers_alone():
    noisy, plain = DiamondGhostWorld(max_steps=3, label_noise=1.0), DiamondGhostWorld(max_steps=3)
    assert (noisy.random_numbers, plain.random_numbers) == (6, 5)
    random = torch.rand((1000, 6), generator=torch.Generator().manual_seed(0))
    state, same = noisy.place(random), plain.place(random[:, :5])
    assert torch.equal(noisy.observe(state), plain.observe(same))
    assert (state.mistaken == 1).all()
    assert not same.mistaken.any()
    state = dataclasses.replace(state, steps=torch.full_like(state.steps, 2))
    _, ending = noisy.advance(state, torch.zeros(1000, dtype=torch.int64))
    late = ending.outcome == OUTCOMES.timeout
    assert late.sum() > 900
    assert torch.equal(ending.label == OUTCOMES.timeout, late)


def test_hidden_oversight_is_not_in_the_observation_and_labels_still_come():
    hidden = DiamondGhostWorld(oversight=0.5, hidden_oversight=True)
    plain = DiamondGhostWorld(oversight=0.5)
    state = random_states(hidden, COUNT)
    assert torch.equal(state.oversight, random_states(plain, COUNT).oversight)
    seen = hidden.observe(state)
    assert seen.shape == (COUNT, *plain.observation_shape)
    assert not seen[:, 3].any()
    assert torch.equal(seen[:, :3], plain.observe(state)[:, :3])
    assert_counted(labels_of_walks(hidden, "diamond") == 0, 0.5)


def test_all_kinds_together():
    world = DiamondGhostWorld(spurious_oversight=0.25, **ALL_KINDS)
    assert world.random_numbers == 3 + 25 + 1
    state = random_states(world, COUNT)
    assert_counted(state.mistaken, 0.15)
    for target, level in ((state.diamond, 0.8), (state.ghost, 0.3)):
        distance = distances(state, target, 5)
        for steps in (1, 2, 5):
            here = distance == steps
            assert_counted(watched(state, target)[here], level * 0.8 ** (steps - 1))
            told_wrong = watched(state, target)[here] * state.mistaken[here]
            assert_counted(told_wrong, level * 0.8 ** (steps - 1) * 0.15)
    assert not world.observe(state)[:, 3].any()


@pytest.mark.parametrize(
    "kinds",
    [
        {},
        {"rows": 1, "cols": 3, "oversight_falloff": 0.5},
        {"rows": 3, "cols": 6, "oversight_falloff": 0.1, "oversight_ghost": 0.7},
        {"oversight_falloff": 1.0, "spurious_oversight": 0.4},
        ALL_KINDS,
    ],
)
def test_the_overseen_share_is_what_is_counted(kinds: dict[str, Any]):
    world = DiamondGhostWorld(oversight=0.6, **kinds)
    state = random_states(world, COUNT)
    seen = torch.cat([watched(state, target) for target in (state.diamond, state.ghost)])
    # The two targets of a start share its agent, so that they count for a little less than two.
    error = 1.5 * math.sqrt(world.overseen_share * (1 - world.overseen_share) / len(seen))
    assert abs(float(seen.double().mean()) - world.overseen_share) <= 4 * error


def test_the_overseen_share_by_hand():
    for level in (0.0, 0.1, 0.3, 1 / 3, 1.0):
        assert DiamondGhostWorld(oversight=level, label_noise=0.2).overseen_share == level
    # Three cells in a row: of six ordered pairs four are one step apart and two are two.
    row = DiamondGhostWorld(1, 3, 0.5, oversight_falloff=0.25)
    assert row.overseen_share == pytest.approx(0.5 * (4 + 2 * 0.75) / 6)
    assert DiamondGhostWorld(oversight_diamond=1.0, oversight_ghost=0.5).overseen_share == 0.75


@settings(max_examples=25, deadline=None, derandomize=True)
@given(kinds)
def test_start_probabilities_are_those_of_sampled_starts(kinds: dict[str, Any]):
    world = DiamondGhostWorld(**kinds)
    states = world.enumerate_states()
    assert world.state_count == len(states.agent)
    assert torch.equal(world.state_index(states), torch.arange(len(states.agent)))
    expected = world.start_probabilities()
    assert float(expected.sum()) == pytest.approx(1, abs=1e-12)
    count = 40_000
    shares = world.state_index(random_states(world, count)).bincount(minlength=len(expected))
    error = (expected * (1 - expected) / count).sqrt()
    # Thousands of comparisons: five standard errors, and no state that cannot be.
    assert ((shares / count - expected).abs() <= 5 * error + 5 / count).all()
    assert not shares[expected == 0].any()


@settings(max_examples=25, deadline=None, derandomize=True)
@given(kinds)
def test_exact_figures_are_whole_and_agree_with_sampled_ones(kinds: dict[str, Any]):
    world, count = DiamondGhostWorld(**kinds), 4000
    exact = evaluate(Walker(), world=world)
    assert exact.exact
    assert list(exact.labels) == ["diamond", "ghost", "timeout", "unknown"]
    assert sum(exact.rates.values()) == pytest.approx(1, abs=1e-12)
    assert sum(exact.labels.values()) == pytest.approx(1, abs=1e-12)
    sampled = evaluate(Walker(), world=world, exact=False, episodes=count)
    assert sum(sampled.labels.values()) == pytest.approx(1, abs=1e-12)
    for name, share in sampled.labels.items():
        low, high = wilson_interval(share, count)
        slack = high - low  # Hundreds of comparisons: three times as wide keeps chance out.
        assert low - slack <= exact.labels[name] <= high + slack, name
    assert sampled.intervals is not None
    for name, (low, high) in sampled.intervals.items():
        slack = high - low + 1e-6
        assert low - slack <= exact.to_json()[name] <= high + slack, name


def test_exact_and_sampled_agree_closely_in_the_reference_world():
    world = DiamondGhostWorld(**ALL_KINDS)
    exact = evaluate(Walker(), world=world)
    sample = sample_episodes(Walker(), world, 50_000)
    for code, name in enumerate(("diamond", "ghost", "timeout", "unknown")):
        assert_counted(sample.labels == code, exact.labels[name])
    for code, name in enumerate(("diamond", "ghost", "timeout")):
        assert_counted(sample.outcomes == code, exact.rates[name])


def test_what_the_overseer_sees_of_a_walk_by_hand():
    """On two of six placements each the agent, going right, hits diamond, ghost or nothing."""

    class Right:
        def action_probabilities(self, seen: torch.Tensor) -> torch.Tensor:
            return torch.eye(4)[1].expand(len(seen), 4)

    world = DiamondGhostWorld(
        1, 3, oversight_diamond=0.5, oversight_ghost=0.25, label_noise=0.1, oversight_falloff=0.9
    )
    found = evaluate(Right(), world=world)
    named = {"diamond": 0.5 * 0.9 + 0.25 * 0.1, "ghost": 0.25 * 0.9 + 0.5 * 0.1}
    expected = {name: share / 3 for name, share in named.items()}
    expected |= {"timeout": 1 / 3, "unknown": (0.5 + 0.75) / 3}
    assert found.labels == pytest.approx(expected)
    assert found.rates == pytest.approx({"diamond": 1 / 3, "ghost": 1 / 3, "timeout": 1 / 3})
    assert found.seen_rate(["diamond"]) == pytest.approx(0.475 / 0.75)
    assert evaluate(Right(), 0.0, world=world).seen_rate(["diamond"]) is None


def test_with_oversight_takes_the_place_of_the_targets_own_and_leaves_the_rest():
    world = DiamondGhostWorld(spurious_oversight=0.2, **ALL_KINDS).with_oversight(0.4)
    rest = {name: v for name, v in ALL_KINDS.items() if name[:10] != "oversight_"}
    expected = {"spurious_oversight": 0.2, "oversight_falloff": 0.2, **rest}
    assert world == DiamondGhostWorld(oversight=0.4, **expected)


def test_with_spurious_oversight_there_is_no_list_whatever_else_is_on():
    assert DiamondGhostWorld(spurious_oversight=0.1, **ALL_KINDS).state_count is None
    assert DiamondGhostWorld(**ALL_KINDS).state_count == 2 * 55_200


@pytest.mark.parametrize("make", [DiamondGhostWorld, DiamondGhostEnv, DiamondGhostVectorEnv])
@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("oversight_diamond", 1.5, r"oversight_diamond=1.5 .*from 0 to 1, or None"),
        ("oversight_ghost", math.nan, r"oversight_ghost=nan .*from 0 to 1, or None"),
        ("oversight_ghost", "all", r"oversight_ghost='all' .*from 0 to 1, or None"),
        ("oversight_falloff", -0.1, r"oversight_falloff=-0.1 .*a number from 0 to 1"),
        ("oversight_falloff", None, r"oversight_falloff=None .*a number from 0 to 1"),
        ("label_noise", 2, r"label_noise=2 is no probability.*from 0 to 1"),
        ("hidden_oversight", 1, r"hidden_oversight=1: give True or False"),
    ],
)
def test_impossible_kinds_are_refused(make: Callable[..., Any], name: str, value, message: str):
    with pytest.raises(InputError, match=message):
        make(**{name: value})


def test_the_gymnasium_environments_take_every_kind():
    options = {"rows": 4, "cols": 6, "oversight": 0.9, "spurious_oversight": 0.2, **ALL_KINDS}
    world = DiamondGhostWorld(**options)
    single = gymnasium.make("routed_envs/DiamondGhost-v0", **options)
    many = gymnasium.make_vec("routed_envs/DiamondGhost-v0", num_envs=1, **options)
    assert isinstance(single.unwrapped, DiamondGhostEnv)
    assert isinstance(many, DiamondGhostVectorEnv)
    assert single.unwrapped.world == many.world == world
    first, _ = single.reset(seed=4)
    assert np.array_equal(first, many.reset(seed=4)[0][0])
    assert not first[3].any()


def test_a_mistake_of_the_overseer_is_in_the_label_of_the_gymnasium_environment():
    env = DiamondGhostEnv(oversight=1.0, label_noise=1.0)
    env.reset(seed=0)
    assert env._state is not None
    assert env._state.mistaken.item() == 1
    env._state = grid_state(env.world, 12, 11, 13, watched=(11, 13), mistaken=True)
    info = env.step(np.int64(1))[4]
    assert info == {"label": "ghost", "hidden_outcome": "diamond"}


def test_training_takes_every_kind_and_a_budget_from_the_overseen_share():
    config = TrainConfig(spurious_oversight=0.1, updates=1000, device="cpu", **ALL_KINDS)
    method = dataclasses.replace(get_method("routed", OUTCOMES), updates=lambda share: share)
    experiment = Experiment.of(config, method=method)
    assert experiment.world == DiamondGhostWorld(spurious_oversight=0.1, **ALL_KINDS)
    assert experiment.config.label_noise == 0.15
    assert {"label_noise", "oversight_ghost"} <= experiment.identity().keys()
    share = experiment.world.overseen_share
    assert share == pytest.approx(0.55 * mean_decay(5, 5, 0.2))
    assert experiment.updates == round(1000 * share)
    with pytest.raises(ValueError, match=r"oversight_ghost=2.0 .* from 0 to 1, or None"):
        TrainConfig(oversight_ghost=2.0)


def test_importing_an_error_brings_the_registration_but_not_torch():
    code = (
        "import sys; sys.path[:0] = {path!r}\n"
        "from routed_envs.errors import InputError\n"
        "import gymnasium\n"
        "print('torch' in sys.modules, 'routed_envs/DiamondGhost-v0' in gymnasium.registry)"
    )
    words = [sys.executable, "-c", code.format(path=[p for p in sys.path if p])]
    shown = subprocess.run(words, capture_output=True, text=True, check=True)
    assert shown.stdout.split() == ["False", "True"]
