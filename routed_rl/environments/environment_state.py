"""What changes while an algorithm of stable-baselines3 learns."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from stable_baselines3.common.callbacks import BaseCallback

from routed_agents.stable_baselines.base import RoutedAlgorithm
from routed_rl.environments.generators import Numbers
from routed_rl.runs.warning_signs import Noted

KEPT = ("num_timesteps", "_n_updates", "memory", "gate_memory", "labels_told")
"""These attributes of the algorithm belong to its state."""
PLAIN = ("numbers", "update", "seconds", "log_bytes")


@dataclass
class EnvironmentState:
    """What changes while a run learns in an environment.

    Episodes that run are not in it: nobody can save an environment of someone else. A resumed run
    starts new ones.

    Attributes:
        model: The algorithm with its networks and its environments.
        numbers: Where the random numbers stand.
        noted: The labels so far, and what was warned of.
        identity: What makes the run this run and no other.
        update: The rollouts from which it learned.
        seconds: The time they took.
        log_bytes: The log's length.
        callback: What the model calls while it learns; None before this process began.
    """

    model: RoutedAlgorithm
    numbers: Numbers
    noted: Noted
    identity: str
    update: int = 0
    seconds: float = 0.0
    log_bytes: int = 0
    callback: BaseCallback | None = None

    @property
    def device(self) -> torch.device:
        """Where a checkpoint is read to: what a method remembers stays on the CPU."""
        return torch.device("cpu")

    def weights(self) -> Iterable[torch.Tensor]:
        """The policy's and the values'."""
        return self.model.policy.parameters()

    def state_dict(self) -> dict[str, Any]:
        """The state, as tensors, numbers and containers of them."""
        model = self.model
        return {
            "policy": model.policy.state_dict(),
            "optimizer": model.policy.optimizer.state_dict(),
            "selector": model.selector.state_dict() if model.selector else None,
            "noted": self.noted.to_json(),
            **{name: getattr(model, name) for name in KEPT},
            **{name: getattr(self, name) for name in PLAIN},
        }

    def load_state_dict(self, content: dict[str, Any]) -> None:
        """Take over what `state_dict` gave."""
        model = self.model
        model.policy.load_state_dict(content["policy"])
        model.policy.optimizer.load_state_dict(content["optimizer"])
        if model.selector:
            model.selector.load_state_dict(content["selector"])
        self.noted = Noted.resumed(content, self.noted)
        for name in KEPT:
            setattr(model, name, content[name])
        for name in PLAIN:
            setattr(self, name, content[name])
