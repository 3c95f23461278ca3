"""Pictures of the gridworld: what a person sees of one environment."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from PIL import Image, ImageDraw

from routed_envs.gridworld.world import DiamondGhostWorld, GridState

Painter = Callable[[ImageDraw.ImageDraw, float], None]
"""It draws one thing into a square of so many pixels."""
BACKGROUND, LINE, WATCHED = "#ffffff", "#d4d8de", "#ffe3a3"
AGENT, DIAMOND, GHOST, EYE = "#1f2937", "#0ea5c6", "#b0459b", "#b45309"
SMOOTHING = 4
"""Shapes are drawn this many times larger and scaled down, so that their edges are smooth."""


def draw_grid(
    world: DiamondGhostWorld,
    state: GridState,
    index: int = 0,
    cell_size: int = 64,
    show_agent: bool = True,
) -> Image.Image:
    """Draw one environment: agent, diamond, ghost, and an eye on each square with oversight.

    Args:
        world: The rules, for the grid's size.
        state: N environments.
        index: Which of them to draw.
        cell_size: Side of a cell in pixels, at least 8.
        show_agent: Leave the agent out if False.

    Returns:
        An RGB picture of cols x cell_size + 1 by rows x cell_size + 1 pixels.
    """
    size = (world.cols * cell_size + 1, world.rows * cell_size + 1)
    picture = Image.new("RGB", size, BACKGROUND)
    pen = ImageDraw.Draw(picture)
    cells = range(world.cells)
    corners = [(c % world.cols * cell_size, c // world.cols * cell_size) for c in cells]
    for (left, top), watched in zip(corners, state.oversight[index].tolist(), strict=True):
        box = (left, top, left + cell_size, top + cell_size)
        pen.rectangle(box, fill=WATCHED if watched else BACKGROUND, outline=LINE)
        if watched:
            _paste(picture, _eye, cell_size, left, top)
    targets = {int(state.diamond[index]): _diamond, int(state.ghost[index]): _ghost}
    for cell, shape in targets.items():
        _paste(picture, shape, cell_size, *corners[cell])
    if show_agent:
        cell = int(state.agent[index])
        left, top = corners[cell]
        # On a target the agent is drawn small, so that both can be seen.
        small = cell in targets
        agent_size, shift = (cell_size * 3 // 5, cell_size * 2 // 5) if small else (cell_size, 0)
        _paste(picture, _agent, agent_size, left, top + shift)
    return picture


def draw_text(world: DiamondGhostWorld, state: GridState, index: int = 0) -> str:
    """Draw one environment with letters: `A` agent, `D` diamond, `G` ghost, `*` for oversight.

    Args:
        world: The rules, for the grid's size.
        state: N environments.
        index: Which of them to draw.

    Returns:
        One line for each row of the grid.
    """
    letters = ["."] * world.cells
    for letter, cells in (("D", state.diamond), ("G", state.ghost), ("A", state.agent)):
        letters[int(cells[index])] = letter
    marks = ["*" if watched else " " for watched in state.oversight[index]]
    squares = [letter + mark for letter, mark in zip(letters, marks, strict=True)]
    rows = (squares[start : start + world.cols] for start in range(0, world.cells, world.cols))
    return "\n".join(" ".join(row).rstrip() for row in rows)


def _paste(picture: Image.Image, shape: Painter, size: int, left: int, top: int) -> None:
    sprite = _sprite(shape, size)
    picture.paste(sprite, (left, top), sprite)


@cache
def _sprite(shape: Painter, size: int) -> Image.Image:
    large = Image.new("RGBA", (size * SMOOTHING, size * SMOOTHING))
    shape(ImageDraw.Draw(large), size * SMOOTHING)
    return large.resize((size, size), Image.Resampling.LANCZOS)


def _scaled(points: list[tuple[float, float]], size: float) -> list[tuple[float, float]]:
    return [(x * size, y * size) for x, y in points]


def _circle(
    pen: ImageDraw.ImageDraw, size: float, x: float, y: float, radius: float, fill: str
) -> None:
    """A disc in a unit square."""
    pen.ellipse(_scaled([(x - radius, y - radius), (x + radius, y + radius)], size), fill=fill)


def _agent(pen: ImageDraw.ImageDraw, size: float) -> None:
    _circle(pen, size, 0.5, 0.5, 0.27, AGENT)
    for x in (0.41, 0.59):
        _circle(pen, size, x, 0.46, 0.06, "#ffffff")


def _diamond(pen: ImageDraw.ImageDraw, size: float) -> None:
    """A cut stone."""
    outline = [(0.32, 0.28), (0.68, 0.28), (0.83, 0.45), (0.5, 0.82), (0.17, 0.45)]
    pen.polygon(_scaled(outline, size), fill=DIAMOND)
    pen.polygon(_scaled([(0.38, 0.45), (0.62, 0.45), (0.5, 0.78)], size), fill="#7dd8ea")
    for line in ([(0.17, 0.45), (0.83, 0.45)], [(0.38, 0.45), (0.5, 0.28), (0.62, 0.45)]):
        pen.line(_scaled(line, size), fill="#ffffff", width=max(1, round(size * 0.018)))


def _ghost(pen: ImageDraw.ImageDraw, size: float) -> None:
    """A sheet with a wavy hem."""
    pen.pieslice(_scaled([(0.24, 0.18), (0.76, 0.7)], size), 180, 360, fill=GHOST)
    hem = [(0.24, 0.43), (0.76, 0.43), (0.76, 0.8), (0.675, 0.72), (0.59, 0.8), (0.5, 0.72)]
    pen.polygon(_scaled([*hem, (0.41, 0.8), (0.325, 0.72), (0.24, 0.8)], size), fill=GHOST)
    for x in (0.41, 0.59):
        _circle(pen, size, x, 0.42, 0.07, "#ffffff")
        _circle(pen, size, x, 0.44, 0.035, AGENT)


def _eye(pen: ImageDraw.ImageDraw, size: float) -> None:
    """A small eye in the upper right corner: this square is overseen."""
    lid = _scaled([(0.75, 0.06), (0.95, 0.2)], size)
    pen.ellipse(lid, fill="#ffffff", outline=EYE, width=max(1, round(size * 0.02)))
    _circle(pen, size, 0.85, 0.13, 0.045, EYE)
