"""A method's table as tensors, for the learner."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from routed_agents.methods.record import Method
from routed_envs.outcomes import Outcomes

LEAST_WEIGHT = 0.1
"""Below this the limit does not push the weight of overseen samples: all may be overseen."""


def limited_weight(weight: float, limit: float, share: float) -> float:
    """The weight of an overseen sample, so that all of them have at most a share of all weight.

    With routes, what is not overseen is what teaches every expert about every place; it must not be
    drowned out by labels.

    Args:
        weight: The weight that is wanted; that of another sample is 1.
        limit: The most that overseen samples may have of all weight, above 0 to 1.
        share: How much of all samples is overseen, 0 to 1.
    """
    if share == 0 or limit == 1:
        return weight
    return min(weight, max(LEAST_WEIGHT, limit / (1 - limit) * (1 - share) / share))


@dataclass(frozen=True)
class Table:
    """A method's rows as tensors, indexed by label code (L labels, K experts).

    Attributes:
        reward: float [L], replaces the last reward of an episode where `replaces`.
        replaces: bool [L].
        weight: float [L], the samples' weight.
        experts: float [L, K], gradient weight of each expert.
        gate: float [L], gradient weight of the gate.
        activations: float [L, K], factor on the experts' outputs; None if 1 everywhere.
        target: int64 [L], the gate's target, 0 where it has none.
        has_target: float [L], 1 or 0.
    """

    reward: torch.Tensor
    replaces: torch.Tensor
    weight: torch.Tensor
    experts: torch.Tensor
    gate: torch.Tensor
    activations: torch.Tensor | None
    target: torch.Tensor
    has_target: torch.Tensor

    @classmethod
    def of(
        cls,
        method: Method,
        outcomes: Outcomes,
        device: torch.device | str = "cpu",
        overseen_weight: float = 1.0,
    ) -> Table:
        """The table of a method.

        Args:
            method: Its rows must name exactly the labels of `outcomes`.
            outcomes: Names and codes of the labels.
            device: Where the tensors live.
            overseen_weight: Factor on the samples' weight of episodes that are known to have ended
                on a target. The reference has 1.

        Raises:
            InputError: A label has no row, or a row no label.
        """
        method.check_labels(outcomes)
        rows = [method.rows[label] for label in outcomes.labels]
        ones = (1.0,) * len(method.experts)
        activations = [row.activations or ones for row in rows]
        factors = [overseen_weight if name in outcomes.targets else 1.0 for name in outcomes.labels]
        weights = [row.weight * factor for row, factor in zip(rows, factors, strict=True)]
        masked = any(weights != ones for weights in activations)
        targets = [0 if row.target is None else method.experts.index(row.target) for row in rows]
        return cls(
            reward=torch.tensor([row.reward or 0.0 for row in rows], device=device),
            replaces=torch.tensor([row.reward is not None for row in rows], device=device),
            weight=torch.tensor(weights, device=device),
            experts=torch.tensor([row.experts for row in rows], device=device),
            gate=torch.tensor([row.gate for row in rows], device=device),
            activations=torch.tensor(activations, device=device) if masked else None,
            target=torch.tensor(targets, device=device),
            has_target=torch.tensor([float(row.target is not None) for row in rows], device=device),
        )
