"""Where the walls of a MiniGrid room stand. A square is a number: row x size + column."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from functools import cache

import numpy as np

from routed_envs.errors import InputError, unknown_name

SMALLEST = {"open": 4, "walls": 5, "rooms": 7}
"""A layout has at least this size, which includes the outer walls."""
SQUARES_PER_WALL = 6
"""In the layout `walls`, one in so many inner squares is a wall."""


def check_layout(layout: str, size: int) -> None:
    """Refuse what no grid can be built from.

    Args:
        layout: `open`, `walls` or `rooms`; see `inner_walls`.
        size: Rows and columns, outer walls included.

    Raises:
        InputError: There is no such layout, or the size is too small for it.
    """
    if layout not in SMALLEST:
        raise unknown_name("layout", layout, SMALLEST)
    if not isinstance(size, int) or size < SMALLEST[layout]:
        raise InputError(
            f"size={size!r}: give a whole number of at least {SMALLEST[layout]} for the layout "
            f"{layout!r}; it counts the outer walls."
        )


@cache
def inner_squares(size: int) -> tuple[int, ...]:
    """The squares within the outer walls, in ascending order."""
    inside = range(1, size - 1)
    return tuple(row * size + col for row in inside for col in inside)


def inner_walls(
    layout: str, size: int, generator: np.random.Generator, free: AbstractSet[int]
) -> AbstractSet[int]:
    """The walls within the outer ones. What is left is connected.

    Args:
        layout: `open` has none; `walls` has single ones anywhere; `rooms` are four, divided by a
            cross of walls that has a gap at random in each arm.
        size: Rows and columns, outer walls included.
        generator: Decides what is random.
        free: Squares that shall be no walls.
    """
    if layout == "open":
        return frozenset()
    if layout == "rooms":
        return _room_walls(size, generator) - free
    return _single_walls(size, generator, free)


def _room_walls(size: int, generator: np.random.Generator) -> AbstractSet[int]:
    middle = size // 2
    halves = (range(1, middle), range(middle + 1, size - 1))
    draws = generator.random(4)
    gaps = {
        half[int(draw * len(half))] * across + middle * along
        for (across, along), pair in (((1, size), draws[:2]), ((size, 1), draws[2:]))
        for half, draw in zip(halves, pair, strict=True)
    }
    cross = {middle * size + place for place in range(1, size - 1)}
    return (cross | {place * size + middle for place in range(1, size - 1)}) - gaps


def _single_walls(
    size: int, generator: np.random.Generator, free: AbstractSet[int]
) -> AbstractSet[int]:
    """Single walls, drawn anew until every other square can be reached from every other."""
    inside = inner_squares(size)
    places = [square for square in inside if square not in free]
    count = len(inside) // SQUARES_PER_WALL
    while True:
        walls = {places[index] for index in generator.permutation(len(places))[:count].tolist()}
        if connected(set(inside) - walls, size):
            return walls


def connected(squares: AbstractSet[int], size: int) -> bool:
    """Whether one can walk from each of these squares, all inside the outer ring, to each other."""
    unseen = set(squares)
    edge = [unseen.pop()]
    while edge:
        square = edge.pop()
        for near in (square - size, square + 1, square + size, square - 1):
            if near in unseen:
                unseen.remove(near)
                edge.append(near)
    return not unseen
