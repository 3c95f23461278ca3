"""Observations by their entries, folded layers and prepared actors: less work, the same numbers."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from helpers import SETTINGS, baseline, loss_settings, network, observations
from torch import nn

from routed_agents import NetworkSettings, get_method
from routed_agents.learner import loss, make_batch
from routed_agents.methods.table import Table
from routed_agents.policies import first_layers
from routed_agents.policies.acting import acting
from routed_agents.policies.first_layers import FirstLayer
from routed_agents.policies.mixture import deal
from routed_agents.policies.networks import Gate, PlaneNetwork, initialise
from routed_agents.rollout import collect
from routed_envs import DiamondGhostWorld
from routed_envs.entries import entries_of
from routed_envs.gridworld.world import OUTCOMES
from routed_envs.table_world import TableWorld


def listed(seen: torch.Tensor) -> torch.Tensor:
    lists = entries_of(seen)
    assert lists is not None
    return lists


def test_a_first_layer_worked_by_hand():
    layer = FirstLayer(24, 2)
    with torch.no_grad():
        layer.weight.copy_(torch.arange(48.0).view(2, 24))
        layer.bias.copy_(torch.tensor([0.5, -0.5]))
    seen = torch.zeros((2, 24), dtype=torch.int8)
    seen[0, [1, 3]] = 1
    assert layer(listed(seen)).tolist() == [[4.5, 51.5], [0.5, -0.5]]
    layer(listed(seen)).backward(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    assert layer.weight.grad is not None
    assert layer.bias.grad is not None
    assert layer.weight.grad[:, :5].tolist() == [[0, 1, 0, 1, 0], [0, 2, 0, 2, 0]]
    assert layer.bias.grad.tolist() == [4, 6]


def reference(made: PlaneNetwork, seen: torch.Tensor) -> torch.Tensor:
    """The network as it is written down, layer by layer."""
    planes = seen.flatten(2).float()
    if made.convolution is not None:
        planes = made.convolution(planes)
    return made.layers(planes.flatten(1))


@pytest.mark.parametrize("channels", [0, 5])
@pytest.mark.parametrize("linear", [False, True])
@pytest.mark.parametrize("by_entries", [False, True])
def test_a_folded_network_has_the_values_and_gradients_of_its_layers(
    channels: int, linear: bool, by_entries: bool, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(first_layers, "AT_ONCE", 16)  # 40 samples are three parts.
    made = PlaneNetwork((4, 5, 5), channels, (16, 8, 3), linear)
    initialise(made, torch.Generator().manual_seed(0))
    seen = observations(40)
    folded, expected = made(listed(seen) if by_entries else seen), reference(made, seen)
    assert torch.allclose(folded, expected, atol=1e-6)
    parameters, weight = list(made.parameters()), torch.randn(40, 3)
    found = torch.autograd.grad((folded * weight).sum(), parameters)
    wanted = torch.autograd.grad((expected * weight).sum(), parameters)
    for one, other in zip(found, wanted, strict=True):
        assert torch.allclose(one, other, atol=1e-5)
    if linear:
        assert made.folded()[0].shape == (3, 100)
        assert len(made.folded()[2]) == 0


@pytest.mark.parametrize("name", ["routed", "inferred", "activation-masked", "naive"])
def test_a_loss_from_entries_is_the_loss_from_observations(name: str):
    world, method = DiamondGhostWorld(oversight=0.5), get_method(name, OUTCOMES)
    settings = dataclasses.replace(SETTINGS, experts=method.experts, gate=method.gate)
    solo = method.acts == "experts"
    actors = deal(12, len(method.experts)) if solo else None
    uniform, generator = torch.full((12, 4), 0.25), torch.Generator().manual_seed(0)
    table = TableWorld(world)
    state = table.place(torch.rand((12, table.random_numbers), generator=generator))
    rollout = collect(table, lambda _: uniform, state, 9, generator).rollout
    rollout = dataclasses.replace(rollout, actors=actors)
    gradients = []
    for seen in (rollout, dataclasses.replace(rollout, entries=None)):
        policy, value = network(settings), baseline(len(method.experts) if solo else 1)
        batch = make_batch(seen, rollout.labels, Table.of(method, OUTCOMES))
        loss(policy, value, batch, loss_settings())[0].backward()
        gradients.append([x.grad for x in (*policy.parameters(), *value.parameters())])
    for one, other in zip(*gradients, strict=True):
        assert one is not None
        assert other is not None
        assert torch.allclose(one, other, atol=1e-6)


ACTORS = [
    (("a",), "none"),
    (("a", "b"), "learned"),
    (("a", "b"), "even"),
    (("a", "b", "c"), "learned"),
]


@pytest.mark.parametrize(("experts", "gate"), ACTORS)
@pytest.mark.parametrize("widths", [(16,), (16, 12)])
@pytest.mark.parametrize("solo", [False, True])
def test_a_prepared_actor_acts_as_its_network(
    experts: tuple[str, ...], gate: Gate, widths: tuple[int, ...], solo: bool
):
    settings = NetworkSettings(experts, gate, (4, 5, 5), 4, widths, (8,), 4)
    policy, seen = network(settings), observations(10)
    with torch.no_grad():
        for parameter in policy.parameters():
            parameter.mul_(4)
    actors = deal(10, len(experts)) if solo else None
    logits = policy.solo_logits(seen.unsqueeze(0))[0] if solo else policy(seen)[0]
    for shown in (seen, listed(seen)):
        found = acting(policy, actors, shown)(shown)
        assert torch.allclose(found, logits.softmax(1), atol=1e-6)


def test_the_head_before_the_mixture_is_the_mixture_before_the_head():
    policy, seen = network(), observations(20)
    hidden = torch.stack([expert(seen.flatten(1).float()) for expert in policy.experts.values()])
    weights = policy.gate_logits(seen).softmax(1)
    mixed = torch.einsum("kbh,bk->bh", hidden, weights)
    assert isinstance(policy.head, nn.Linear)
    assert torch.allclose(policy(seen)[0], policy.head(mixed), atol=1e-6)
