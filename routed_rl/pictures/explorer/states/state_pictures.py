"""What there is to see in a world's states: its own pictures, and what the agent sees."""

from __future__ import annotations

import base64
import hashlib
import io
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageColor

from routed_envs.worlds import DrawableWorld, EnumerableWorld, map_states
from routed_rl.charts.colours import ACCENT

FAINTEST = 26
"""How opaque the lowest number of an observation is, of 255: its cells stay visible."""

DRAWN_AT_ONCE = 256
"""So many pictures are held before they are packed."""
PLACE_LETTERS = 7
"""What a place takes in a page, at most, with what parts it from the next one."""


@dataclass(frozen=True)
class Album:
    """Pictures for a page.

    Attributes:
        pictures: PNG in base 64, all different. The page gives them one width, so a picture that
            is made of equal squares has a dot for each.
        places: Which of them shows each of the things that were drawn.
    """

    pictures: tuple[str, ...]
    places: tuple[int, ...]

    @property
    def letters(self) -> int:
        """How much of a page they take."""
        return sum(map(len, self.pictures)) + PLACE_LETTERS * len(self.places)


def looks(world: EnumerableWorld[Any], room: int) -> dict[str, Any] | None:
    """What there is to see in each state, as the page reads it.

    Args:
        world: Whose states are listed.
        room: How many letters it may take.

    Returns:
        `pictures`, the world's own, of every state and then of every ending in the order of states
        and actions, None if it draws none or they do not fit; `seen`, the observations, None if
        they do not fit beside them; and whether the pictures were `leftOut`. None if nothing fits.
    """
    states = world.enumerate_states()
    draw = world.draw if isinstance(world, DrawableWorld) else None
    drawn = None if draw is None else album(_drawn(world, draw), room)
    seen = album(heat_maps(world.observe(states)), room - (drawn.letters if drawn else 0))
    if drawn is None and seen is None:
        return None
    pictures = drawn and {"images": drawn.pictures, "places": drawn.places}
    return {
        "pictures": pictures,
        "seen": seen and {"images": seen.pictures, "places": seen.places},
        "leftOut": draw is not None and drawn is None,
    }


def album(drawn: Iterable[NDArray[np.uint8]], room: int) -> Album | None:
    """Collect pictures.

    Args:
        drawn: uint8 [height, width, 3 or 4] each; no more than fit are asked for.
        room: How many letters of base 64 there may be.

    Returns:
        The pictures, or None if they take more.
    """
    known: dict[bytes, int] = {}
    pictures, places = list[str](), list[int]()
    for picture in drawn:
        key = hashlib.sha256(picture.tobytes()).digest()
        if key not in known:
            known[key] = len(pictures)
            pictures.append(_png(_reduced(picture)))
            room -= len(pictures[-1])
        places.append(known[key])
        room -= PLACE_LETTERS
        if room < 0:
            return None
    return Album(tuple(pictures), tuple(places))


def heat_maps(observations: torch.Tensor) -> NDArray[np.uint8]:
    """Observations as pictures: the planes side by side, the more opaque the larger a number is.

    Args:
        observations: int8 [S, ...]; the last two axes are the rows and columns of a plane.

    Returns:
        uint8 [S, rows, planes x (columns + 1) - 1, 4], red, green, blue and opacity.
    """
    rows, columns = (1, 1, *observations.shape[1:])[-2:]
    planes = observations.reshape(len(observations), -1, rows, columns).float()
    lowest = planes.min()
    share = (planes - lowest) / (planes.max() - lowest).clamp(min=1)
    opacity = torch.nn.functional.pad(FAINTEST + (255 - FAINTEST) * share, (0, 1))
    beside = opacity.transpose(1, 2).flatten(2)[..., :-1]
    colour = torch.tensor(ImageColor.getrgb(ACCENT)).expand(*beside.shape, 3)
    return torch.cat((colour, beside.unsqueeze(3)), 3).to(torch.uint8).numpy()


def _reduced(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A dot for each of the equal squares that a picture is made of, as large as they may be."""
    height, width = picture.shape[:2]
    rows = np.flatnonzero((picture[1:] != picture[:-1]).any((1, 2))) + 1
    columns = np.flatnonzero((picture[:, 1:] != picture[:, :-1]).any((0, 2))) + 1
    side = math.gcd(height, width, *rows.tolist(), *columns.tolist())
    return picture[::side, ::side]


def _png(picture: NDArray[np.uint8]) -> str:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG", optimize=True)
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def _drawn(
    world: EnumerableWorld[Any], draw: Callable[[Any], NDArray[np.uint8]]
) -> Iterator[NDArray[np.uint8]]:
    """The pictures of all states, then of all endings, in the order of states and actions."""
    states = world.enumerate_states()
    count = world.state_count or 0
    yield from _in_batches(states, count, draw)
    # Each state with each action, the actions of a state one after another.
    everywhere = map_states(lambda part: part.repeat_interleave(world.actions, 0), states)
    after, ending = world.advance(everywhere, torch.arange(world.actions).repeat(count))
    ended = ending.outcome != world.outcomes.unfinished
    yield from _in_batches(map_states(lambda part: part[ended], after), int(ended.sum()), draw)


def _in_batches(
    states: Any, count: int, draw: Callable[[Any], NDArray[np.uint8]]
) -> Iterator[NDArray[np.uint8]]:
    for start in range(0, count, DRAWN_AT_ONCE):
        chosen = slice(start, start + DRAWN_AT_ONCE)
        yield from np.asarray(draw(map_states(lambda part, rows=chosen: part[rows], states)))
