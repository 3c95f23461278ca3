"""What the options of `reset` may fix of an episode's start."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from routed_envs.errors import InputError, unknown_name
from routed_envs.minigrids.layout import inner_squares


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
    known = [field.name for field in fields(Placement)]
    for name in options:
        if name not in known:
            raise unknown_name("option of reset()", name, known)
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
    """Refuse squares that coincide, and values outside their ranges."""
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
    """The squares with oversight."""
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
