"""How an episode starts: what the options of `reset` fix of it, and what is drawn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from routed_envs.errors import InputError, check_names
from routed_envs.gridworld.world import DiamondGhostWorld
from routed_envs.minigrids.layout import inner_squares, inner_walls
from routed_envs.oversight.overseer import Overseer

PIECES = ("agent", "ghost", "diamond")
OPTIONS = (*PIECES, "direction", "oversight", "mistaken")


def fixed_by(options: Mapping[str, Any] | None, size: int) -> dict[str, Any]:
    """Read and check the options of `reset`.

    Args:
        options: What of a start is fixed, squares as (column, row); None is drawn.
        size: Rows and columns, outer walls included.

    Returns:
        The options that are not None, squares as numbers and `oversight` as a frozenset of them.

    Raises:
        InputError: An option is unknown or cannot be used.
    """
    options = options or {}
    check_names("option of reset()", options, OPTIONS)
    given = {name: value for name, value in options.items() if value is not None}
    pieces = {name: _square(name, given[name], size) for name in PIECES if name in given}
    if len(set(pieces.values())) < len(pieces):
        told = ", ".join(f"{name}={given[name]!r}" for name in pieces)
        raise InputError(f"{told}: give each a square of its own.")
    if given.get("direction", 0) not in (0, 1, 2, 3):
        raise InputError(
            f"direction={given['direction']!r}: give 0 (right), 1 (down), 2 (left) or 3 (up)."
        )
    if given.get("mistaken", False) not in (True, False):
        raise InputError(f"mistaken={given['mistaken']!r}: give True or False.")
    if "oversight" in given:
        given["oversight"] = _squares(given["oversight"], size)
    return given | pieces


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

    def draw(self, generator: np.random.Generator, fixed: Mapping[str, Any]) -> Start:
        """Start an episode; the generator decides what is not fixed, see `fixed_by`."""
        squares = {fixed[name] for name in PIECES if name in fixed}
        walls = inner_walls(self.layout, self.size, generator, squares)
        taken = walls | squares
        free = [square for square in inner_squares(self.size) if square not in taken]
        *places, turn, ghost_seen, diamond_seen, noise, other = generator.random(8).tolist()
        agent, ghost, diamond = (
            fixed[name] if name in fixed else free.pop(int(draw * len(free)))
            for name, draw in zip(PIECES, places, strict=True)
        )
        overseen = fixed.get("oversight")
        if overseen is None:
            seen = {ghost: ghost_seen, diamond: diamond_seen}
            overseen = self._oversight(seen, [*free, agent], generator)
        return Start(
            agent=agent,
            ghost=ghost,
            diamond=diamond,
            direction=fixed.get("direction", int(turn * 4)),
            walls=frozenset(walls),
            overseen=overseen - walls,
            shift=int(fixed.get("mistaken", self.overseer.shift(noise, other))),
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
