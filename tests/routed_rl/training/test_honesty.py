"""The learner has the overseer's view: design decision 1, for every method."""

from __future__ import annotations

import dataclasses
import statistics
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from helpers import tiny_with

from routed_agents import METHODS, Method, Policy, Row, get_method
from routed_envs import DiamondGhostWorld, Ending, GridState
from routed_envs.gridworld.world import OUTCOMES
from routed_rl import Experiment, evaluate

HONEST = [name for name in METHODS if get_method(name, OUTCOMES).relabel != "truth"]
LEARNING = {
    "environments": 128,
    "rollout_steps": 4,  # As many samples as 16 steps of 32 environments, in a third of the time.
    "learning_rate": 4e-3,
    "expert_widths": (48,),
    "gate_widths": (16,),
    "value_widths": (16,),
    "entropy_coefficient": 0.2,
}


def swap(codes: torch.Tensor, where: torch.Tensor) -> torch.Tensor:
    """Diamond for ghost and ghost for diamond, where asked."""
    return torch.where(where & (codes < 2), 1 - codes, codes)


@dataclass(frozen=True)
class FalseOutcomes(DiamondGhostWorld):
    """The same world, but the truth of every episode that was not overseen is the opposite."""

    def advance(self, state: GridState, actions: torch.Tensor) -> tuple[GridState, Ending]:
        after, ending = super().advance(state, actions)
        false = swap(ending.outcome, ending.label == OUTCOMES.unknown)
        return after, dataclasses.replace(ending, outcome=false)


@dataclass(frozen=True)
class SwappedLabels(DiamondGhostWorld):
    """The same world under an overseer who takes diamonds for ghosts."""

    def advance(self, state: GridState, actions: torch.Tensor) -> tuple[GridState, Ending]:
        after, ending = super().advance(state, actions)
        return after, dataclasses.replace(
            ending, label=swap(ending.label, torch.ones_like(ending.ended))
        )


@dataclass(frozen=True)
class LeakyOversight(DiamondGhostWorld):
    """The same world, but one in twenty of the labels that nobody gave gets through."""

    def advance(self, state: GridState, actions: torch.Tensor) -> tuple[GridState, Ending]:
        after, ending = super().advance(state, actions)
        chance = torch.rand(ending.label.shape, generator=LEAKS)
        leaks = (ending.label == OUTCOMES.unknown) & (chance < 0.05)
        return after, dataclasses.replace(
            ending, label=torch.where(leaks, ending.outcome, ending.label)
        )


LEAKS = torch.Generator()


@dataclass(frozen=True)
class RandomLabels(DiamondGhostWorld):
    """The same world under an overseer who tosses a coin."""

    def advance(self, state: GridState, actions: torch.Tensor) -> tuple[GridState, Ending]:
        after, ending = super().advance(state, actions)
        tossed = torch.rand(ending.label.shape, generator=LEAKS) < 0.5
        return after, dataclasses.replace(ending, label=swap(ending.label, tossed))


def train_in(world: DiamondGhostWorld, method: Method, updates: int, **changes: Any) -> Policy:
    """A trained policy, without a folder."""
    config = tiny_with(updates=updates, oversight=world.oversight, **changes)
    experiment = Experiment.of(config, world, method)
    state = experiment.start()
    for _ in range(updates):
        experiment.update(state)
    return experiment.policy(state)


def leaning(policy: Policy) -> float:
    """How much more often the deployed policy ends on the diamond than on the ghost."""
    found = evaluate(policy.steer(policy.deploy), 0.0)
    return found.diamond_rate - found.ghost_rate


@pytest.mark.parametrize("name", HONEST)
def test_hidden_outcomes_change_nothing_that_is_learned(name: str):
    method = get_method(name, OUTCOMES)
    policies = [
        train_in(world(oversight=0.3), method, 6) for world in (DiamondGhostWorld, FalseOutcomes)
    ]
    one, other = (policy.network.state_dict() for policy in policies)
    for key, weights in one.items():
        assert torch.equal(weights, other[key]), key


def oracle() -> Method:
    """The positive control: it learns from the truth, and says so."""
    rows = {label: Row(experts=(1.0,)) for label in OUTCOMES.labels}
    rows["ghost"] = Row(experts=(1.0,), reward=-1.0)
    return Method("truthful", "", ("policy",), "none", rows, relabel="truth")


def test_the_truth_does_change_what_an_oracle_learns():
    method = oracle()
    policies = [
        train_in(world(oversight=0.3), method, 6) for world in (DiamondGhostWorld, FalseOutcomes)
    ]
    one, other = (policy.network.head.weight for policy in policies)
    assert not torch.equal(one, other)


def mean_leaning(world: DiamondGhostWorld, method: Method) -> tuple[float, float]:
    """Where eight seeds lean on average, and three standard errors of it.

    Each seed leans somewhere; on average they lean nowhere, if nothing tells them where to.
    """
    seeds = [leaning(train_in(world, method, 100, seed=seed, **LEARNING)) for seed in range(8)]
    return statistics.mean(seeds), 3 * statistics.stdev(seeds) / 8**0.5


@pytest.mark.slow
@pytest.mark.parametrize("name", HONEST)
def test_without_oversight_a_method_stays_at_chance_on_average(name: str):
    world = DiamondGhostWorld(rows=3, cols=3, oversight=0.0)
    mean, bar = mean_leaning(world, get_method(name, OUTCOMES))
    assert abs(mean) < bar
    assert abs(mean) < 0.2


@pytest.mark.slow
@pytest.mark.parametrize("name", ["naive", "routed", "inferred"])
def test_the_bar_notices_one_label_in_twenty_that_leaks(name: str):
    LEAKS.manual_seed(0)
    world = LeakyOversight(rows=3, cols=3, oversight=0.0)
    mean, bar = mean_leaning(world, get_method(name, OUTCOMES))
    assert mean > bar


@pytest.mark.slow
def test_without_oversight_an_oracle_does_not_stay_at_chance():
    """The same bar would notice a leak: in as many updates the truth moves a policy far past it."""
    world = DiamondGhostWorld(rows=3, cols=3, oversight=0.0)
    # Without the constants that routing needs and an oracle does not.
    plain = LEARNING | {"advantage_offset": 0.0, "overseen_weight": 1.0}
    seeds = [leaning(train_in(world, oracle(), 100, seed=seed, **plain)) for seed in range(2)]
    assert min(seeds) > 0.3


@pytest.mark.slow
@pytest.mark.parametrize("name", ["inferred", "inferred-model-final"])
def test_of_labels_that_say_nothing_nothing_is_learned(name: str):
    LEAKS.manual_seed(0)
    world = RandomLabels(rows=3, cols=3, oversight=0.5)
    mean, bar = mean_leaning(world, get_method(name, OUTCOMES))
    assert abs(mean) < bar
    assert abs(mean) < 0.2


@pytest.mark.slow
@pytest.mark.parametrize("name", ["routed", "inferred", "inferred-model"])
def test_with_the_two_labels_swapped_the_experts_swap_roles(name: str):
    method = get_method(name, OUTCOMES)
    for world, sign in ((DiamondGhostWorld, 1), (SwappedLabels, -1)):
        policy = train_in(world(rows=3, cols=3, oversight=1.0), method, 150, **LEARNING)
        for expert, role in (("diamond", 1), ("ghost", -1)):
            found = evaluate(policy.steer(expert), 0.0)
            assert sign * role * (found.diamond_rate - found.ghost_rate) > 0.3
