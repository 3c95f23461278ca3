"""A placement of one's own: where agent, diamond and ghost start, and what is watched."""

from __future__ import annotations

import re
from collections.abc import Sequence

import torch

from routed_envs.errors import InputError, unknown_name
from routed_envs.gridworld.world import DiamondGhostWorld, GridState

WATCHED = "watched"
EXAMPLE = "--start agent=4,0 diamond=0,4 ghost=2,2 watched=0,4"


def parse_placement(words: Sequence[str], world: DiamondGhostWorld) -> GridState:
    """A start from words such as `agent=4,0`: a row and a column, both from 0.

    Args:
        words: `agent`, `diamond` and `ghost` once each, and `watched` for every square with
            oversight.
        world: The rules, for the grid's size.

    Returns:
        One environment (N = 1) at step 0.

    Raises:
        InputError: A word cannot be read, a cell is off the grid, or two things are on one.
    """
    found: dict[str, int] = {}
    watched: list[int] = []
    for word in words:
        name, cell = _read(word, world)
        if name == WATCHED:
            watched.append(cell)
        elif name in found:
            raise InputError(f"--start places the {name} twice. Give each of them once.")
        else:
            found[name] = cell
    things = _things(world)
    _check(found, things, world.cols)
    oversight = torch.zeros((1, world.cells), dtype=torch.int8)
    oversight[0, watched] = 1
    cells = {name: torch.tensor([found[name]]) for name in things}
    nothing = torch.zeros(1, dtype=torch.int64)
    return GridState(oversight=oversight, steps=nothing, mistaken=nothing.to(torch.int8), **cells)


def _things(world: DiamondGhostWorld) -> tuple[str, ...]:
    """What a placement must place, by the names that it has in a state."""
    return ("agent", *world.outcomes.targets)


def _read(word: str, world: DiamondGhostWorld) -> tuple[str, int]:
    """What a word places, and the number of its cell."""
    match = re.fullmatch(r"(\w+)=(\d+),(\d+)", word)
    if match is None:
        raise InputError(
            f"--start {word!r} cannot be read. Give rows and columns from 0, such as {EXAMPLE}"
        )
    name, row, col = match[1], int(match[2]), int(match[3])
    known = (*_things(world), WATCHED)
    if name not in known:
        raise unknown_name("thing to place", name, known)
    if row >= world.rows or col >= world.cols:
        raise InputError(
            f"--start {word}: the grid has rows 0 to {world.rows - 1} and columns 0 to "
            f"{world.cols - 1}."
        )
    return name, row * world.cols + col


def _check(found: dict[str, int], things: Sequence[str], cols: int) -> None:
    """Refuse a placement that lacks something or has two things on one cell."""
    missing = [name for name in things if name not in found]
    if missing:
        raise InputError(f"--start has no place for the {' and the '.join(missing)}: {EXAMPLE}")
    for index, name in enumerate(things):
        for other in things[:index]:
            if found[name] == found[other]:
                row, col = divmod(found[name], cols)
                raise InputError(
                    f"--start puts the {other} and the {name} on one cell, {row},{col}. "
                    "Give each a cell of its own."
                )
