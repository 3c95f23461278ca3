"""The routed policy: who learns from which label, and how experts mix."""

from __future__ import annotations

import pytest
import torch
from helpers import (
    SETTINGS,
    baseline,
    expert_logits,
    loss_settings,
    network,
    observations,
    rollout_ending_as,
)
from torch import nn

from routed_agents import ExpertRoutes, NetworkSettings, RoutedPolicyNetwork, get_method
from routed_agents.learner import loss, make_batch
from routed_agents.methods.table import Table
from routed_agents.policies.mixture import Mixture
from routed_agents.policies.networks import initialise
from routed_envs import InputError
from routed_envs.gridworld.world import OUTCOMES


def gradients(label: str, method: str = "routed", gate: float = 1.0) -> dict[str, float]:
    """The largest gradient in each part of the network after episodes with one label."""
    table = Table.of(get_method(method, OUTCOMES), OUTCOMES)
    rollout = rollout_ending_as(label)
    policy, value = network(), baseline()
    batch = make_batch(rollout, rollout.labels, table)
    total, _ = loss(policy, value, batch, loss_settings(gate_coefficient=gate))
    total.backward()
    assert policy.gate is not None
    parts = {
        "diamond": policy.experts["diamond"],
        "ghost": policy.experts["ghost"],
        "gate": policy.gate,
        "head": policy.head,
        "value": value,
    }
    return {
        name: max(0.0 if p.grad is None else float(p.grad.abs().max()) for p in part.parameters())
        for name, part in parts.items()
    }


@pytest.mark.parametrize(
    ("label", "open_parts"),
    [
        ("diamond", {"diamond", "head", "value"}),
        ("ghost", {"ghost", "head", "value"}),
        ("timeout", {"diamond", "ghost", "gate", "head", "value"}),
        ("unknown", {"diamond", "ghost", "gate", "head", "value"}),
        ("unfinished", {"diamond", "ghost", "gate", "head", "value"}),
    ],
)
def test_each_label_teaches_exactly_the_parts_that_its_row_opens(label: str, open_parts: set[str]):
    """Without the gate's own term, so that its gradient is the policy's."""
    found = gradients(label, gate=0.0)
    assert {name for name, largest in found.items() if largest > 0} == open_parts


@pytest.mark.parametrize("label", ["diamond", "ghost"])
def test_an_overseen_episode_teaches_the_gate_its_expert(label: str):
    """The sign: one step down the gradient raises the weight of the label's expert."""
    table = Table.of(get_method("routed", OUTCOMES), OUTCOMES)
    rollout, policy = rollout_ending_as(label), network()
    optimizer = torch.optim.SGD(policy.parameters(), lr=0.1)
    seen = rollout.observations[:-1].flatten(0, 1)
    before = policy.gate_logits(seen).softmax(1).detach()
    total, _ = loss(
        policy,
        baseline(),
        make_batch(rollout, rollout.labels, table),
        loss_settings(gate_coefficient=1.0),
    )
    total.backward()
    optimizer.step()
    rise = policy.gate_logits(seen).softmax(1) - before
    assert (rise[:, OUTCOMES.labels.index(label)].mean() > 0).item()


def test_partial_weights_scale_each_samples_gradient_by_hand():
    """One sample an expert: its gradient is the weight times that of an open path."""
    seen = observations(1)

    def gradient(weight: float) -> torch.Tensor:
        policy = network()
        routes = ExpertRoutes(torch.tensor([[weight, 1.0]]), torch.ones(1))
        policy(seen, routes)[0].sum().backward()
        weights = policy.experts["diamond"].get_parameter("0.weight")
        assert weights.grad is not None
        return weights.grad

    full = gradient(1.0)
    assert full.abs().max() > 0
    for weight in (0.0, 0.25, 0.5):
        assert torch.equal(gradient(weight), weight * full)


def test_forward_does_not_depend_on_the_routes():
    policy, seen = network(), observations(32)
    closed = ExpertRoutes(torch.zeros(32, 2), torch.zeros(32))
    assert torch.equal(policy(seen)[0], policy(seen, closed)[0])


def test_two_experts_are_weighed_by_a_sigmoid():
    policy, seen = network(), observations(16)
    logits = policy.gate_logits(seen)
    assert torch.equal(logits[:, 1], torch.zeros(16))
    assert torch.allclose(logits.softmax(1)[:, 0], logits[:, 0].sigmoid(), atol=1e-7)


def test_logits_of_a_mixture_are_the_mixture_of_the_experts_logits():
    policy, seen = network(), observations(16)
    experts = expert_logits(policy, seen)
    steered = policy.steered_logits(seen, (0.3, 0.7))
    assert torch.allclose(steered, 0.3 * experts[:, 0] + 0.7 * experts[:, 1], atol=1e-6)
    alone = policy.steered_logits(seen, (0.0, 1.0))
    assert torch.allclose(alone, experts[:, 1], atol=1e-6)
    gate = policy.gate_logits(seen).softmax(1)
    mixture = (gate.unsqueeze(2) * experts).sum(1)
    assert torch.allclose(policy(seen)[0], mixture, atol=1e-6)


def test_a_head_without_a_bias_mixes_as_well():
    experts = {"a": nn.Linear(3, 4), "b": nn.Linear(3, 4)}
    mixture, seen = Mixture(experts, None, nn.Linear(4, 2, bias=False)), torch.ones(5, 3)
    each = mixture.each_logits(seen)
    assert torch.allclose(mixture(seen)[0], each.mean(1))
    assert torch.allclose(mixture.steered_logits(seen, (0.0, 1.0)), each[:, 1])


def test_k_experts_have_k_minus_one_gate_logits():
    settings = NetworkSettings(("a", "b", "c"), "learned", (4, 5, 5), 4, (8,), (8,))
    logits = network(settings).gate_logits(observations(5))
    assert logits.shape == (5, 3)
    assert torch.equal(logits[:, 2], torch.zeros(5))


def test_an_even_gate_weighs_every_expert_the_same():
    even = network(NetworkSettings(("a", "b"), "even", (4, 5, 5), 4, (8,)))
    seen = observations(5)
    assert torch.allclose(even(seen)[0], expert_logits(even, seen).mean(1), atol=1e-6)


def test_a_factor_of_zero_on_an_activation_takes_the_expert_out_of_the_forward_pass():
    policy, seen = network(), observations(8)
    ones, off = torch.ones(8, 2), torch.tensor([1.0, 0.0]).expand(8, 2)
    masked, _ = policy(seen, ExpertRoutes(ones, torch.ones(8), off))
    weight = policy.gate_logits(seen).softmax(1)[:, :1]
    hidden = policy.experts["diamond"](seen.flatten(1).float())
    assert torch.allclose(masked, policy.head(weight * hidden), atol=1e-6)


def test_the_default_sizes_are_the_references():
    made = RoutedPolicyNetwork(NetworkSettings(("diamond", "ghost"), "learned", (4, 5, 5), 4))
    shapes = [tuple(p.shape) for name, p in made.named_parameters() if name.endswith("weight")]
    expert = [(256, 100), (256, 256)]
    gate = [(4, 4, 1), (256, 100), (256, 256), (1, 256)]
    assert shapes == [*expert, *expert, *gate, (4, 256)]


def test_initial_weights_follow_the_seed_and_no_global_generator():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    with torch.device("meta"):
        made = RoutedPolicyNetwork(SETTINGS)
    initialise(made.to_empty(device="cpu"), torch.Generator().manual_seed(3))
    assert torch.equal(torch.get_rng_state(), before)
    again = network(seed=3)
    for one, other in zip(made.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, other)
    assert all(not p.any() for name, p in made.named_parameters() if name.endswith("bias"))
    bound = 1 / 10  # PyTorch's layers draw from +-1 / sqrt(inputs), here 100.
    first = made.experts["diamond"].get_parameter("0.weight")
    assert 0.95 * bound < float(first.detach().abs().max()) <= bound


@pytest.mark.parametrize(
    ("experts", "gate", "widths"),
    [((), "learned", (8,)), (("a", "a"), "even", (8,)), (("a",), "learned", (8,)),
     (("a", "b"), "none", (8,)), (("a", "b"), "even", ()), (("a", "b"), "even", (0,))],
)  # fmt: skip
def test_impossible_networks_are_refused(experts, gate, widths):
    with pytest.raises(InputError):
        NetworkSettings(experts, gate, (4, 5, 5), 4, widths)


def test_settings_survive_json():
    assert NetworkSettings.from_json(SETTINGS.to_json()) == SETTINGS
