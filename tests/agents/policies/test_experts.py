"""A policy with some of its experts: what stays acts as before, what goes leaves nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from helpers import expert_logits, network, observations

from routed_agents import NetworkSettings, Policy
from routed_agents.policies.experts import restricted_steering
from routed_agents.policies.networks import Gate
from routed_envs import DiamondGhostWorld, InputError
from routed_rl import load_policy, save_policy

FOUR = ("diamond", "coin", "ghost", "pit")
SEEN = observations(12)


def policy_of(
    experts: tuple[str, ...] = FOUR, gate: Gate = "learned", steering=None, deploy="diamond"
):
    made = network(NetworkSettings(experts, gate, (4, 5, 5), 4, (16,), (8,), 2))
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(3)))
    return Policy(made, DiamondGhostWorld(), deploy, steering)


def test_one_expert_acts_as_the_steered_policy_and_holds_nothing_else():
    policy = policy_of()
    alone = policy.with_experts("ghost")
    assert alone.experts == ("ghost",)
    assert alone.network.settings.gate == "none"
    assert sorted(alone.network.state_dict()) == [
        "experts.ghost.0.bias",
        "experts.ghost.0.weight",
        "head.bias",
        "head.weight",
    ]
    expected = policy.steer("ghost").action_probabilities(SEEN)
    assert torch.allclose(alone.action_probabilities(SEEN), expected, atol=1e-6)


@pytest.mark.parametrize("kept", [("diamond", "coin"), ("coin", "pit"), ("ghost", "coin", "pit")])
def test_several_experts_keep_their_proportions(kept: tuple[str, ...]):
    policy = policy_of()
    smaller = policy.with_experts(*kept)
    order = [name for name in FOUR if name in kept]
    assert smaller.experts == tuple(order)
    before = policy.gate_weights(SEEN)[:, [FOUR.index(name) for name in order]]
    weights = before / before.sum(1, keepdim=True)
    assert torch.allclose(smaller.gate_weights(SEEN), weights, atol=1e-6)
    logits = expert_logits(policy.network, SEEN)[:, [FOUR.index(name) for name in order]]
    mixed = (weights.unsqueeze(2) * logits).sum(1).softmax(1)
    assert torch.allclose(smaller.action_probabilities(SEEN), mixed, atol=1e-5)
    assert smaller.network.gate_logits(SEEN)[:, -1].eq(0).all()


def test_all_experts_are_the_same_policy_with_weights_of_its_own():
    policy = policy_of()
    whole = policy.with_experts(*reversed(FOUR))
    assert torch.allclose(
        whole.action_probabilities(SEEN), policy.action_probabilities(SEEN), atol=1e-6
    )
    before = whole.action_probabilities(SEEN)
    with torch.no_grad():
        for parameter in policy.network.parameters():
            parameter.zero_()
    assert torch.equal(whole.action_probabilities(SEEN), before)


def test_an_even_gate_stays_even():
    smaller = policy_of(gate="even").with_experts("coin", "pit")
    assert smaller.network.settings.gate == "even"
    assert smaller.gate_weights(SEEN).eq(0.5).all()


def test_no_random_number_is_drawn():
    policy = policy_of()
    before = torch.get_rng_state()
    policy.with_experts("coin", "pit")
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    ("steering", "kept", "expected"),
    [
        (None, ("coin", "pit"), None),
        ("diamond", ("diamond", "coin"), "diamond"),
        ("ghost", ("diamond", "coin"), None),
        ("diamond", ("diamond",), None),
        ({"diamond": 0.5, "coin": 0.3, "pit": 0.2}, ("coin", "pit"), {"coin": 0.6, "pit": 0.4}),
        ({"diamond": 0.5, "coin": 0.5}, ("coin", "pit"), "coin"),
    ],
)
def test_a_steering_is_restricted_in_proportion(steering, kept, expected):
    assert restricted_steering(steering, FOUR, kept) == (
        pytest.approx(expected) if isinstance(expected, dict) else expected
    )


def test_the_policy_keeps_its_steering_and_its_deployment():
    policy = policy_of(steering={"diamond": 0.5, "coin": 0.5})
    smaller = policy.with_experts("diamond", "coin", "pit")
    assert (smaller.deploy, smaller.steering) == ("diamond", {"diamond": 0.5, "coin": 0.5})
    expected = policy.action_probabilities(SEEN)
    assert torch.allclose(smaller.action_probabilities(SEEN), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ((), "at least one of diamond, coin, ghost, pit"),
        (("coin", "coin"), "each once"),
        (("dimond",), "Did you mean 'diamond'"),
    ],
)
def test_experts_that_cannot_be_kept_are_refused(names: tuple[str, ...], message: str):
    with pytest.raises(InputError, match=message):
        policy_of().with_experts(*names)


@pytest.mark.parametrize("kept", [("diamond",), ("diamond", "ghost"), FOUR])
def test_its_file_is_that_of_any_policy(kept: tuple[str, ...], tmp_path: Path):
    smaller = policy_of().with_experts(*kept)
    steering = {"diamond": 0.7, "ghost": 0.3} if len(kept) > 1 else None
    smaller = smaller.steer(steering)
    save_policy(smaller, tmp_path / "policy.safetensors")
    loaded = load_policy(tmp_path / "policy.safetensors")
    assert (loaded.experts, loaded.steering) == (kept, steering)
    assert torch.equal(loaded.action_probabilities(SEEN), smaller.action_probabilities(SEEN))
