"""What the wrappers share that put oversight over environments, single or many."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from gymnasium import Space
from gymnasium.utils import RecordConstructorArgs

from routed_envs.errors import InputError
from routed_envs.outcomes import Outcomes
from routed_envs.oversight.overseer import EndingRules, FinalStep, Overseer
from routed_envs.oversight.visibility import Mask, flag_for

Wrapped = TypeVar("Wrapped")


class OversightWrapper(ABC, RecordConstructorArgs, Generic[Wrapped]):
    """The arguments and attributes of `Overseen`, which explains them, and of `OverseenVector`.

    It stands before Gymnasium's own wrapper among the bases of a class, which says by `_wrap` and
    `_show` how it holds the environment.
    """

    def __init__(
        self,
        env: Wrapped,
        targets: Sequence[str],
        good: Sequence[str],
        outcome: Callable[[FinalStep], str],
        oversight: float = 0.1,
        label_noise: float = 0.0,
        show_oversight: bool = True,
        reward: float | None = None,
        step_rewards: bool = True,
        whole_episode: bool = False,
    ) -> None:
        super().__init__(
            _disable_deepcopy=True,  # The function may hold what cannot be copied.
            targets=targets,
            good=good,
            outcome=outcome,
            oversight=oversight,
            label_noise=label_noise,
            show_oversight=show_oversight,
            reward=reward,
            step_rewards=step_rewards,
            whole_episode=whole_episode,
        )
        space = self._wrap(env)
        for name, given in (("targets", targets), ("good", good)):
            if isinstance(given, str):
                raise InputError(f"{name}={given!r}: give a list of names, such as [{given!r}].")
        overseer = Overseer(Outcomes(tuple(targets), tuple(good)), oversight, label_noise)
        self._rules = EndingRules(overseer, outcome, reward, step_rewards)
        self._keeps_steps = whole_episode
        self._flag = flag_for(space, show_oversight)
        if show_oversight:
            self._show(self._flag.space)

    @abstractmethod
    def _wrap(self, env: Wrapped) -> Space[Any]:
        """Hold the environment, unless it is refused; returns the space of one observation."""

    @abstractmethod
    def _show(self, space: Space[Any]) -> None:
        """Take this as the space of one observation, which has the flag."""

    @property
    def outcomes(self) -> Outcomes:
        """The names of the ways in which an episode can end."""
        return self._rules.overseer.outcomes

    @property
    def overseen_share(self) -> float:
        """How likely an episode is overseen, 0 to 1."""
        return self._rules.overseer.oversight

    @property
    def oversight_mask(self) -> Mask:
        """Which entries of one observation show oversight."""
        return self._flag.mask
