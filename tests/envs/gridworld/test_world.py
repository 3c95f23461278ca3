"""The world's rules: hand-worked steps, and properties of any grid."""

from __future__ import annotations

import math

import pytest
import torch
from helpers import grid_state, random_states
from hypothesis import given, settings
from hypothesis import strategies as st

from routed_envs import DiamondGhostWorld, InputError, Outcomes, renew
from routed_envs.gridworld.world import OUTCOMES

DIAMOND, GHOST = 0, 1
worlds = st.builds(
    DiamondGhostWorld,
    rows=st.integers(1, 6),
    cols=st.integers(3, 6),
    oversight=st.floats(0, 1),
    spurious_oversight=st.sampled_from([0.0, 0.3, 1.0]),
    max_steps=st.integers(1, 40),
)


def step(world: DiamondGhostWorld, action: int, **places: int):
    state = grid_state(world, **places)  # pyright: ignore[reportArgumentType]
    return world.advance(state, torch.tensor([action]))


@pytest.mark.parametrize(
    ("start", "action", "end"),
    [(12, 0, 7), (12, 1, 13), (12, 2, 17), (12, 3, 11)],
    ids=["up", "right", "down", "left"],
)
def test_each_action_moves_one_cell(start: int, action: int, end: int):
    after, ending = step(DiamondGhostWorld(), action, agent=start, ghost=0, diamond=24)
    assert after.agent.item() == end
    assert ending.outcome.item() == OUTCOMES.unfinished


@pytest.mark.parametrize(
    ("corner", "actions"), [(0, (0, 3)), (4, (0, 1)), (20, (2, 3)), (24, (1, 2))]
)
def test_moving_off_an_edge_leaves_the_agent_where_it_is(corner: int, actions: tuple[int, int]):
    for action in actions:
        after, _ = step(DiamondGhostWorld(), action, agent=corner, ghost=11, diamond=13)
        assert after.agent.item() == corner
        assert after.steps.item() == 1


def test_a_wall_does_not_lead_to_the_next_row():
    after, _ = step(DiamondGhostWorld(rows=2, cols=3), 1, agent=2, ghost=0, diamond=5)
    assert after.agent.item() == 2


def test_both_targets_adjacent_end_the_episode_as_what_was_reached():
    world = DiamondGhostWorld()
    for action, outcome in ((1, DIAMOND), (3, GHOST)):
        _, ending = step(world, action, agent=12, ghost=11, diamond=13)
        assert ending.outcome.item() == outcome
        assert ending.reward.item() == 1.0
        assert ending.ended.item()


@pytest.mark.parametrize(
    ("watched", "label"), [((), OUTCOMES.unknown), ((13,), DIAMOND), ((11,), OUTCOMES.unknown)]
)
def test_the_overseer_knows_a_target_only_where_it_has_oversight(
    watched: tuple[int, ...], label: int
):
    world = DiamondGhostWorld()
    state = grid_state(world, agent=12, ghost=11, diamond=13, watched=watched)
    _, ending = world.advance(state, torch.tensor([1]))
    assert ending.outcome.item() == DIAMOND
    assert ending.label.item() == label


def test_the_episode_times_out_at_its_32nd_step_and_not_before():
    world = DiamondGhostWorld()
    state = grid_state(world, agent=0, ghost=23, diamond=24)
    for _ in range(31):
        state, ending = world.advance(state, torch.tensor([0]))
        assert not ending.ended.item()
    state, ending = world.advance(state, torch.tensor([0]))
    assert ending.ended.item()
    assert state.steps.item() == 32
    assert ending.outcome.item() == ending.label.item() == OUTCOMES.timeout
    assert ending.reward.item() == 0.0


def test_a_target_reached_at_the_last_step_counts_as_reached():
    world = DiamondGhostWorld()
    state = grid_state(world, agent=12, ghost=11, diamond=13, steps=31)
    _, ending = world.advance(state, torch.tensor([1]))
    assert ending.outcome.item() == DIAMOND


def test_observation_planes_are_agent_ghost_diamond_oversight():
    world = DiamondGhostWorld(rows=2, cols=3)
    planes = world.observe(grid_state(world, agent=0, ghost=4, diamond=5, watched=(5,)))
    expected = torch.zeros((1, 4, 2, 3), dtype=torch.int8)
    for plane, row, col in ((0, 0, 0), (1, 1, 1), (2, 1, 2), (3, 1, 2)):
        expected[0, plane, row, col] = 1
    assert torch.equal(planes, expected)
    assert planes.dtype == torch.int8


def test_renewed_episodes_are_fresh_and_the_others_stay():
    world = DiamondGhostWorld(oversight=0.5, label_noise=0.5)
    state, fresh = random_states(world, 64, seed=1), random_states(world, 64, seed=2)
    ended = torch.arange(64) % 3 == 0
    renewed = renew(state, ended, fresh)
    for name in ("agent", "ghost", "diamond", "oversight", "steps", "mistaken"):
        new, old, both = (getattr(s, name) for s in (fresh, state, renewed))
        assert torch.equal(both[ended], new[ended])
        assert torch.equal(both[~ended], old[~ended])


@settings(max_examples=60, deadline=None)
@given(worlds, st.integers(0, 2**31))
def test_starts_are_distinct_cells_of_the_grid_with_binary_oversight(
    world: DiamondGhostWorld, seed: int
):
    state = random_states(world, 50, seed)
    cells = torch.stack((state.agent, state.ghost, state.diamond))
    assert cells.min() >= 0
    assert cells.max() < world.cells
    assert (state.agent != state.ghost).all()
    assert (state.agent != state.diamond).all()
    assert (state.ghost != state.diamond).all()
    assert set(state.oversight.unique().tolist()) <= {0, 1}
    if world.spurious_oversight == 0:
        elsewhere = state.oversight.scatter(1, torch.stack((state.ghost, state.diamond), 1), 0)
        assert not elsewhere.any()


@settings(max_examples=60, deadline=None)
@given(worlds, st.integers(0, 2**31), st.lists(st.integers(0, 3), min_size=1, max_size=40))
def test_any_walk_obeys_the_rules(world: DiamondGhostWorld, seed: int, actions: list[int]):
    state = random_states(world, 20, seed)
    for action in actions:
        before = state
        state, ending = world.advance(before, torch.full((20,), action))
        moved = (state.agent - before.agent).abs()
        assert set(moved.tolist()) <= {0, 1, world.cols}
        at_diamond, at_ghost = state.agent == before.diamond, state.agent == before.ghost
        assert torch.equal(ending.outcome == DIAMOND, at_diamond)
        assert torch.equal(ending.outcome == GHOST, at_ghost)
        assert torch.equal(ending.reward > 0, at_diamond | at_ghost)
        timed_out = (state.steps >= world.max_steps) & ~(at_diamond | at_ghost)
        assert torch.equal(ending.outcome == OUTCOMES.timeout, timed_out)
        observations = world.observe(state)
        assert torch.equal(observations[:, :3].flatten(2).sum(2), torch.ones(20, 3).long())
        state = renew(state, ending.ended, random_states(world, 20, seed + 1))


@given(st.lists(st.floats(0, 1, exclude_max=True, width=32), min_size=5, max_size=5))
def test_any_numbers_below_one_give_a_valid_start(numbers: list[float]):
    world = DiamondGhostWorld()
    state = world.place(torch.tensor([numbers]))
    assert len({state.agent.item(), state.ghost.item(), state.diamond.item()}) == 3
    assert max(state.agent.item(), state.ghost.item(), state.diamond.item()) < 25


def test_the_largest_number_below_one_stays_on_the_grid():
    largest = math.nextafter(1.0, 0.0)
    for rows in (1, 3, 5, 13):
        world = DiamondGhostWorld(rows=rows, cols=5)
        numbers = torch.full((1, 5), largest, dtype=torch.float64).float().clamp(max=1 - 2**-24)
        state = world.place(numbers)
        assert state.agent.item() == world.cells - 1


def test_all_placements_and_oversights_occur_as_often_as_they_should():
    world = DiamondGhostWorld(rows=1, cols=3, oversight=0.25)
    count = 60_000
    state = random_states(world, count)
    for code, expected in ((state.agent * 9 + state.ghost * 3 + state.diamond, 1 / 6),):
        shares = code.bincount() / count
        assert len(shares[shares > 0]) == 6
        assert (shares[shares > 0] - expected).abs().max() < 0.01
    both = state.oversight.sum(1)
    assert abs(float((both == 2).float().mean()) - 0.25**2) < 0.01
    assert abs(float((both == 0).float().mean()) - 0.75**2) < 0.01


def test_spurious_oversight_is_as_frequent_as_asked_and_leaves_the_targets_alone():
    world = DiamondGhostWorld(oversight=0.2, spurious_oversight=0.6)
    state = random_states(world, 20_000)
    targets = torch.stack((state.ghost, state.diamond), 1)
    on_targets = state.oversight.gather(1, targets).float().mean(0)
    elsewhere = state.oversight.scatter(1, targets, 0).sum(1).float().mean() / 23
    assert (on_targets - 0.2).abs().max() < 0.015
    assert abs(float(elsewhere) - 0.6) < 0.015


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 3), st.integers(3, 5), st.floats(0, 1))
def test_the_list_of_states_is_complete_and_in_order(rows: int, cols: int, oversight: float):
    world = DiamondGhostWorld(rows=rows, cols=cols, oversight=oversight)
    states, cells = world.enumerate_states(), rows * cols
    assert world.state_count == len(states.agent) == cells * (cells - 1) * (cells - 2) * 4
    assert torch.equal(world.state_index(states), torch.arange(len(states.agent)))
    assert float(world.start_probabilities().sum()) == pytest.approx(1, abs=1e-12)
    observations = world.observe(states).flatten(1)
    assert len(observations.unique(dim=0)) == len(observations)


def test_tempting_starts_have_the_ghost_near_and_the_diamond_far():
    world = DiamondGhostWorld(tempting_starts=True, oversight=0.3)
    states = random_states(world, 10_000)
    rows, cols = (lambda cell: cell // 5), (lambda cell: cell % 5)

    def distance(cell: torch.Tensor) -> torch.Tensor:
        there = (rows(cell) - rows(states.agent)).abs()
        return there + (cols(cell) - cols(states.agent)).abs()

    assert (distance(states.ghost) == 1).all()
    assert (distance(states.diamond) >= 4).all()
    # Every such start occurs, all as often.
    start = (states.agent * 25 + states.ghost) * 25 + states.diamond
    expected = world.start_probabilities()
    possible = int((expected > 0).sum()) // 4
    assert len(start.unique()) == possible
    assert float(expected.sum()) == pytest.approx(1, abs=1e-12)
    found = world.state_index(states).bincount(minlength=len(expected)) / 10_000
    assert not found[expected == 0].any()
    assert (found - expected).abs().max() < 0.01


def test_tempting_starts_by_hand():
    """In a row of five only the two ends have a square at four steps."""
    states = DiamondGhostWorld(1, 5, tempting_starts=True).place(torch.rand(50, 5))
    placed = torch.stack((states.agent, states.ghost, states.diamond), 1).unique(dim=0)
    assert placed.tolist() == [[0, 1, 4], [4, 3, 0]]
    world = DiamondGhostWorld(1, 5, 0.5, oversight_falloff=0.5, tempting_starts=True)
    assert world.overseen_share == pytest.approx(0.5 * (1 + 0.5**3) / 2)


def test_a_world_without_tempting_starts_is_described_as_before_there_were_any():
    assert "tempting_starts" not in DiamondGhostWorld().settings()
    assert DiamondGhostWorld(tempting_starts=True).settings()["tempting_starts"] is True


def test_start_probabilities_are_those_of_sampled_starts():
    world = DiamondGhostWorld(rows=1, cols=3, oversight=0.3)
    index = world.state_index(random_states(world, 100_000))
    shares = index.bincount(minlength=24) / 100_000
    assert (shares - world.start_probabilities()).abs().max() < 0.006


@pytest.mark.parametrize(
    "settings",
    [
        {"rows": 1, "cols": 2},
        {"rows": 0, "cols": 9},
        {"oversight": 1.5},
        {"oversight": math.nan},
        {"spurious_oversight": -0.1},
        {"max_steps": 0},
        {"rows": 2, "cols": 3, "tempting_starts": True},
    ],
)
def test_impossible_worlds_are_refused(settings: dict[str, float]):
    with pytest.raises(InputError, match=r"[Gg]ive"):
        DiamondGhostWorld(**settings)  # pyright: ignore[reportArgumentType]


def test_wrong_random_numbers_are_refused_with_both_shapes():
    with pytest.raises(InputError, match=r"\(7, 3\).*\[N, 5\]"):
        DiamondGhostWorld().place(torch.rand(7, 3))


def test_outcomes_have_codes_labels_and_scores():
    outcomes = Outcomes(("a", "b", "c"), good=("b",))
    assert outcomes.labels == ("a", "b", "c", "timeout", "unknown", "unfinished")
    assert (outcomes.timeout, outcomes.unknown, outcomes.unfinished) == (3, 4, 5)
    assert outcomes.scores == (-1.0, 1.0, -1.0)
    codes, seen = torch.tensor([0, 1, 3, 5]), torch.tensor([True, False, False, False])
    assert outcomes.label(codes, seen).tolist() == [0, 4, 3, 5]


@pytest.mark.parametrize(
    ("targets", "good"),
    [((), ()), (("a", "a"), ("a",)), (("timeout",), ("timeout",)), (("a",), ("b",))],
)
def test_impossible_outcomes_are_refused(targets: tuple[str, ...], good: tuple[str, ...]):
    with pytest.raises(InputError):
        Outcomes(targets, good)
