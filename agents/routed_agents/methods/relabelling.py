"""Whose labels a method learns from: the overseer's, the truth's, or those of a function.

`ShuffledLabels` and `RewardModel` are such functions, values that can be called as
`Method.relabel`. What one remembers between two calls is passed in and handed back, so that the
run's checkpoint holds it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch.nn import functional

from routed_agents.methods.record import Memory, Method
from routed_agents.rollout import Rollout
from routed_envs.outcomes import Outcomes

PARAMETERS = ("hidden_weight", "hidden_bias", "output_weight", "output_bias")
MOMENTUM = 0.9


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
        Labels, int64 [T, N], read where episodes ended; and the new memory.
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
class RewardModel:
    """Learns how overseen episodes ended from what was seen of them, and labels the others.

    A network with one hidden layer and the cross-entropy loss, trained with momentum on the most
    recent overseen endings, a few steps for each rollout. Until the first overseen ending nothing
    is labelled. The entries of an observation that show oversight are zeros to it.

    Attributes:
        sees: `last`, the observation before the end and the action; or `final`, the observation
            after it, which no policy ever acts on.
        width: Of the hidden layer.
        remembered: How many overseen endings it learns from, at most.
        steps: Gradient steps for each rollout.
        batch: Endings in one gradient step.
        learning_rate: Of these steps.
    """

    sees: Literal["last", "final"]
    width: int = 128
    remembered: int = 8192
    steps: int = 2
    batch: int = 256
    learning_rate: float = 0.05

    def __call__(
        self, rollout: Rollout, memory: Memory, generator: torch.Generator
    ) -> tuple[torch.Tensor, Memory]:
        """Labels, int64 [T, N], in which `unknown` is replaced by a guess; and the model.

        Args:
            rollout: T steps of N environments; with `final_observations` if those are seen.
            memory: The model and its endings, if there are any already.
            generator: Draws the first weights and the batches.
        """
        labels, outcomes = rollout.labels, rollout.outcomes
        count = len(outcomes.targets)
        overseen, unknown = labels < count, labels == outcomes.unknown
        inputs, targets = self._inputs(rollout, overseen), labels[overseen]
        if not memory:
            memory = self._start(inputs, targets, count, generator)
        memory = memory | {
            "inputs": torch.cat((memory["inputs"], inputs))[-self.remembered :],
            "targets": torch.cat((memory["targets"], targets))[-self.remembered :],
        }
        if len(memory["targets"]) == 0:
            return labels, memory
        for _ in range(self.steps):
            memory = self._step(memory, generator)
        guesses = outcomes_of(memory, self._inputs(rollout, unknown)).argmax(1)
        return labels.masked_scatter(unknown, guesses), memory

    def _inputs(self, rollout: Rollout, where: torch.Tensor) -> torch.Tensor:
        """What the model sees of the endings at bool [T, N] `where`, [M, features]."""
        if self.sees == "final":
            assert rollout.final_observations is not None, "the method asks for them"
            seen = rollout.final_observations[where]
        else:
            seen = rollout.observations[:-1][where]
        seen = seen.masked_fill(rollout.oversight_mask, 0).flatten(1)
        if self.sees == "final":
            return seen
        taken = functional.one_hot(rollout.actions[where], rollout.action_count)
        return torch.cat((seen, taken.to(seen.dtype)), 1)

    def _start(
        self, inputs: torch.Tensor, targets: torch.Tensor, count: int, generator: torch.Generator
    ) -> Memory:
        """A fresh model of `count` outcomes without endings; `inputs` tell how much it sees."""
        features = inputs.shape[1]
        shapes = ((features, self.width), (self.width,), (self.width, count), (count,))
        memory = {"inputs": inputs[:0], "targets": targets[:0]}
        for name, shape in zip(PARAMETERS, shapes, strict=True):
            scale = math.sqrt(2 / shape[0]) if len(shape) > 1 else 0.0
            drawn = torch.randn(shape, generator=generator, device=inputs.device)
            memory |= {name: scale * drawn, f"{name}_velocity": torch.zeros_like(drawn)}
        return memory

    def _step(self, memory: Memory, generator: torch.Generator) -> Memory:
        """The memory after one gradient step on a batch of remembered endings."""
        targets = memory["targets"]
        picked = torch.randint(
            len(targets), (self.batch,), generator=generator, device=targets.device
        )
        parameters = {name: memory[name].detach().requires_grad_() for name in PARAMETERS}
        scores = outcomes_of(parameters, memory["inputs"][picked])
        loss = functional.cross_entropy(scores, targets[picked])
        gradients = torch.autograd.grad(loss, list(parameters.values()))
        changed: Memory = {}
        for (name, value), gradient in zip(parameters.items(), gradients, strict=True):
            velocity = MOMENTUM * memory[f"{name}_velocity"] + gradient
            changed[name] = value.detach() - self.learning_rate * velocity
            changed[f"{name}_velocity"] = velocity
        return memory | changed


def outcomes_of(model: Mapping[str, torch.Tensor], inputs: torch.Tensor) -> torch.Tensor:
    """A reward model's score of each outcome for inputs [M, features], float [M, K]."""
    hidden = (inputs.float() @ model["hidden_weight"] + model["hidden_bias"]).relu()
    return hidden @ model["output_weight"] + model["output_bias"]
