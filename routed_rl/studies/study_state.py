"""What changes while a study's run trains."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import nn

from routed_agents import Routes
from routed_rl.runs.warning_signs import Noted

PLAIN = ("update", "seconds", "log_bytes")


class Memory(Protocol):
    """What a method remembers of the data that it has seen."""

    def state_dict(self) -> dict[str, Any]:
        """All of it, as tensors and plain values."""
        ...

    def load_state_dict(self, content: dict[str, Any]) -> None:
        """Take over what `state_dict` gave."""
        ...


@dataclass
class StudyState:
    """A network, what trains it, and where its random numbers stand.

    Attributes:
        model: The network.
        optimizer: Of its weights.
        generator: Draws what is learned from, on the CPU.
        identity: What makes the run this run and no other.
        routes: Lets data teach parts of the network; None of a method that does not route.
        memory: What a method remembers of the data; None of a method that remembers nothing.
        guarded: Networks that share the weights, each without a part; no state of their own.
        noted: The labels that the overseer gave.
        update: The steps taken.
        seconds: The time they took.
        log_bytes: The log's length.
    """

    model: nn.Module
    optimizer: torch.optim.Optimizer
    generator: torch.Generator
    identity: str
    routes: Routes | None = None
    memory: Memory | None = None
    guarded: tuple[nn.Module, ...] = ()
    noted: Noted = field(default_factory=Noted)
    update: int = 0
    seconds: float = 0.0
    log_bytes: int = 0

    @property
    def device(self) -> torch.device:
        """Where a checkpoint is read to: a generator's place stays on the CPU."""
        return torch.device("cpu")

    def weights(self) -> Iterable[torch.Tensor]:
        """The network's."""
        return self.model.parameters()

    def state_dict(self) -> dict[str, Any]:
        """The state, as tensors, numbers and containers of them."""
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "generator": self.generator.get_state(),
            "noted": self.noted.to_json(),
            "memory": None if self.memory is None else self.memory.state_dict(),
            **{name: getattr(self, name) for name in PLAIN},
        }

    def load_state_dict(self, content: dict[str, Any]) -> None:
        """Take over what `state_dict` gave."""
        self.model.load_state_dict(content["model"])
        self.optimizer.load_state_dict(content["optimizer"])
        self.generator.set_state(content["generator"])
        if self.memory is not None:
            self.memory.load_state_dict(content["memory"])
        self.noted = Noted.resumed(content, self.noted)
        for name in PLAIN:
            setattr(self, name, content[name])
