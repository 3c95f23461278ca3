"""From a method's table to gradients: parity with separate passes, and no NaN anywhere."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from helpers import baseline, loss_settings, network, random_states, rollout_ending_as

from routed_agents import METHODS, ExpertRoutes, Method, NetworkSettings, Row, get_method
from routed_agents.learner import loss, make_batch
from routed_agents.methods.relabelling import method_labels, told_labels
from routed_agents.methods.table import Table
from routed_agents.rollout import Collected, Rollout, collect, sample_actions, spread_labels
from routed_envs import DiamondGhostWorld, InputError, Outcomes
from routed_envs.gridworld.world import OUTCOMES

WORLD = DiamondGhostWorld(oversight=0.5)


def collected(world: DiamondGhostWorld = WORLD, steps: int = 12, count: int = 40) -> Collected:
    """A rollout of a random policy."""
    state = random_states(world, count)
    uniform = torch.full((count, 4), 0.25)
    generator = torch.Generator().manual_seed(7)
    return collect(world, lambda _: uniform, state, steps, generator)


def test_one_pass_with_masks_equals_separate_passes_for_each_route():
    rollout = collected(DiamondGhostWorld(oversight=0.5, max_steps=8)).rollout
    table = Table.of(get_method("routed", OUTCOMES), OUTCOMES)
    batch = make_batch(rollout, rollout.labels, table)
    labels = spread_labels(rollout.labels, rollout.ended, OUTCOMES.unfinished).flatten()
    settings = loss_settings(gate_coefficient=0.0, value_coefficient=0.0)
    together = network()
    loss(together, baseline(), batch, settings)[0].backward()

    apart = network()
    for label in range(len(OUTCOMES.labels)):
        # A pass over the samples with this label alone, its closed parts frozen.
        mine = (labels == label).float()
        everything_open = dataclasses.replace(
            batch.lesson,
            weights=mine,
            routes=ExpertRoutes(torch.ones(len(mine), 2), torch.ones(len(mine))),
        )
        own = dataclasses.replace(batch, lesson=everything_open)
        closed = {0: ("experts.ghost", "gate"), 1: ("experts.diamond", "gate")}.get(label, ())
        for name, parameter in apart.named_parameters():
            parameter.requires_grad_(not name.startswith(tuple(closed)) if closed else True)
        loss(apart, baseline(), own, settings)[0].backward()
    for (name, one), other in zip(together.named_parameters(), apart.parameters(), strict=True):
        assert one.grad is not None
        assert other.grad is not None
        assert torch.allclose(one.grad, other.grad, atol=1e-6), name
    assert len(labels.unique()) == 5, "every route was exercised"


def test_labels_spread_back_over_their_own_episode():
    labels = torch.tensor([[9, 9], [0, 9], [9, 9], [9, 3], [9, 9]])
    ended = torch.tensor([[0, 0], [1, 0], [0, 0], [0, 1], [0, 0]]).bool()
    spread = spread_labels(labels, ended, unfinished=4)
    assert spread.t().tolist() == [[0, 0, 4, 4, 4], [3, 3, 3, 3, 4]]


def test_rewards_are_replaced_only_where_an_episode_with_that_label_ends():
    rollout = rollout_ending_as("ghost", steps=3, count=2)
    table = Table.of(get_method("naive", OUTCOMES), OUTCOMES)
    rewards = make_batch(rollout, rollout.labels, table).rewards
    assert rewards.tolist() == [[0.0, 0.0], [0.0, 0.0], [-1.0, -1.0]]
    kept = rollout_ending_as("unknown", steps=3, count=2)
    assert make_batch(kept, kept.labels, table).rewards[-1].tolist() == [1.0, 1.0]


def test_a_rollout_chains_frames_and_never_acts_on_a_finished_episode():
    """After an end, the next action is chosen from the next episode's first frame."""
    world = DiamondGhostWorld(rows=1, cols=4, oversight=0.5)
    seen: list[torch.Tensor] = []
    state = random_states(world, 16)

    def act(observations: torch.Tensor) -> torch.Tensor:
        seen.append(observations)
        return torch.full((16, 4), 0.25)

    made = collect(world, act, state, 20, torch.Generator().manual_seed(0))
    rollout = made.rollout
    assert torch.equal(torch.stack(seen), rollout.observations[:-1])
    assert torch.equal(rollout.observations[-1], world.observe(made.state))
    agent, ghost, diamond = rollout.observations[:, :, :3].flatten(3).argmax(3).unbind(2)
    assert (agent != ghost).all()
    assert (agent != diamond).all()
    moved = (agent[1:] - agent[:-1]).abs() <= 1
    assert (moved | rollout.ended).all()
    same_targets = (ghost[1:] == ghost[:-1]) & (diamond[1:] == diamond[:-1])
    assert (same_targets | rollout.ended).all()
    assert not same_targets[rollout.ended].all()


def test_actions_are_sampled_with_their_probabilities():
    probabilities = torch.tensor([[0.1, 0.2, 0.3, 0.4]])
    uniform = torch.tensor([0.0, 0.0999, 0.1001, 0.2999, 0.3001, 0.6001, 0.99999994])
    actions = sample_actions(probabilities.expand(7, 4), uniform)
    assert actions.tolist() == [0, 0, 1, 1, 2, 3, 3]


def test_an_action_that_is_impossible_is_never_sampled():
    sampled = sample_actions(torch.tensor([[0.0, 1.0, 0.0, 0.0]]).expand(1, 4), torch.zeros(1))
    assert sampled.tolist() == [1]


@pytest.mark.parametrize("label", OUTCOMES.labels)
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("normalise", [False, True])
def test_nothing_turns_nan_when_only_one_label_occurs(label: str, method: str, normalise: bool):
    made = get_method(method, OUTCOMES)
    settings = NetworkSettings(made.experts, made.gate, (4, 5, 5), 4, (8,), (8,))
    policy, value = network(settings), baseline()
    rollout = rollout_ending_as(label, steps=2, count=8)
    batch = make_batch(rollout, rollout.labels, Table.of(made, OUTCOMES))
    total, terms = loss(policy, value, batch, loss_settings(normalise_advantages=normalise))
    total.backward()
    assert all(term.isfinite() for term in terms.values())
    assert all(p.grad is None or p.grad.isfinite().all() for p in policy.parameters())


def test_a_batch_without_any_weight_moves_nothing_and_is_finite():
    ignored = Row(experts=(1.0,), weight=0.0)
    method = Method("ignore", "", ("policy",), "none", dict.fromkeys(OUTCOMES.labels, ignored))
    policy = network(NetworkSettings(("policy",), "none", (4, 5, 5), 4, (8,)))
    rollout = collected().rollout
    batch = make_batch(rollout, rollout.labels, Table.of(method, OUTCOMES))
    total, _ = loss(policy, baseline(), batch, loss_settings(normalise_advantages=True))
    total.backward()
    assert total.item() == 0.0
    assert all(p.grad is None or not p.grad.any() for p in policy.parameters())


def test_overseen_episodes_can_count_more():
    table = Table.of(get_method("routed", OUTCOMES), OUTCOMES, overseen_weight=4.0)
    assert dict(zip(OUTCOMES.labels, table.weight.tolist(), strict=True)) == {
        "diamond": 4.0,
        "ghost": 4.0,
        "timeout": 1.0,
        "unknown": 1.0,
        "unfinished": 1.0,
    }


def test_an_offset_of_the_advantages_changes_only_where_it_is_routed():
    """By hand: the offset adds -offset x log-probability of the action to the mean."""
    rollout, value = rollout_ending_as("unknown"), baseline()
    batch = make_batch(rollout, rollout.labels, Table.of(get_method("routed", OUTCOMES), OUTCOMES))
    policy = network()
    plain, shifted = (
        loss(policy, value, batch, loss_settings(advantage_offset=offset))[1]["policy_loss"]
        for offset in (0.0, 2.0)
    )
    seen = rollout.observations[:-1].flatten(0, 1)
    taken = policy(seen)[0].log_softmax(1).gather(1, rollout.actions.view(-1, 1)).mean()
    assert (shifted - plain).item() == pytest.approx(-2 * taken.item(), abs=1e-5)


def test_labels_come_from_where_the_method_says():
    made, generator = collected(), torch.Generator()

    def learned(method: Method, memory: dict) -> tuple[torch.Tensor, dict]:
        told = told_labels(method, made.rollout.labels, made.hidden_outcomes)
        return method_labels(method, told, lambda: made.rollout, memory, generator)

    routed = get_method("routed", OUTCOMES)
    assert learned(routed, {})[0] is made.rollout.labels
    oracle = dataclasses.replace(routed, relabel="truth")
    assert learned(oracle, {})[0] is made.hidden_outcomes

    def count_calls(rollout: Rollout, memory: dict, _: torch.Generator):
        return rollout.labels.flip(0), {"calls": memory.get("calls", torch.tensor(0)) + 1}

    own = dataclasses.replace(routed, relabel=count_calls)
    labels, memory = learned(own, {})
    assert torch.equal(labels, made.rollout.labels.flip(0))
    _, memory = learned(own, memory)
    assert memory["calls"].item() == 2


def test_methods_are_checked_at_birth():
    with pytest.raises(InputError, match="2 values for 1 experts"):
        Method("m", "", ("a",), "none", {"timeout": Row(experts=(1.0, 1.0))})
    with pytest.raises(InputError, match="from 0 to 1"):
        Method("m", "", ("a",), "none", {"timeout": Row(experts=(1.5,))})
    with pytest.raises(InputError, match="none of the experts"):
        Method("m", "", ("a",), "none", {"timeout": Row(experts=(1.0,), target="b")})
    with pytest.raises(InputError, match="at least 0"):
        Method("m", "", ("a",), "none", {"timeout": Row(experts=(1.0,), weight=-1.0)})
    with pytest.raises(InputError, match="one row for each label"):
        Table.of(Method("m", "", ("a",), "none", {"timeout": Row(experts=(1.0,))}), OUTCOMES)


def test_no_two_methods_are_equal_and_an_unknown_one_names_the_nearest():
    values = [get_method(name, OUTCOMES) for name in METHODS]
    assert all(a != b for i, a in enumerate(values) for b in values[i + 1 :])
    assert [value.name for value in values] == list(METHODS)
    with pytest.raises(InputError, match="Did you mean 'routed'"):
        get_method("ruoted", OUTCOMES)


def test_a_method_takes_at_least_one_update():
    method = dataclasses.replace(get_method("naive", OUTCOMES), updates=lambda oversight: oversight)
    assert method.budget(1000, 0.1) == 100
    assert method.budget(10, 0.0) == 1


def test_three_outcomes_need_no_new_code():
    outcomes = Outcomes(("gold", "silver", "trap"), good=("gold", "silver"))
    method = get_method("routed", outcomes)
    assert method.experts == ("gold", "silver", "trap")
    assert method.rows["silver"].experts == (0.0, 1.0, 0.0)
    assert method.deploy == {"gold": 0.5, "silver": 0.5, "trap": 0.0}
    assert get_method("naive", outcomes).rows["trap"].reward == -1.0
    assert Table.of(method, outcomes).experts.shape == (6, 3)
