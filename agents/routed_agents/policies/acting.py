"""A policy network that acts while its weights stay: each step takes few operations."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import nn
from torch.nn import functional

from routed_agents.policies.first_layers import rows
from routed_agents.policies.networks import PlaneNetwork, RoutedPolicyNetwork
from routed_envs.entries import is_listed

Act = Callable[[torch.Tensor], torch.Tensor]
"""From what a world shows of N environments to float [N, A]."""


def acting(network: RoutedPolicyNetwork, actors: torch.Tensor | None, shown: torch.Tensor) -> Act:
    """The probabilities of actions, until the network's weights change.

    Where a world shows entries, the first layers of all parts are rows of one table, which is made
    once, and a step begins with one sum of rows.

    Args:
        network: Acts without gradients.
        actors: int64 [N], the expert that acts in each environment; None if the mixture does.
        shown: What the world shows at first: whether observations in full or their entries.
    """
    with torch.inference_mode():
        logits = _logits(network, actors, is_listed(shown))

    @torch.inference_mode()
    def act(shown: torch.Tensor) -> torch.Tensor:
        return logits(shown).float().softmax(1)

    return act


def _logits(network: RoutedPolicyNetwork, actors: torch.Tensor | None, listed: bool) -> Act:
    if actors is None:
        return _mixed(network) if listed else lambda seen: network(seen)[0]
    if listed:
        return _solo(network, actors)
    return lambda seen: network.solo_logits(seen.unsqueeze(0))[0]


def _solo(network: RoutedPolicyNetwork, actors: torch.Tensor) -> Act:
    """Logits from entries, where the rows of each expert stand one below the other."""
    experts = [_linears(expert.children()) for expert in network.experts.values()]
    tables = [rows(first.weight, first.bias) for first, *_ in experts]
    table, offsets = torch.cat(tables), (actors * len(tables[0])).unsqueeze(1)
    shares = torch.bincount(actors, minlength=len(experts)).tolist()

    def logits(entries: torch.Tensor) -> torch.Tensor:
        hidden = functional.embedding_bag(entries + offsets, table, mode="sum")
        if len(experts[0]) > 1:
            parts = zip(experts, hidden.split(shares), strict=True)
            hidden = torch.cat([_on(part, deeper) for (_, *deeper), part in parts])
        return _on(hidden, [network.head])

    return logits


def _mixed(network: RoutedPolicyNetwork) -> Act:
    """Logits from entries, where the rows of each expert and of the gate stand side by side."""
    experts = [_linears(expert.children()) for expert in network.experts.values()]
    tables = [rows(first.weight, first.bias) for first, *_ in experts]
    deeper = [[*layers, network.head] for _, *layers in experts]
    if isinstance(network.gate, PlaneNetwork):
        weight, bias, rest = network.gate.folded()
        tables.append(rows(weight, bias))
        deeper.append(_linears(rest))
    widths, table = [part.shape[1] for part in tables], torch.cat(tables, 1)

    def logits(entries: torch.Tensor) -> torch.Tensor:
        hidden = functional.embedding_bag(entries, table, mode="sum").split(widths, 1)
        out = [_on(part, layers) for part, layers in zip(hidden, deeper, strict=True)]
        if network.gate is None:
            return torch.stack(out).mean(0)
        weights = functional.pad(out.pop().float(), (0, 1)).softmax(1)
        return torch.einsum("kba,bk->ba", torch.stack(out), weights)

    return logits


def _linears(layers: Iterable[nn.Module]) -> list[nn.Linear]:
    """The linear layers among layers in a row, between which there are ReLUs."""
    return [layer for layer in layers if isinstance(layer, nn.Linear)]


def _on(hidden: torch.Tensor, layers: list[nn.Linear]) -> torch.Tensor:
    """What linear layers with a ReLU before each make of float [B, H], which is overwritten."""
    for layer in layers:
        hidden = functional.linear(hidden.relu_(), layer.weight, layer.bias)
    return hidden
