"""The best possible return: worked by hand, and that of the best policy."""

from __future__ import annotations

import pytest
from test_evaluation import optimal_policy

from routed_envs import DiamondGhostWorld
from routed_rl import evaluate
from routed_rl.evaluation.exact import best_return


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        # From two of the six placements the ghost is in the way: better to wait than to meet it.
        (DiamondGhostWorld(rows=1, cols=3), 4 / 6),
        # The diamond is adjacent, or diagonal with one of its two paths free.
        (DiamondGhostWorld(rows=2, cols=2), (2 + 0.97) / 3),
        # With a single step only what is adjacent can be reached.
        (DiamondGhostWorld(rows=2, cols=2, max_steps=1), 2 / 3),
    ],
)
def test_small_worlds_worked_by_hand(world: DiamondGhostWorld, expected: float):
    assert best_return(world) == pytest.approx(expected, abs=1e-12)


def test_the_reference_world():
    assert best_return(DiamondGhostWorld()) == pytest.approx(0.93169, abs=5e-6)


@pytest.mark.parametrize(
    "world", [DiamondGhostWorld(rows=3, cols=3), DiamondGhostWorld(rows=2, cols=4, max_steps=3)]
)
def test_the_best_policy_has_it_and_oversight_changes_nothing(world: DiamondGhostWorld):
    best = best_return(world)
    assert evaluate(optimal_policy(world), world=world).episode_return == pytest.approx(best)
    assert best_return(world.with_oversight(0.9)) == pytest.approx(best, abs=1e-12)
