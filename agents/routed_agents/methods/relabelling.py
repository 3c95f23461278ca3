"""Whose labels a method learns from: the overseer's, the truth's, or those of a function.

`ShuffledLabels` and `RewardModel` are such functions, values that can be called as
`Method.relabel`. What one remembers between two calls is passed in and handed back, so that the
run's checkpoint holds it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from routed_agents.methods.ending_model import EndingModel
from routed_agents.methods.record import Memory, Method
from routed_agents.rollout import Rollout
from routed_envs.outcomes import Outcomes


def told_labels(
    method: Method, labels: torch.Tensor, hidden_outcomes: torch.Tensor
) -> torch.Tensor:
    """What a method is told of a rollout's episodes, int64 [T, N], read where they ended.

    Args:
        method: Its `relabel` says by whom.
        labels: int64 [T, N], what the overseer says.
        hidden_outcomes: int64 [T, N], how the episodes really ended, which only methods that
            declare `relabel="truth"` are told.
    """
    return hidden_outcomes if method.relabel == "truth" else labels


def count_targets(labels: torch.Tensor, outcomes: Outcomes) -> int:
    """How many endings on a target labels, int64 codes of any shape, tell of."""
    return int((labels < len(outcomes.targets)).sum())


def method_labels(
    method: Method,
    told: torch.Tensor,
    rollout: Callable[[], Rollout],
    memory: Memory,
    generator: torch.Generator,
) -> tuple[torch.Tensor, Memory]:
    """The labels from which a method learns, and what it remembers.

    Args:
        method: Its `relabel` may be a function that makes labels of its own.
        told: int64 [T, N], from `told_labels`.
        rollout: Gives the rollout, made only for such a function.
        memory: What the function remembered at the last call.
        generator: The run's own.

    Returns:
        Labels, int64 [T, N], or their probabilities, float [T, N, L], read where episodes ended;
        and the new memory.
    """
    if isinstance(method.relabel, str):
        return told, memory
    return method.relabel(rollout(), memory, generator)


@dataclass(frozen=True)
class ShuffledLabels:
    """Shuffles the labels of overseen episodes among them.

    One rollout may hold a single overseen episode, which would keep its label. So the shuffling
    goes through a pool that outlasts the rollout: each new label goes into it, and a random one
    comes out. Until the pool is full its episodes stay unknown. The share of each label is kept.

    Attributes:
        pool: How many labels the pool holds, at least 1.
    """

    pool: int = 256

    def __call__(
        self, rollout: Rollout, memory: Memory, generator: torch.Generator
    ) -> tuple[torch.Tensor, Memory]:
        """Labels, int64 [T, N], and the pool.

        Args:
            rollout: T steps of N environments.
            memory: The pool, if there is one already.
            generator: Draws the order.
        """
        labels, outcomes = rollout.labels, rollout.outcomes
        overseen = labels < len(outcomes.targets)
        new = labels[overseen]
        everything = torch.cat((memory.get("pool", new[:0]), new))
        order = torch.randperm(len(everything), generator=generator, device=labels.device)
        drawn = max(0, len(everything) - self.pool)
        given = torch.full_like(new, outcomes.unknown)
        given[:drawn] = everything[order[:drawn]]
        return labels.masked_scatter(overseen, given), {"pool": everything[order[drawn:]]}


@dataclass(frozen=True)
class RewardModel(EndingModel):
    """Labels the endings that nobody saw with the best guess of a model of those that were seen.

    It learns a few steps for each rollout, and then guesses. Until the first overseen ending
    nothing is labelled.
    """

    def __call__(
        self, rollout: Rollout, memory: Memory, generator: torch.Generator
    ) -> tuple[torch.Tensor, Memory]:
        """Labels, int64 [T, N], in which `unknown` is replaced by a guess; and the model.

        Args:
            rollout: T steps of N environments; with `final_observations` if those are seen.
            memory: The model and its endings, if there are any already.
            generator: Draws the first weights and the batches.
        """
        labels = rollout.labels
        unknown = labels == rollout.outcomes.unknown
        memory = self.learn(rollout, self.started(rollout, memory, generator), generator)
        if len(memory["targets"]) == 0:
            return labels, memory
        guesses = self.scores(rollout, unknown, memory).argmax(1)
        return labels.masked_scatter(unknown, guesses), memory
