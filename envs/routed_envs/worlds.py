"""What a world must offer so that agents can be trained and judged in it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray

from routed_envs.outcomes import Outcomes

State = TypeVar("State")


def renew(state: State, ended: torch.Tensor, fresh: State) -> State:
    """Start a new episode where the last one ended, and keep the others.

    Args:
        state: N episodes.
        ended: bool [N].
        fresh: N new episodes; used where `ended`.

    Returns:
        N running episodes.
    """
    return map_states(partial(_pick, ended), fresh, state)


def restart(state: State, ended: torch.Tensor, fresh: State) -> State:
    """As `renew`, with new episodes for those that ended alone.

    Args:
        state: N episodes.
        ended: bool [N], M of them.
        fresh: M new episodes.

    Returns:
        N running episodes.
    """
    (where,) = ended.nonzero(as_tuple=True)
    return map_states(lambda new, old: old.index_copy(0, where, new), fresh, state)


def map_states(function: Callable[..., torch.Tensor], *states: State) -> State:
    """Apply a function to each tensor of one or more states.

    Args:
        function: Takes one tensor of each state.
        states: Frozen dataclasses of tensors, all of one class.

    Returns:
        A state of that class.
    """
    cls = type(states[0])
    return cls(*(function(*(getattr(state, name) for state in states)) for name in _fields(cls)))


@cache
def _fields(cls: type[Any]) -> tuple[str, ...]:
    """The names of a dataclass's fields."""
    return tuple(field.name for field in dataclasses.fields(cls))


def _pick(condition: torch.Tensor, chosen: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """Each row of `chosen` where bool [N] `condition` holds, of `other` elsewhere."""
    rows = condition.view(-1, *[1] * (other.dim() - 1))
    if other.dtype != torch.int8 or other.dim() == 1:
        return torch.where(rows, chosen, other)
    # Bit by bit: on a CPU a third of the time of `torch.where` for rows of int8.
    return other ^ ((other ^ chosen) & rows.to(torch.int8).neg())


@dataclass(frozen=True)
class Ending:
    """What one step brought, for each of N environments, before any new episode is placed.

    Attributes:
        outcome: int64 [N], codes of `Outcomes`: how the episode really ended, `unfinished` if it
            still runs. Hidden from whatever learns.
        label: int64 [N], codes of `Outcomes`: what the overseer knows.
        reward: float32 [N], the environment's own reward.
        ended: bool [N], the episode ended at this step, on a target or by time-out.
    """

    outcome: torch.Tensor
    label: torch.Tensor
    reward: torch.Tensor
    ended: torch.Tensor


class Dynamics(Protocol[State]):
    """Episodes in N environments at once, which is what acting takes of a world.

    `State` is a frozen dataclass of tensors [N, ...]. Neither a generator nor a running state is
    held: random numbers are passed in, uniform in [0, 1), `random_numbers` for each placement.
    """

    @property
    def outcomes(self) -> Outcomes:
        """The names of the ways in which an episode can end."""
        ...

    @property
    def observation_shape(self) -> tuple[int, ...]:
        """The shape of one observation, which is int8."""
        ...

    @property
    def actions(self) -> int:
        """The number of actions."""
        ...

    @property
    def random_numbers(self) -> int:
        """How many uniform numbers one placement takes."""
        ...

    def place(self, random: torch.Tensor) -> State:
        """Start an episode in every environment, from random numbers [N, random_numbers]."""
        ...

    def advance(self, state: State, actions: torch.Tensor) -> tuple[State, Ending]:
        """Take the actions, int64 [N]; what follows an episode's end has no meaning."""
        ...

    def observe(self, state: State) -> torch.Tensor:
        """What the agent sees, int8 [N, *observation_shape]."""
        ...


@runtime_checkable
class World(Dynamics[State], Protocol[State]):
    """Rules for N environments at once. `State` is a frozen dataclass of tensors [N, ...].

    A world holds no generator and no running state: random numbers are passed in, uniform in
    [0, 1), `random_numbers` of them for each placement.

    Attributes:
        outcomes: The names of the ways in which an episode can end.
        oversight: How likely a target has oversight, 0 to 1.
        overseen_share: How likely the overseer sees which target was reached, 0 to 1, if each
            target is reached equally often from every start.
        observation_shape: The shape of one observation, which is int8.
        oversight_mask: Which entries of an observation show oversight.
        actions: The number of actions.
        max_steps: The steps after which an episode times out.
        random_numbers: How many uniform numbers one placement takes.
    """

    @property
    def oversight(self) -> float:
        """How likely a target has oversight, 0 to 1."""
        ...

    @property
    def overseen_share(self) -> float:
        """How likely the overseer sees which target was reached, 0 to 1, on average.

        The mean over the starts and the targets, as if each target were reached equally often; it
        is `oversight` unless some targets or starts have more of it than others.
        """
        ...

    @property
    def oversight_mask(self) -> torch.Tensor:
        """True at the entries of an observation that show oversight, bool [*observation_shape].

        So that what must not learn from oversight can blank it.
        """
        ...

    @property
    def max_steps(self) -> int:
        """The steps after which an episode times out."""
        ...

    def with_oversight(self, oversight: float) -> World[State]:
        """The same world under another oversight, 0 to 1."""
        ...

    def settings(self) -> dict[str, Any]:
        """What distinguishes this world from others, as plain values that JSON can hold."""
        ...


@runtime_checkable
class EnumerableWorld(World[State], Protocol[State]):
    """A world whose states can be listed, apart from the step's number.

    That makes exact evaluation possible, if the list is short enough.
    """

    @property
    def state_count(self) -> int | None:
        """How many states there are; None where the settings allow too many to list."""
        ...

    def enumerate_states(self) -> State:
        """Every state in which an episode can run, in the order of `state_index`."""
        ...

    def state_index(self, state: State) -> torch.Tensor:
        """The place of each state in the list, int64 [N]."""
        ...

    def start_probabilities(self) -> torch.Tensor:
        """How likely an episode starts in each state, float64 [state_count]."""
        ...


@runtime_checkable
class NumberingWorld(EnumerableWorld[State], Protocol[State]):
    """A world that can number the state in which an episode starts without making it."""

    def start_index(self, random: torch.Tensor) -> torch.Tensor:
        """The `state_index` of what `place` makes of random numbers, int64 [N]."""
        ...


@runtime_checkable
class DrawableWorld(World[State], Protocol[State]):
    """A world that can draw itself, so that its policies can be filmed."""

    def draw(self, state: State) -> NDArray[np.uint8]:
        """A picture of each state, [N, height, width, 3], each colour 0 to 255."""
        ...


@runtime_checkable
class NamingWorld(World[State], Protocol[State]):
    """A world that names its actions, so that a page can call them by these names."""

    @property
    def action_names(self) -> tuple[str, ...]:
        """A name for each action, in their order, such as `left`."""
        ...
