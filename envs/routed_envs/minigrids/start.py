"""How an episode starts: what the options of `reset` fix of it, and what is drawn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from routed_envs.errors import InputError, check_names
from routed_envs.gridworld.world import DiamondGhostWorld
from routed_envs.minigrids.layout import inner_squares, inner_walls
from routed_envs.oversight.overseer import Overseer


@dataclass(frozen=True)
class Placement:
    """An episode's start; what is None is drawn. A square is a number: row x size + column.

    Attributes:
        agent: The agent's square.
        diamond: The diamond's square.
        ghost: The ghost's square.
        direction: Where the agent faces: 0 right, 1 down, 2 left, 3 up.
        oversight: All squares with oversight.
        mistaken: The overseer would take one target for the other.
    """

    agent: int | None = None
    diamond: int | None = None
    ghost: int | None = None
    direction: int | None = None
    oversight: frozenset[int] | None = None
    mistaken: bool | None = None

    @property
    def squares(self) -> frozenset[int]:
        """The given squares of agent, diamond and ghost."""
        given = (self.agent, self.diamond, self.ghost)
        return frozenset(square for square in given if square is not None)


def placement_from(options: Mapping[str, Any] | None, size: int) -> Placement:
    """Read and check the options of `reset`.

    Args:
        options: Any of the fields of `Placement`, squares as (column, row).
        size: Rows and columns, outer walls included.

    Raises:
        InputError: An option is unknown or cannot be used.
    """
    options = options or {}
    check_names("option of reset()", options, [field.name for field in fields(Placement)])
    given = {name: value for name, value in options.items() if value is not None}
    read = dict(given)
    for name in {"agent", "diamond", "ghost"} & given.keys():
        read[name] = _square(name, given[name], size)
    if "oversight" in given:
        read["oversight"] = _squares(given["oversight"], size)
    placement = Placement(**read)
    _check(placement, given)
    return placement


def _check(placement: Placement, given: Mapping[str, Any]) -> None:
    names = [name for name in ("agent", "diamond", "ghost") if name in given]
    if len(placement.squares) < len(names):
        told = ", ".join(f"{name}={given[name]!r}" for name in names)
        raise InputError(f"{told}: give each a square of its own.")
    if placement.direction not in (None, 0, 1, 2, 3):
        raise InputError(
            f"direction={placement.direction!r}: give 0 (right), 1 (down), 2 (left) or 3 (up)."
        )
    if placement.mistaken not in (None, True, False):
        raise InputError(f"mistaken={placement.mistaken!r}: give True or False.")


def _squares(given: Any, size: int) -> frozenset[int]:
    if not isinstance(given, Iterable) or isinstance(given, str | Mapping):
        raise InputError(f"oversight={given!r}: give a list of squares (column, row).")
    return frozenset(_square("oversight", square, size) for square in given)


def _square(name: str, given: Any, size: int) -> int:
    """The number of a square within the outer walls."""
    try:
        col, row = (int(number) for number in given)
    except (TypeError, ValueError):
        col = row = -1
    square = row * size + col
    if not 0 < col < size - 1 or square not in inner_squares(size):
        raise InputError(
            f"{name}: {given!r} is no square within the outer walls. Give (column, row), each from "
            f"1 to {size - 2}."
        )
    return square


@dataclass(frozen=True)
class Start:
    """An episode's start. A square is a number: row x size + column.

    Attributes:
        agent: The agent's square.
        ghost: The ghost's square.
        diamond: The diamond's square.
        direction: Where the agent faces: 0 right, 1 down, 2 left, 3 up.
        walls: The walls within the outer ones.
        overseen: All squares with oversight.
        shift: 1 if the overseer would take one target for the other, else 0.
    """

    agent: int
    ghost: int
    diamond: int
    direction: int
    walls: frozenset[int]
    overseen: frozenset[int]
    shift: int


@dataclass(frozen=True)
class Starts:
    """How episodes start.

    Attributes:
        layout: Where walls stand; see `inner_walls`.
        size: Rows and columns, outer walls included.
        rules: The kinds of oversight.
        overseer: Who watches.
    """

    layout: str
    size: int
    rules: DiamondGhostWorld
    overseer: Overseer

    def draw(self, generator: np.random.Generator, fixed: Placement) -> Start:
        """Start an episode; the generator decides what is not fixed."""
        walls = inner_walls(self.layout, self.size, generator, fixed.squares)
        taken = walls | fixed.squares
        free = [square for square in inner_squares(self.size) if square not in taken]
        *places, turn, ghost_seen, diamond_seen, noise, other = generator.random(8).tolist()
        agent, ghost, diamond = (
            free.pop(int(draw * len(free))) if given is None else given
            for given, draw in zip((fixed.agent, fixed.ghost, fixed.diamond), places, strict=True)
        )
        overseen = fixed.oversight
        if overseen is None:
            seen = {ghost: ghost_seen, diamond: diamond_seen}
            overseen = self._oversight(seen, [*free, agent], generator)
        mistaken = fixed.mistaken
        return Start(
            agent=agent,
            ghost=ghost,
            diamond=diamond,
            direction=int(turn * 4) if fixed.direction is None else fixed.direction,
            walls=frozenset(walls),
            overseen=overseen - walls,
            shift=self.overseer.shift(noise, other) if mistaken is None else int(mistaken),
        )

    def _oversight(
        self, targets: dict[int, float], others: list[int], generator: np.random.Generator
    ) -> frozenset[int]:
        """The squares with oversight, from a number in [0, 1) for the ghost's and the diamond's."""
        levels = zip(targets.items(), self.rules.target_oversight, strict=True)
        seen = {square for (square, draw), level in levels if draw < level}
        if self.rules.spurious_oversight > 0:
            marked = generator.random(len(others)) < self.rules.spurious_oversight
            seen.update(np.asarray(others)[marked].tolist())
        return frozenset(seen)
