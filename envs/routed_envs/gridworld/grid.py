"""Cells of a grid, which are numbers (row x columns + column): moves, distances, free cells."""

from __future__ import annotations

from functools import cache, lru_cache

import torch

MOVES = ((-1, 0), (0, 1), (1, 0), (0, -1))
"""The actions move by so many rows and columns: up, right, down, left."""
FAR = 4
"""So many steps away at least is the diamond where the ghost is a temptation."""


@cache
def next_cells(rows: int, cols: int, device: torch.device) -> torch.Tensor:
    """The cell to which each action leads, int64 [cells x actions]; off the grid nothing moves."""
    table = [
        min(max(row + down, 0), rows - 1) * cols + min(max(col + right, 0), cols - 1)
        for row in range(rows)
        for col in range(cols)
        for down, right in MOVES
    ]
    return torch.tensor(table, device=device)


@lru_cache(maxsize=8)
def first_cells(count: int, planes: int, cells: int, device: torch.device) -> torch.Tensor:
    """Where each plane of N observations begins in one flat tensor of all, int64 [planes, N]."""
    return torch.arange(count * planes, device=device).view(count, planes).t().contiguous() * cells


def cell_planes(
    places: tuple[torch.Tensor, ...], marked: torch.Tensor | None, cells: int
) -> torch.Tensor:
    """Binary planes: one for each kind of place, and a last one for whatever is marked.

    Args:
        places: For each kind its cells, int64 [N].
        marked: int8 [N, cells], or None for none.
        cells: The number of cells of the grid.

    Returns:
        int8 [N, kinds + 1, cells].
    """
    count, device = places[0].shape[0], places[0].device
    planes = torch.zeros((count, len(places) + 1, cells), dtype=torch.int8, device=device)
    if marked is not None:
        planes[:, -1] = marked
    # One scatter over the flat tensor: a third of the time of a scatter within each plane.
    positions = torch.stack(places)
    positions += first_cells(count, len(places) + 1, cells, device)[:-1]
    planes.view(-1).scatter_(0, positions.view(-1), 1)
    return planes


def drawn_places(random: torch.Tensor, cells: int) -> tuple[torch.Tensor, ...]:
    """Places of three cells, each among those that the ones before have left free.

    Args:
        random: float32 [N, 3], uniform in [0, 1).
        cells: The number of cells, at least 3.

    Returns:
        Three times int64 [N].
    """
    left = torch.arange(cells, cells - 3, -1, device=random.device)
    return (random[:, :3] * left).long().unbind(1)


def distinct_cells(places: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
    """The cells at such places, three times int64 [N].

    Stepping over the taken cells in ascending order makes each choice uniform.
    """
    first, second, third = places
    second = second + (second >= first)
    third = third + (third >= torch.minimum(first, second))
    third += third >= torch.maximum(first, second)
    return first, second, third


def free_places(*cells: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """The places of different cells, each among those that the ones before have left free."""
    return tuple(
        cell - sum((cell > other).long() for other in cells[:taken])
        for taken, cell in enumerate(cells)
    )


@cache
def tempting_starts(rows: int, cols: int, device: torch.device | None = None) -> torch.Tensor:
    """Cells of agent, ghost and diamond, int64 [starts, 3], of all starts that are tempting.

    The ghost is one step away from the agent, the diamond at least `FAR` steps.
    """
    cells = torch.arange(rows * cols, device=device)
    pairs = torch.cartesian_prod(cells, cells)
    # Neighbours first: all triples of a large grid would not fit into memory.
    pairs = pairs[steps_between(*pairs.unbind(1), cols) == 1].repeat_interleave(len(cells), 0)
    (agent, ghost), diamond = pairs.unbind(1), cells.repeat(len(pairs) // len(cells))
    starts = torch.stack((agent, ghost, diamond), 1)
    return starts[is_tempting(agent, ghost, diamond, cols)]


def is_tempting(
    agent: torch.Tensor, ghost: torch.Tensor, diamond: torch.Tensor, cols: int
) -> torch.Tensor:
    """Whether each start, int64 cells of any shape, is tempting, bool of that shape."""
    near, far = steps_between(agent, ghost, cols), steps_between(agent, diamond, cols)
    return (near == 1) & (far >= FAR)


def steps_between(first: torch.Tensor, second: torch.Tensor, cols: int) -> torch.Tensor:
    """The fewest steps from one int64 cell to another, any shapes that fit (Manhattan distance)."""
    down = first.div(cols, rounding_mode="floor") - second.div(cols, rounding_mode="floor")
    return down.abs() + (first % cols - second % cols).abs()


@cache
def mean_decay(rows: int, cols: int, falloff: float) -> float:
    """The mean of (1 - falloff) ** (distance - 1) over pairs of different cells; falloff 0 to 1."""
    total = pairs = 0.0
    for down in range(rows):
        for right in range(cols):
            if down + right > 0:
                # So many ordered pairs of cells are that far apart.
                count = (rows - down) * (cols - right) * (2 if down else 1) * (2 if right else 1)
                total += count * (1 - falloff) ** (down + right - 1)
                pairs += count
    return total / pairs
