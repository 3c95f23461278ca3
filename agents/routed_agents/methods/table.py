"""A method's table as tensors: what it makes of labels, for every learner of ours."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import torch
from torch.nn import functional

from routed_agents.methods.record import Method
from routed_agents.policies.mixture import ExpertRoutes
from routed_envs.outcomes import Outcomes


@dataclass(frozen=True)
class Lesson:
    """What each of B samples may teach.

    Attributes:
        routes: Where the samples' gradients may go.
        weights: float [B], the samples' weight in every loss but the gate's.
        targets: The gate's target, int64 [B]; or the probability of each expert, float [B, K].
        has_target: float [B], 1 or 0.
    """

    routes: ExpertRoutes
    weights: torch.Tensor
    targets: torch.Tensor
    has_target: torch.Tensor


@dataclass(frozen=True)
class Table:
    """A method's rows as tensors, indexed by label code (L labels, K experts).

    Labels are codes, int64 of any shape, or probabilities of them, float [..., L]: what the table
    then says is the average of its rows.

    Attributes:
        reward: float [L, K], replaces the last reward of an expert's episode where `replaces`;
            where the mixture acts all columns are the same.
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
        # Rows may say 1 for 1.0.
        numbers = partial(torch.tensor, dtype=torch.float32, device=device)
        return cls(
            reward=numbers([_each(row.reward, len(ones)) for row in rows]),
            replaces=torch.tensor([row.reward is not None for row in rows], device=device),
            weight=numbers(weights),
            experts=numbers([row.experts for row in rows]),
            gate=numbers([row.gate for row in rows]),
            activations=numbers(activations) if masked else None,
            target=torch.tensor(targets, device=device),
            has_target=numbers([row.target is not None for row in rows]),
        )

    def rewards(
        self,
        rewards: torch.Tensor,
        ended: torch.Tensor,
        labels: torch.Tensor,
        actors: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """The rewards from which the method learns.

        Args:
            rewards: float [T, N], the environment's.
            ended: bool [T, N], the episode ended at this step.
            labels: Of each step's episode, int64 [T, N] or float [T, N, L].
            actors: int64 [N], the expert that acts in each environment; None for the mixture.

        Returns:
            float [T, N]; where an episode ended, what its label's row puts in the place of the
            reward, if it does.
        """
        column = 0 if actors is None else actors
        if not labels.is_floating_point():
            return torch.where(ended & self.replaces[labels], self.reward[labels, column], rewards)
        replaced = (labels * self.reward[:, column].movedim(0, -1)).sum(-1)
        kept = labels @ (~self.replaces).to(labels.dtype)
        return torch.where(ended, replaced + kept * rewards, rewards)

    def lesson(self, labels: torch.Tensor) -> Lesson:
        """What samples may teach whose episodes have these labels, int64 [B] or float [B, L]."""
        has_target = _average(self.has_target, labels)
        factors = self.activations
        return Lesson(
            routes=ExpertRoutes(
                experts=_average(self.experts, labels),
                gate=_average(self.gate, labels),
                activations=None if factors is None else _average(factors, labels),
            ),
            weights=_average(self.weight, labels),
            targets=self._targets(labels, has_target),
            has_target=has_target,
        )

    def _targets(self, labels: torch.Tensor, has_target: torch.Tensor) -> torch.Tensor:
        """Whom the gate should call on, int64 [B], or float [B, K], how likely if on anybody.

        Args:
            labels: int64 [B], or float [B, L].
            has_target: float [B], how likely there is a target.
        """
        if not labels.is_floating_point():
            return self.target[labels]
        each = functional.one_hot(self.target, self.experts.shape[1]).to(labels.dtype)
        if self.has_target.all():
            return labels @ each
        least = torch.finfo(labels.dtype).tiny
        return labels @ (each * self.has_target[:, None]) / has_target[:, None].clamp(min=least)


def _each(reward: float | tuple[float, ...] | None, count: int) -> tuple[float, ...]:
    """A row's reward for each expert; 0 where it has none."""
    return reward if isinstance(reward, tuple) else (reward or 0.0,) * count


def _average(column: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """A column's values, [L, ...], at labels: int64 [B], or float [B, L] for averages."""
    return labels @ column if labels.is_floating_point() else column[labels]
