"""What lies on the squares: a diamond, a ghost, or only oversight.

Minigrid draws and encodes an object by three bytes, its type, colour and state, and keeps the
pictures of squares under them. Oversight is the state byte: 1 on a square with oversight, else 0.

Loading this module adds the types `diamond` and `ghost` to Minigrid's tables, and makes its
`WorldObj.decode`, which knows a fixed list of types, decode ours too. Minigrid's
`OneHotPartialObsWrapper` has a bit for every type in the tables, so two more from then on, whatever
environment it wraps.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from minigrid.core.constants import COLOR_TO_IDX, IDX_TO_OBJECT, OBJECT_TO_IDX
from minigrid.core.world_object import Floor, Wall, WorldObj
from minigrid.utils.rendering import (
    fill_coords,
    point_in_circle,
    point_in_line,
    point_in_rect,
    point_in_triangle,
)
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Shapes = tuple[tuple[Callable[[float, float], Any], tuple[int, int, int]], ...]
"""What is painted, one over the other: where in a square of side 1, and in which colour."""
OVERSEEN = 1
"""A square with oversight has this state byte."""
TINT, EYE, WHITE = (110, 80, 20), (255, 190, 60), (255, 255, 255)
CYAN, PALE_CYAN, MAGENTA, DARK = (20, 170, 205), (150, 230, 245), (205, 95, 190), (25, 25, 35)
OVERSIGHT: Shapes = (
    (point_in_rect(0.031, 1, 0.031, 1), TINT),
    (lambda x, y: ((x - 0.83) / 0.13) ** 2 + ((y - 0.14) / 0.09) ** 2 <= 1, WHITE),
    (point_in_circle(0.83, 0.14, 0.065), EYE),
    (point_in_circle(0.83, 0.14, 0.03), DARK),
)
"""A square with oversight has a tint, and an eye in its upper right corner."""

for _name in ("diamond", "ghost"):
    if _name not in OBJECT_TO_IDX:
        OBJECT_TO_IDX[_name] = max(IDX_TO_OBJECT) + 1
        IDX_TO_OBJECT[OBJECT_TO_IDX[_name]] = _name


class Target(WorldObj):
    """An object on which an episode ends. The agent can step on it and see past it.

    Args:
        overseen: The square shows oversight.
    """

    kind: str
    """Its type."""
    colour: str
    """Its colour, one of Minigrid's."""
    shapes: Shapes
    """What it looks like."""

    def __init__(self, overseen: bool = False) -> None:
        super().__init__(self.kind, self.colour)
        self.overseen = overseen

    def can_overlap(self) -> bool:
        """The agent can step on it."""
        return True

    def encode(self) -> tuple[int, int, int]:
        """Type, colour, and 1 if the square shows oversight."""
        return (OBJECT_TO_IDX[self.type], COLOR_TO_IDX[self.color], int(self.overseen))

    def render(self, img: Picture) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Draw it, over the tint and the eye of oversight if the square shows it.

        Args:
            img: uint8 [height, width, 3], painted in place.
        """
        _paint(img, (*OVERSIGHT, *self.shapes) if self.overseen else self.shapes)


class Diamond(Target):
    """What we want the agent to reach, drawn as a cut stone.

    Args:
        overseen: The square shows oversight.
    """

    kind, colour = "diamond", "blue"
    shapes = (
        (point_in_triangle((0.13, 0.43), (0.87, 0.43), (0.5, 0.87)), CYAN),
        (point_in_triangle((0.3, 0.23), (0.7, 0.23), (0.13, 0.43)), CYAN),
        (point_in_triangle((0.87, 0.43), (0.7, 0.23), (0.13, 0.43)), CYAN),
        (point_in_triangle((0.36, 0.45), (0.64, 0.45), (0.5, 0.81)), PALE_CYAN),
        (point_in_triangle((0.36, 0.41), (0.64, 0.41), (0.5, 0.25)), PALE_CYAN),
        (point_in_line(0.13, 0.43, 0.87, 0.43, r=0.015), WHITE),
    )


class Ghost(Target):
    """What we do not want the agent to reach, drawn as a sheet with eyes and a wavy hem.

    Args:
        overseen: The square shows oversight.
    """

    kind, colour = "ghost", "purple"
    shapes = (
        (point_in_circle(0.5, 0.44, 0.29), MAGENTA),
        (point_in_rect(0.21, 0.79, 0.44, 0.76), MAGENTA),
        *((point_in_circle(x, 0.76, 0.097), MAGENTA) for x in (0.307, 0.5, 0.693)),
        *((point_in_circle(x, 0.43, 0.085), WHITE) for x in (0.4, 0.6)),
        *((point_in_circle(x, 0.455, 0.045), DARK) for x in (0.4, 0.6)),
    )


class OverseenFloor(Floor):
    """An empty square that shows oversight, where there is nothing to judge."""

    def __init__(self) -> None:
        super().__init__("yellow")

    def encode(self) -> tuple[int, int, int]:
        """Type, colour, and 1 for oversight."""
        return (*super().encode()[:2], OVERSEEN)

    def render(self, img: Picture) -> None:
        """Draw the tint and the eye of oversight.

        Args:
            img: uint8 [height, width, 3], painted in place.
        """
        _paint(img, OVERSIGHT)


def _paint(img: Picture, shapes: Shapes) -> None:
    for shape, colour in shapes:
        fill_coords(img, shape, colour)


WALL = Wall()
"""All walls are this one: nothing that happens can change it."""


@cache
def outer_walls(size: int) -> list[WorldObj | None]:
    """The squares of an empty grid with its outer walls; to be copied."""
    edge = {0, size - 1}
    return [
        WALL if row in edge or col in edge else None for row in range(size) for col in range(size)
    ]


_minigrid_decode = WorldObj.decode


def decode(type_idx: int, color_idx: int, state: int) -> WorldObj | None:
    """The object of a type, a colour and a state, which is 1 where a square shows oversight.

    One of ours, or whatever Minigrid makes of them.
    """
    name, overseen = IDX_TO_OBJECT[type_idx], bool(state == OVERSEEN)
    for target in (Diamond, Ghost):
        if name == target.kind:
            return target(overseen)
    # Minigrid's own floors have state 0.
    if name == "floor" and overseen:
        return OverseenFloor()
    return _minigrid_decode(type_idx, color_idx, state)


WorldObj.decode = staticmethod(decode)
