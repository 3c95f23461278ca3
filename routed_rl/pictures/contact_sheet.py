"""A contact sheet: every episode in a row of small pictures, with the likelihood of each step."""

from __future__ import annotations

import io
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from PIL import Image, ImageDraw

from routed_agents.policies.policy import Policy
from routed_envs.gridworld.drawing import AGENT, draw_grid
from routed_envs.gridworld.world import DiamondGhostWorld
from routed_rl.charts.colours import MUTED, PAPER, target_colour
from routed_rl.charts.drawing import save_picture
from routed_rl.pictures.episodes import Frame
from routed_rl.pictures.film import COLUMNS, MARGIN, font, frame_records, percent, who_acts

CELL, GAP = 28, 14
"""So many pixels are a cell's side, and between the pictures."""
HEADER, CAPTION = 66, 40
"""So many pixels are above the rows, and under each picture."""
CAPTION_WIDTH = 140
"""A caption needs so many pixels."""
MOST = 9
"""A row has so many pictures; of a longer episode the moments before the last are left out."""


def save_contact_sheet(
    frames: Sequence[Frame], policy: Policy, world: DiamondGhostWorld, path: Path
) -> None:
    """Write the sheet as a PNG, and its moments beside it in a table of the same name, `.csv`."""
    buffer = io.BytesIO()
    draw_contact_sheet(frames, policy, world).save(buffer, "PNG", optimize=True)
    save_picture(path, buffer.getvalue(), COLUMNS, frame_records(frames, world))


def draw_contact_sheet(
    frames: Sequence[Frame], policy: Policy, world: DiamondGhostWorld
) -> Image.Image:
    """The sheet as an RGB picture, from the frames of `record` or `record_failures`."""
    rows = [_shortened(list(own)) for _, own in groupby(frames, lambda frame: frame.episode)]
    across = max(world.cols * CELL, CAPTION_WIDTH) + 1 + GAP
    down = world.rows * CELL + 1 + CAPTION
    columns = max(map(len, rows))
    size = (2 * MARGIN + max(columns * across - GAP, 420), HEADER + len(rows) * down)
    sheet = Image.new("RGB", size, PAPER)
    pen = ImageDraw.Draw(sheet)
    pen.text((MARGIN, 14), who_acts(policy), AGENT, font(17))
    note = "under each picture: the move that led there, and its probability"
    pen.text((MARGIN, 38), note, MUTED, font(13))
    for row, moments in enumerate(rows):
        for column, moment in enumerate(moments):
            place = (MARGIN + column * across, HEADER + row * down)
            if moment is not None:
                sheet.paste(draw_grid(world, moment.state, cell_size=CELL), place)
                _draw_caption(pen, moment, place, world)
            else:
                middle = (place[0] + (across - GAP) / 2, place[1] + world.rows * CELL / 2)
                pen.text(middle, "\N{MIDDLE DOT} " * 3, MUTED, font(26), anchor="mm")
    return sheet


def _shortened(frames: list[Frame]) -> list[Frame | None]:
    """An episode's moments, with None for those that have no room."""
    if len(frames) <= MOST:
        return [*frames]
    return [*frames[: MOST - 2], None, frames[-1]]


def _draw_caption(
    pen: ImageDraw.ImageDraw, frame: Frame, place: tuple[int, int], world: DiamondGhostWorld
) -> None:
    """The move and its probability; at the end on the outcome's colour."""
    left, top = place[0], place[1] + world.rows * CELL + 4
    right = left + max(world.cols * CELL, CAPTION_WIDTH)
    if frame.action is None or frame.likelihood is None:
        pen.text((left, top + 3), f"episode {frame.episode + 1}", MUTED, font(13))
        return
    text, colour = f"{frame.action} {percent(frame.likelihood)}", AGENT
    if frame.outcome != "unfinished":
        pen.rectangle((left, top, right, top + 20), target_colour(frame.outcome, world.outcomes))
        colour = PAPER
        pen.text((right - 6, top + 3), frame.outcome, colour, font(13), anchor="ra")
        left += 6
    pen.text((left, top + 3), text, colour, font(13))
