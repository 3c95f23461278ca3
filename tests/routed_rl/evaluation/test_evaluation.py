"""Evaluation: closed forms, the known optimum, and Monte Carlo's agreement with it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest
import torch
from helpers import random_policy

from routed_envs import DiamondGhostWorld, InputError
from routed_envs.table_world import transitions
from routed_rl import Evaluation, evaluate, evaluate_steerings
from routed_rl.evaluation.exact import Evaluator, same_states
from routed_rl.evaluation.sampled import sample_episodes, wilson_interval
from routed_rl.evaluation.steerings import oversight_levels

UP, RIGHT, DOWN, LEFT = range(4)


class Rule:
    """A policy from a function of observations, int8 [B, 4, rows, cols], to probabilities."""

    def __init__(self, rule: Callable[[torch.Tensor], torch.Tensor]) -> None:
        self.action_probabilities = rule


UNIFORM = Rule(lambda observations: torch.full((len(observations), 4), 0.25))


def columns_of(observations: torch.Tensor) -> torch.Tensor:
    """The columns of agent, ghost and diamond in a grid of one row, [3, B]."""
    return observations[:, :3].flatten(2).argmax(2).t()


def optimal_policy(world: DiamondGhostWorld) -> Rule:
    """Value iteration over the world's own transitions, one-hot in the order of the states."""
    table = transitions(world)
    reward = (table.outcome == 0).double() - (table.outcome == 1).double()
    running = table.outcome == world.outcomes.unfinished
    values = torch.zeros(world.state_count or 0, dtype=torch.float64)
    action_values = reward
    for _ in range(world.max_steps):
        action_values = reward + 0.97 * running * values[table.next_state]
        values = action_values.max(1).values
    best = torch.nn.functional.one_hot(action_values.argmax(1), 4).double()
    lookup = {
        tuple(row): index
        for index, row in enumerate(world.observe(world.enumerate_states()).flatten(1).tolist())
    }
    return Rule(lambda seen: best[[lookup[tuple(row)] for row in seen.flatten(1).tolist()]])


def test_uniform_walk_on_three_cells_in_closed_form():
    """In the middle each target is hit with 1/4 a step; at an end its neighbour is."""
    world = DiamondGhostWorld(rows=1, cols=3, max_steps=7)
    found = evaluate(UNIFORM, world=world)
    middle, end = (1 - 0.5**7) / 2, 1 - 0.75**7
    assert found.exact
    assert found.diamond_rate == pytest.approx((middle + end) / 3, abs=1e-12)
    assert found.ghost_rate == pytest.approx(found.diamond_rate, abs=1e-12)
    assert found.episode_return == pytest.approx(0, abs=1e-12)
    lengths = [sum(stay**t for t in range(7)) for stay in (0.5, 0.75)]
    assert found.mean_length == pytest.approx(lengths[0] / 3 + lengths[1] * 2 / 3, abs=1e-12)


def test_always_right_on_three_cells_by_hand():
    """Six placements: from 0 and from 1 whatever stands to the right, from 2 never anything."""
    right = Rule(lambda seen: torch.eye(4)[torch.full((len(seen),), RIGHT)])
    found = evaluate(right, world=DiamondGhostWorld(rows=1, cols=3))
    assert found.rates == pytest.approx({"diamond": 1 / 3, "ghost": 1 / 3, "timeout": 1 / 3})
    assert found.mean_length == pytest.approx((1 + 1 + 32) / 3)


def test_best_play_on_two_by_two_in_closed_form():
    """The diamond is adjacent, or diagonal with one of its two paths free."""
    found = evaluate(
        optimal_policy(DiamondGhostWorld(rows=2, cols=2)), world=DiamondGhostWorld(rows=2, cols=2)
    )
    assert found.episode_return == pytest.approx((2 + 0.97) / 3, abs=1e-12)
    assert found.diamond_rate == pytest.approx(1, abs=1e-12)


def test_the_known_optimum_of_the_reference_world():
    world = DiamondGhostWorld()
    found = evaluate(optimal_policy(world), world=world)
    assert found.episode_return == pytest.approx(0.931686, abs=1e-6)
    assert found.diamond_rate == pytest.approx(1, abs=1e-12)


def test_the_uniform_policy_in_the_reference_world():
    found = evaluate(UNIFORM, world=DiamondGhostWorld())
    assert found.diamond_rate == pytest.approx(0.359, abs=5e-4)
    assert found.ghost_rate == pytest.approx(0.359, abs=5e-4)


@pytest.mark.slow
@pytest.mark.parametrize("steering", [None, "diamond", {"diamond": 0.3, "ghost": 0.7}])
@pytest.mark.parametrize("deterministic", [False, True])
def test_exact_and_monte_carlo_agree_within_the_interval(steering, deterministic: bool):
    policy = random_policy().steer(steering)
    exact = evaluate(policy, deterministic=deterministic).to_json()
    sampled = evaluate(policy, exact=False, episodes=40_000, deterministic=deterministic, seed=3)
    assert sampled.intervals is not None
    assert not sampled.exact
    assert exact["exact"]
    for name, (low, high) in sampled.intervals.items():
        # Six comparisons of five figures: half as wide again keeps chance out of the test.
        slack = (high - low) / 4
        assert low - slack <= exact[name] <= high + slack, name
        assert high - low < 0.5


@pytest.mark.slow
def test_intervals_cover_as_often_as_they_say():
    """Over 200 samples of 300 episodes, 95% intervals should hold the truth about 190 times."""
    policy, world = Rule(UNIFORM.action_probabilities), DiamondGhostWorld(rows=1, cols=3)
    truth = evaluate(policy, world=world).diamond_rate
    ends = [
        evaluate(policy, world=world, exact=False, episodes=300, seed=seed).intervals
        for seed in range(200)
    ]
    covered = sum(e["diamond_rate"][0] <= truth <= e["diamond_rate"][1] for e in ends if e)
    assert 180 <= covered <= 199


def test_wilson_interval_by_hand():
    """Rate 1/2 of 4: z^2 = 3.8415, so 1/2 +- 1.96 sqrt(1/16 + 0.0600) / 1.9604."""
    low, high = wilson_interval(0.5, 4)
    assert (low + high) / 2 == pytest.approx(0.5)
    assert high - low == pytest.approx(2 * 0.34996, abs=1e-4)
    assert wilson_interval(0.0, 10)[0] == pytest.approx(0, abs=1e-12)


def test_oversight_shifts_the_starts_and_nothing_else():
    """A policy that cares for oversight differs between 0 and 1; values of states do not."""
    watched_only = Rule(
        lambda seen: torch.where(
            seen[:, 3].flatten(1).any(1, keepdim=True), torch.eye(4)[RIGHT], torch.eye(4)[LEFT]
        )
    )
    world = DiamondGhostWorld(rows=1, cols=3, oversight=0.5)
    zero, one = (evaluate(watched_only, level, world=world) for level in (0.0, 1.0))
    right, left = (
        evaluate(Rule(lambda seen, a=a: torch.eye(4)[a].expand(len(seen), 4)), world=world)
        for a in (RIGHT, LEFT)
    )
    assert one.rates == pytest.approx(right.rates)
    assert zero.rates == pytest.approx(left.rates)
    half = evaluate(watched_only, world=world)
    assert half.oversight == 0.5
    expected = 0.75 * one.mean_length + 0.25 * zero.mean_length
    assert half.mean_length == pytest.approx(expected)


def test_several_oversights_at_once_equal_each_alone():
    policy = random_policy()
    worlds = {
        "none": policy.world.with_oversight(0.0),
        "small": DiamondGhostWorld(rows=2, cols=2),
        "more": policy.world.with_oversight(0.6),
    }
    together = evaluate_steerings(policy, {name: worlds[name] for name in ("none", "more")})
    assert list(together) == ["none", "more"]
    assert list(together["more"]) == ["mixture", "diamond", "ghost"]
    alone = evaluate(policy.steer("ghost"), 0.6)
    assert together["more"]["ghost"] == alone
    assert same_states(worlds["more"], worlds["none"])
    assert not same_states(worlds["more"], worlds["small"])
    with pytest.raises(InputError, match="other states"):
        Evaluator(policy.world).evaluate(UNIFORM, [worlds["small"]])


def test_the_usual_levels_of_oversight():
    world = DiamondGhostWorld(oversight=0.3, oversight_ghost=0.1, label_noise=0.2)
    levels = oversight_levels(world)
    assert list(levels) == ["unwatched", "training", "watched"]
    assert levels["training"] is world
    assert levels["watched"] == DiamondGhostWorld(oversight=1.0, label_noise=0.2)


def test_a_large_world_is_sampled_and_says_so():
    world = DiamondGhostWorld(rows=9, cols=9)
    found = evaluate(UNIFORM, world=world, episodes=500)
    assert not found.exact
    assert found.episodes == 500
    with pytest.raises(InputError, match="too many states"):
        evaluate(UNIFORM, world=world, exact=True)
    spurious = DiamondGhostWorld(spurious_oversight=0.1)
    assert not evaluate(UNIFORM, world=spurious, episodes=500).exact


def test_every_sampled_episode_ends_within_the_limit():
    world = DiamondGhostWorld(max_steps=5)
    sample = sample_episodes(UNIFORM, world, 500)
    lengths, outcomes = sample.lengths, sample.outcomes
    assert lengths.min() >= 1
    assert lengths.max() == 5
    assert outcomes.max() == world.outcomes.timeout
    assert (lengths[outcomes == world.outcomes.timeout] == 5).all()


def test_an_evaluation_survives_json():
    exact = evaluate(random_policy().steer({"diamond": 0.25, "ghost": 0.75}))
    sampled = evaluate(random_policy(), exact=False, episodes=50)
    for evaluation in (exact, sampled):
        assert Evaluation.from_json(evaluation.to_json()) == evaluation


def test_impossible_requests_are_refused():
    with pytest.raises(InputError, match="from 0 to 1"):
        evaluate(random_policy(), oversight=2.0)
    with pytest.raises(InputError, match="at least 2"):
        evaluate(random_policy(), exact=False, episodes=1)
    with pytest.raises(InputError, match="Give one"):
        evaluate(UNIFORM)


def test_state_values_average_to_the_evaluation():
    policy = random_policy()
    world = dataclasses.replace(DiamondGhostWorld(), oversight=0.3)
    values = Evaluator(world).state_values(policy)
    means = world.start_probabilities() @ values
    found = evaluate(policy, 0.3)
    assert means.tolist() == pytest.approx(
        [
            found.diamond_rate,
            found.ghost_rate,
            found.episode_return,
            found.mean_length,
            found.labels["diamond"],
            found.labels["ghost"],
        ]
    )
