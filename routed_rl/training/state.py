"""What changes while a policy trains in a world."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from typing import Any

import torch

from routed_agents.methods.early_stopping import Selector
from routed_agents.policies.networks import PlaneNetwork, RoutedPolicyNetwork
from routed_rl.runs.warning_signs import Noted

LEARNED = ("policy", "baseline", "optimizer")
PLAIN = ("memory", "gate_memory", "update", "labels", "seconds", "log_bytes")
"""The fields that a checkpoint holds as they are."""


@dataclass
class TrainingState:
    """What changes while a run trains.

    Attributes:
        policy: The policy network.
        baseline: The value network.
        optimizer: Over the parameters of both.
        generator: The run's own, on its device.
        worlds: The running environments, a dataclass of tensors.
        memory: What the method's `relabel` remembers.
        gate_memory: What its gate remembers, if it learns from memory.
        noted: The labels so far, and what was warned of.
        selector: Keeps the best policy; None if the method keeps the last.
        identity: What makes the run this run and no other.
        update: The gradient steps taken.
        labels: The endings on a target that the method was told of.
        seconds: The time they took.
        log_bytes: The log's length.
    """

    policy: RoutedPolicyNetwork
    baseline: PlaneNetwork
    optimizer: torch.optim.Optimizer
    generator: torch.Generator
    worlds: Any
    memory: dict[str, torch.Tensor]
    gate_memory: dict[str, torch.Tensor]
    noted: Noted
    selector: Selector | None
    identity: str
    update: int = 0
    labels: int = 0
    seconds: float = 0.0
    log_bytes: int = 0

    @property
    def device(self) -> torch.device:
        """Where its tensors live."""
        return self.generator.device

    def weights(self) -> Iterable[torch.Tensor]:
        """The policy's and the baseline's."""
        return chain(self.policy.parameters(), self.baseline.parameters())

    def state_dict(self) -> dict[str, Any]:
        """The state, as tensors, numbers and containers of them."""
        worlds = dataclasses.fields(self.worlds)
        return {
            "device": self.device.type,
            **{name: getattr(self, name).state_dict() for name in LEARNED},
            "generator": self.generator.get_state(),
            "worlds": {field.name: getattr(self.worlds, field.name) for field in worlds},
            "selector": self.selector.state_dict() if self.selector else None,
            "noted": self.noted.to_json(),
            **{name: getattr(self, name) for name in PLAIN},
        }

    def load_state_dict(self, content: dict[str, Any]) -> None:
        """Take over what `state_dict` gave, also on another device."""
        for name in LEARNED:
            getattr(self, name).load_state_dict(content[name])
        if content["device"] == self.device.type:
            self.generator.set_state(content["generator"].cpu())
        else:  # Generators of another kind of device cannot be continued, only started anew.
            self.generator.manual_seed(self.generator.initial_seed() + content["update"])
        # Checkpoints of before worlds were tables hold another state: its episodes start anew.
        if set(content["worlds"]) == {field.name for field in dataclasses.fields(self.worlds)}:
            self.worlds = dataclasses.replace(self.worlds, **content["worlds"])
        if self.selector:
            self.selector.load_state_dict(content["selector"])
        self.noted = Noted.resumed(content, self.noted)
        for name in PLAIN:
            # Checkpoints of before it existed hold no memory of the gate's, which had none.
            setattr(self, name, content.get(name, {}) if name == "gate_memory" else content[name])
