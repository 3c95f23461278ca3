"""A model of overseen endings: from what was seen of an episode's end to the target reached."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch.nn import functional

from routed_agents.methods.gate_memory import drop_channels
from routed_agents.methods.record import Memory
from routed_agents.rollout import Rollout
from routed_envs.errors import check_count

PARAMETERS = ("hidden_weight", "hidden_bias", "output_weight", "output_bias")
MOMENTUM = 0.9


@dataclass(frozen=True)
class EndingModel:
    """Learns how overseen episodes ended from what was seen of them.

    A network with one hidden layer and the cross-entropy loss, trained with momentum on the most
    recent overseen endings, a few steps for each rollout. Where the method is told which entries of
    an observation show oversight, they are zeros to it; where it is not, the dropout keeps it from
    leaning on them, for every ending that it learns from shows oversight. The defaults are what
    `scripts/search_constants.py` found.

    Attributes:
        sees: `last`, the observation before the end and the action; or `final`, the observation
            after it, which no policy ever acts on.
        width: Of the hidden layer.
        remembered: How many overseen endings it learns from, at most; at least 1.
        steps: Gradient steps for each rollout.
        batch: Endings in one gradient step.
        learning_rate: Of these steps.
        dropout: How likely each number that it sees is left out of a gradient step, 0 to 1.

    Raises:
        InputError: It would remember nothing.
    """

    sees: Literal["last", "final"]
    width: int = 128
    remembered: int = 8192
    steps: int = 8
    batch: int = 256
    learning_rate: float = 0.05
    dropout: float = 0.4

    def __post_init__(self) -> None:
        check_count("remembered", self.remembered)

    def started(self, rollout: Rollout, memory: Memory, generator: torch.Generator) -> Memory:
        """The memory with a model: the one that is there, or a fresh one without endings."""
        if PARAMETERS[0] in memory:
            return memory
        inputs = self._inputs(rollout, torch.zeros_like(rollout.ended))
        targets, features = rollout.labels[:0].flatten(), inputs.shape[1]
        count = len(rollout.outcomes.targets)
        shapes = ((features, self.width), (self.width,), (self.width, count), (count,))
        memory = memory | {"inputs": inputs, "targets": targets}
        for name, shape in zip(PARAMETERS, shapes, strict=True):
            scale = math.sqrt(2 / shape[0]) if len(shape) > 1 else 0.0
            drawn = torch.randn(shape, generator=generator, device=inputs.device)
            memory |= {name: scale * drawn, f"{name}_velocity": torch.zeros_like(drawn)}
        return memory

    def scores(self, rollout: Rollout, where: torch.Tensor, memory: Memory) -> torch.Tensor:
        """The score of each target, float [M, targets], of the endings at bool [T, N] `where`."""
        return outcomes_of(memory, self._inputs(rollout, where))

    def learn(self, rollout: Rollout, memory: Memory, generator: torch.Generator) -> Memory:
        """The memory with the rollout's overseen endings and a few gradient steps more."""
        overseen = rollout.labels < len(rollout.outcomes.targets)
        found = {"inputs": self._inputs(rollout, overseen), "targets": rollout.labels[overseen]}
        memory = memory | {
            name: torch.cat((memory[name], new))[-self.remembered :] for name, new in found.items()
        }
        for _ in range(self.steps if len(memory["targets"]) else 0):
            memory = self._step(memory, generator)
        return memory

    def _inputs(self, rollout: Rollout, where: torch.Tensor) -> torch.Tensor:
        """What the model sees of the endings at bool [T, N] `where`, [M, features]."""
        if self.sees == "final":
            assert rollout.final_observations is not None, "the method asks for them"
            seen = rollout.final_observations[where]
        else:
            seen = rollout.seen(where)
        if rollout.oversight_mask is not None:
            seen = seen.masked_fill(rollout.oversight_mask, 0)
        seen = seen.flatten(1)
        if self.sees == "final":
            return seen
        taken = rollout.actions[where]
        if rollout.action_count:
            taken = functional.one_hot(taken, rollout.action_count)
        return torch.cat((seen, taken.flatten(1).to(seen.dtype)), 1)

    def _step(self, memory: Memory, generator: torch.Generator) -> Memory:
        """The memory after one gradient step on a batch of remembered endings."""
        targets = memory["targets"]
        picked = torch.randint(
            len(targets), (self.batch,), generator=generator, device=targets.device
        )
        parameters = {name: memory[name].detach().requires_grad_() for name in PARAMETERS}
        inputs = drop_channels(memory["inputs"][picked], self.dropout, generator)
        scores = outcomes_of(parameters, inputs)
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
