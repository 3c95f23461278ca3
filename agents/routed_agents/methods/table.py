"""A method's table as tensors: what it makes of labels, for every learner of ours."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from routed_agents.methods.record import Method
from routed_agents.policies.mixture import Routes
from routed_envs.outcomes import Outcomes


@dataclass(frozen=True)
class Lesson:
    """What each of B samples may teach.

    Attributes:
        routes: Where the samples' gradients may go.
        weights: float [B], the samples' weight in every loss but the gate's.
        targets: int64 [B], the gate's target.
        has_target: float [B], 1 or 0.
    """

    routes: Routes
    weights: torch.Tensor
    targets: torch.Tensor
    has_target: torch.Tensor


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

    def rewards(
        self, rewards: torch.Tensor, ended: torch.Tensor, codes: torch.Tensor
    ) -> torch.Tensor:
        """The rewards from which the method learns.

        Args:
            rewards: float of any shape, the environment's.
            ended: bool of the same shape, the episode ended at this step.
            codes: int64 of the same shape, the label of each step's episode.

        Returns:
            float of the same shape; where an episode ended, what its label's row puts in the place
            of the reward, if it does.
        """
        return torch.where(ended & self.replaces[codes], self.reward[codes], rewards)

    def lesson(self, codes: torch.Tensor) -> Lesson:
        """What samples may teach whose episodes have these labels, int64 [B]."""
        factors = self.activations
        return Lesson(
            routes=Routes(
                experts=self.experts[codes],
                gate=self.gate[codes],
                activations=None if factors is None else factors[codes],
            ),
            weights=self.weight[codes],
            targets=self.target[codes],
            has_target=self.has_target[codes],
        )
