"""How far apart experts and gate are, from what the overseer can see: observations and actions."""

from __future__ import annotations

import math

import torch

from routed_agents.rollout import Actor

SAMPLES = 512
"""So many steps of a rollout are looked at, evenly spaced."""


def separation(
    policy: Actor, gated: bool, observations: torch.Tensor, actions: torch.Tensor
) -> dict[str, float]:
    """How far apart a policy's experts are, and how far its gate tells them apart.

    Args:
        policy: With K experts, at least two.
        gated: Whether its gate is learned.
        observations: [B, ...], B steps.
        actions: [B, ...], what was done there.

    Returns:
        `divergence`, how much an action tells of the expert that would take it, as a share of what
        it could tell: 0 where all experts act the same, 1 where an action gives them away. If the
        actions are those of experts that act equally often, it is their Jensen-Shannon divergence
        (Lin 1991, IEEE Transactions on Information Theory 37), by log K. Of a learned gate also
        `gate_entropy`, the mean entropy of its weights by log K, 0 where it is always sure; and
        `gate_information`, how much its weights tell of the observation, 0 where they are always
        the same, as a share of log K.
    """
    with torch.no_grad():
        likelihoods = policy.each_log_probability(observations, actions).double()
        whole = math.log(likelihoods.shape[1])
        found = {"divergence": 1 - float(_entropy(likelihoods.softmax(1)).mean()) / whole}
        if gated:
            weights = policy.gate_logits(observations).double().softmax(1)
            entropy = float(_entropy(weights).mean())
            found["gate_entropy"] = entropy / whole
            found["gate_information"] = (float(_entropy(weights.mean(0))) - entropy) / whole
    return found


def _entropy(probabilities: torch.Tensor) -> torch.Tensor:
    """The entropy over the last axis, in natural units."""
    return torch.special.entr(probabilities).sum(-1)


def few(values: torch.Tensor) -> torch.Tensor:
    """Some of the steps of [T, N, ...], evenly spaced, [B, ...]; about `SAMPLES` at most."""
    flat = values.flatten(0, 1)
    return flat[:: max(1, len(flat) // SAMPLES)]
