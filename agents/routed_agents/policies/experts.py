"""A policy with some of its experts: what the others learned is not in it."""

from __future__ import annotations

import copy
import dataclasses
import math
from collections.abc import Sequence

import torch
from torch import nn

from routed_agents.policies.networks import PlaneNetwork, RoutedPolicyNetwork, without_storage
from routed_agents.policies.steering import Steering, steering_weights
from routed_envs.errors import InputError, unknown_name


def keep_experts(
    network: RoutedPolicyNetwork, names: Sequence[str], keep_gate: bool = True
) -> RoutedPolicyNetwork:
    """A smaller network that holds only some experts, with weights of its own.

    The gate weighs the experts that stay as it did before, relative to each other. That is exact:
    its logits are differences to the last expert's, so those of any subset are differences of rows
    of its last layer. One expert needs no gate.

    Args:
        network: Stays as it is.
        names: The experts to keep, in any order; the network's order stays.
        keep_gate: Leave out the gate's weights if False; it then weighs every expert the same.

    Raises:
        InputError: No name, a repeated one, or one that is no expert.
    """
    kept = checked_experts(names, network.settings.experts)
    gate = network.settings.gate if keep_gate or network.settings.gate == "none" else "even"
    settings = dataclasses.replace(
        network.settings, experts=kept, gate="none" if len(kept) == 1 else gate
    )
    with without_storage():
        smaller = RoutedPolicyNetwork(settings)
    for name in kept:
        smaller.experts[name] = copy.deepcopy(network.experts[name])
    smaller.head = copy.deepcopy(network.head)
    smaller.gate = None if smaller.gate is None else _restricted_gate(network, kept)
    return smaller.train(network.training)


def checked_experts(names: Sequence[str], experts: Sequence[str]) -> tuple[str, ...]:
    """The named experts, in the order of all experts.

    Raises:
        InputError: No name, a repeated one, or one that is no expert.
    """
    for name in names:
        if name not in experts:
            raise unknown_name("expert", name, experts)
    if not names or len(set(names)) < len(names):
        raise InputError(
            f"experts={tuple(names)!r}: name at least one of {', '.join(experts)}, each once."
        )
    return tuple(name for name in experts if name in names)


def _restricted_gate(network: RoutedPolicyNetwork, kept: Sequence[str]) -> PlaneNetwork:
    """The gate with one logit for each expert that stays but the last, whose own becomes 0."""
    gate = copy.deepcopy(network.gate)
    assert isinstance(gate, PlaneNetwork), "the only gate with weights"
    before = gate.layers[-1]
    assert isinstance(before, nn.Linear), "a gate ends in a linear layer"
    rows = [network.settings.experts.index(name) for name in kept]
    after = nn.utils.skip_init(nn.Linear, before.in_features, len(kept) - 1)
    with torch.no_grad():
        for name in ("weight", "bias"):
            after.get_parameter(name).copy_(gate_rows(before.get_parameter(name), rows))
    gate.layers[-1] = after.to(before.weight.device)
    return gate


def gate_rows(last: torch.Tensor, kept: Sequence[int]) -> torch.Tensor:
    """What a gate's last layer is among some of its experts.

    Args:
        last: [K - 1, ...], its weight or bias; the last expert's logit is 0.
        kept: Of the K experts, those that stay, in their order.

    Returns:
        [len(kept) - 1, ...].
    """
    every = torch.cat((last, torch.zeros_like(last[:1])))[list(kept)]
    return every[:-1] - every[-1:]


def restricted_steering(
    steering: Steering, experts: Sequence[str], kept: Sequence[str]
) -> Steering:
    """A steering among all experts as one among those that are kept, weights in proportion.

    Returns:
        None if one expert stays, or if none that stays has a weight.
    """
    weights = steering_weights(steering, experts)
    if weights is None or len(kept) == 1:
        return None
    own = {n: w for n, w in zip(experts, weights, strict=True) if n in kept and w > 0}
    if len(own) < 2:
        return next(iter(own), None)
    total = math.fsum(own.values())
    return {name: weight / total for name, weight in own.items()}
