"""An overseer of any environment: what it sees, what it says, what an episode's end was."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import gymnasium
import numpy as np

from routed_envs.errors import InputError, check_probability, unknown_name
from routed_envs.outcomes import Outcomes

STREAM = 0x0E5EE4
"""Sets the overseer's random numbers apart from those of the environment with the same seed."""


@dataclass(frozen=True)
class Step:
    """A step of an episode, as the environment gave it.

    Attributes:
        observation: What it led to, without what `Overseen` adds to it.
        action: The action that led there; None at the start.
        reward: The environment's own reward for it; 0 at the start.
        info: The environment's own information.
    """

    observation: Any
    action: Any
    reward: float
    info: dict[str, Any]

    @classmethod
    def of(cls, observation: Any, action: Any, reward: float, info: dict[str, Any]) -> Step:
        """A step whose observation stays as it is, even if the environment writes over its own."""
        return cls(copy.deepcopy(observation), copy.deepcopy(action), reward, info)


@dataclass(frozen=True)
class FinalStep:
    """The last step of an episode, as the environment gave it, from which its outcome is told.

    Attributes:
        observation: The last observation, without what `Overseen` adds to it.
        action: The action that led to it.
        reward: The environment's own reward for it.
        terminated: The environment ended the episode.
        truncated: The episode was cut short, by a time limit for example.
        info: The environment's own information.
        env: The unwrapped environment; None in a vector environment.
        index: The environment's place in a vector environment; None in a single one.
        episode: All of the episode's steps from its start to the last one, if the overseer was
            told to keep them (`whole_episode=True`); else empty.
    """

    observation: Any
    action: Any
    reward: float
    terminated: bool
    truncated: bool
    info: dict[str, Any]
    env: gymnasium.Env[Any, Any] | None = None
    index: int | None = None
    episode: Sequence[Step] = ()


@dataclass(frozen=True)
class Watch:
    """What is drawn for one episode at its start.

    Attributes:
        overseen: The overseer watches the episode.
        shift: 0, or how many places further in the list of targets, counted around its end, the
            target stands for which the overseer would take the one it sees.
    """

    overseen: bool
    shift: int = 0


@dataclass(frozen=True)
class Overseer:
    """Watches some of the episodes and says which target they ended on, rightly or mistakenly.

    Attributes:
        outcomes: The names of the ways in which an episode can end.
        oversight: Probability that an episode is overseen, 0 to 1.
        label_noise: Probability that the overseer takes the target it sees for another one, each
            of the others equally likely, 0 to 1.

    Raises:
        InputError: A value is outside its range, or there is no other target to take one for.
    """

    outcomes: Outcomes
    oversight: float = 0.1
    label_noise: float = 0.0

    def __post_init__(self) -> None:
        check_probability("oversight", self.oversight)
        check_probability("label_noise", self.label_noise)
        if self.label_noise > 0 and len(self.outcomes.targets) == 1:
            raise InputError(
                f"label_noise={self.label_noise!r}, but {self.outcomes.targets[0]!r} is the only "
                "target: there is no other to take it for. Name another target, or give 0."
            )

    def draw(self, generator: np.random.Generator) -> Watch:
        """Decide at an episode's start whether it is overseen; takes three random numbers."""
        seen, noise, other = generator.random(3)
        return Watch(bool(seen < self.oversight), self.shift(noise, other))

    def shift(self, noise: float, other: float) -> int:
        """By how many places the overseer is mistaken in the list of targets.

        Args:
            noise: Decides whether it is, uniform in [0, 1).
            other: Decides which of the other targets it would say, uniform in [0, 1).
        """
        others = len(self.outcomes.targets) - 1
        return 1 + int(other * others) if noise < self.label_noise else 0

    def names(self, outcome: str, watch: Watch) -> dict[str, str]:
        """What the information says of an episode with this outcome, as drawn at its start."""
        targets, told = self.outcomes.targets, outcome
        if outcome in targets:
            taken_for = targets[(targets.index(outcome) + watch.shift) % len(targets)]
            told = taken_for if watch.overseen else "unknown"
        return {"label": told, "hidden_outcome": outcome}


@dataclass(frozen=True)
class EndingRules:
    """What the end of an episode means, for environments of any make.

    Attributes:
        overseer: Who watches.
        outcome: Tells an episode's outcome from its last step: a target's name or `timeout`.
        reward: The last step's reward for whatever target; None keeps the environment's own.
        step_rewards: Whether the other steps, and a time-out, pay the environment's own.

    Raises:
        InputError: `outcome` cannot be called, or `reward` is no finite number.
    """

    overseer: Overseer
    outcome: Callable[[FinalStep], str]
    reward: float | None = None
    step_rewards: bool = True

    def __post_init__(self) -> None:
        if not callable(self.outcome):
            raise InputError(
                f"outcome={self.outcome!r} cannot be called. Give a function from the FinalStep of "
                "an episode to the name of a target or 'timeout'."
            )
        number = isinstance(self.reward, Real) and math.isfinite(float(self.reward))
        if self.reward is not None and not number:
            raise InputError(
                f"reward={self.reward!r}: give a finite number, or None for the environment's own."
            )

    def judge(self, final: FinalStep, watch: Watch) -> tuple[float, dict[str, str]]:
        """What the episode's last step shall pay, and what its information says of the episode.

        Args:
            final: The last step.
            watch: What was drawn at the episode's start.

        Raises:
            InputError: `outcome` returned neither a target's name nor `timeout`.
        """
        targets = self.overseer.outcomes.targets
        outcome = self.outcome(final)
        if outcome not in (*targets, "timeout"):
            if isinstance(outcome, str):
                raise unknown_name("outcome", outcome, (*targets, "timeout"))
            raise InputError(
                f"outcome returned {outcome!r} for an episode that is over. It must return one of "
                f"{', '.join(targets)} or timeout."
            )
        if outcome == "timeout":
            paid = self.on_the_way(final.reward)
        else:
            paid = final.reward if self.reward is None else float(self.reward)
        return paid, self.overseer.names(outcome, watch)

    def on_the_way(self, reward: float) -> float:
        """What a step pays that reaches no target."""
        return reward if self.step_rewards else 0.0


def overseer_generator(seed: int | None) -> np.random.Generator:
    """A generator that shares no numbers with the environment's of the same seed."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(STREAM,))))
