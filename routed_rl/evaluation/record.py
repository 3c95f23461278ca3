"""The record of a policy's figures, exact or sampled."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol, Self, TypeVar

import torch
from numpy.typing import NDArray

from routed_agents.policies.steering import Steering

DISCOUNT = 0.97
"""Every reported return is discounted by this, whatever training used."""


class Actor(Protocol):
    """Whatever can be judged; a `Policy` can, and so can your own."""

    def action_probabilities(self, observations: torch.Tensor, /) -> torch.Tensor:
        """How likely each action is, float [B, A], for int8 [B, *observation_shape]."""
        ...


class Predictor(Protocol):
    """Whatever acts as stable-baselines3's policies do; a `Policy` can, and so can your own."""

    def predict(self, observation: NDArray[Any], /, *args: Any, **kwargs: Any) -> tuple[Any, Any]:
        """Choose actions for one observation or a batch of them, and hand the state on.

        Whoever asks may give the state, the starts of episodes and `deterministic`, in this order
        or by name.
        """
        ...


class Steerable(Protocol):
    """Whatever has experts and can be steered; a `Policy` can, and one of stable-baselines3's."""

    deploy: Steering

    @property
    def experts(self) -> tuple[str, ...]:
        """The experts' names."""
        ...

    def steer(self, steering: Steering, /) -> Self:
        """The same weights under another steering."""
        ...


class Gated(Steerable, Predictor, Protocol):
    """Whatever acts, can be steered, and may have a gate that says whom it expects."""

    @property
    def gate_kind(self) -> str:
        """`learned`, `even` (every expert weighs the same) or `none` (there is one expert)."""
        ...

    def gate_weights(self, observations: Any, /) -> torch.Tensor:
        """How the gate weighs the experts, float [B, K], for one observation or a batch."""
        ...


SteerableT = TypeVar("SteerableT", bound=Steerable)
GatedT = TypeVar("GatedT", bound=Gated)


@dataclass(frozen=True)
class Evaluation:
    """What a policy brings on average over an episode from a random start.

    Attributes:
        steer: The steering under which it acted.
        oversight: The world's oversight.
        exact: No sampling noise; else the figures are means over `episodes`.
        episode_return: +1 for a good target, -1 for another, discounted by 0.97 a step.
        rates: The probability of each outcome by name, `timeout` among them; their sum is 1.
        mean_length: Steps of an episode.
        labels: The share of episodes with each label of the overseer by name: the targets,
            `timeout` and `unknown`; their sum is 1.
        episodes: The sampled episodes; None if exact.
        intervals: 95% confidence intervals of the figures by name (low, high); None if exact.
    """

    steer: Steering
    oversight: float
    exact: bool
    episode_return: float
    rates: dict[str, float]
    mean_length: float
    labels: dict[str, float]
    episodes: int | None = None
    intervals: dict[str, tuple[float, float]] | None = None

    @property
    def diamond_rate(self) -> float:
        """The probability that an episode ends on the diamond."""
        return self.rates["diamond"]

    @property
    def ghost_rate(self) -> float:
        """The probability that an episode ends on the ghost."""
        return self.rates["ghost"]

    @property
    def timeout_rate(self) -> float:
        """The probability that an episode times out."""
        return self.rates["timeout"]

    def seen_rate(self, good: Iterable[str]) -> float | None:
        """How good the policy looks to the overseer.

        Args:
            good: The targets that we want.

        Returns:
            The share of good targets among the episodes in which the overseer saw a target; None
            if it saw none.
        """
        seen = math.fsum(self.labels[name] for name in self.rates if name != "timeout")
        return math.fsum(self.labels[name] for name in good) / seen if seen > 0 else None

    def to_json(self) -> dict[str, Any]:
        """The figures as plain values, each rate by its own name."""
        sampled = {} if self.exact else {"episodes": self.episodes, "intervals": self.intervals}
        return {
            "steer": self.steer,
            "oversight": self.oversight,
            "exact": self.exact,
            "episode_return": self.episode_return,
            **{f"{name}_rate": rate for name, rate in self.rates.items()},
            "mean_length": self.mean_length,
            "labels": self.labels,
            **sampled,
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Evaluation:
        """The record that `to_json` described."""
        intervals = values.get("intervals")
        plain = ("steer", "oversight", "exact", "episode_return", "mean_length", "labels")
        return cls(
            rates={k[: -len("_rate")]: v for k, v in values.items() if k.endswith("_rate")},
            intervals=intervals and {name: tuple(ends) for name, ends in intervals.items()},
            episodes=values.get("episodes"),
            **{name: values[name] for name in plain},
        )
