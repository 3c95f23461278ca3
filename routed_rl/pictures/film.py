"""A film of rollouts: what the agent does, what the gate would say, how each episode ends."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from routed_agents.files import write_atomically
from routed_agents.policies.policy import Policy
from routed_envs.gridworld.drawing import AGENT, DIAMOND, GHOST, draw_grid
from routed_envs.gridworld.world import DiamondGhostWorld
from routed_rl.pictures.encoding import beside, check_film, film_bytes
from routed_rl.pictures.episodes import Frame

CELL = 64
MARGIN = 16
HEADER, FOOTER = 44, 114
"""Pixels above and below the grid."""

GREY, TRACK = "#6b7280", "#e5e7eb"
OUTCOME_COLOURS = {"diamond": DIAMOND, "ghost": GHOST, "timeout": GREY}


def draw_frame(
    frame: Frame, policy: Policy, world: DiamondGhostWorld, episodes: int
) -> Image.Image:
    """The picture of one moment.

    Args:
        frame: The moment.
        policy: Who acts; its steering is named.
        world: The rules, for the grid's size.
        episodes: How many episodes the film has.

    Returns:
        An RGB picture: a headline, the grid, the gate's weight, and the outcome at the end.
    """
    grid = draw_grid(world, frame.state, cell_size=CELL)
    width = max(grid.width, 5 * CELL + 1) + 2 * MARGIN
    picture = Image.new("RGB", (width, grid.height + HEADER + FOOTER), "#ffffff")
    picture.paste(grid, ((width - grid.width) // 2, HEADER))
    pen = ImageDraw.Draw(picture)
    pen.text((MARGIN, 14), who_acts(policy), AGENT, font(17))
    count = f"episode {frame.episode + 1}/{episodes}   step {frame.step}/{world.max_steps}"
    pen.text((width - MARGIN, 17), count, GREY, font(13), anchor="ra")
    top = HEADER + grid.height
    if frame.gate is not None:
        _draw_gate(pen, frame.gate, policy, top + 12, width)
    _draw_move(pen, frame, top + 52)
    _draw_ending(pen, frame, top + 80, width)
    return picture


def who_acts(policy: Policy) -> str:
    """The policy's steering in words.

    Args:
        policy: Steered or not.
    """
    if len(policy.experts) == 1:
        name = policy.experts[0]
        return name if name == "policy" else f"{name} expert"
    if policy.steering is None:
        return "mixture"
    if isinstance(policy.steering, str):
        return f"{policy.steering} expert"
    return "steered mixture"


def _draw_gate(pen: ImageDraw.ImageDraw, gate: float, policy: Policy, top: int, width: int) -> None:
    """A bar that shows the gate's weight on the first expert."""
    first, other = policy.experts[0], " + ".join(policy.experts[1:])
    word = "gate" if policy.steering is None else "gate (overridden)"
    pen.text((MARGIN, top), f"{word}: {gate:.2f} {first}, {1 - gate:.2f} {other}", GREY, font(13))
    left, right, bar = MARGIN, width - MARGIN, top + 20
    middle = left + gate * (right - left)
    faded = policy.steering is not None
    pen.rectangle((left, bar, right, bar + 9), TRACK if faded else GHOST)
    pen.rectangle((left, bar, middle, bar + 9), "#9ca3af" if faded else DIAMOND)


def _draw_move(pen: ImageDraw.ImageDraw, frame: Frame, top: int) -> None:
    """The action that led here, and how likely the policy was to choose it."""
    if frame.likelihood is not None:
        text = f"moved {frame.action}, with probability {percent(frame.likelihood)}"
        pen.text((MARGIN, top), text, AGENT, font(13))


def percent(share: float) -> str:
    """A probability in whole percent; the rarest as less than one."""
    return "<1%" if 0 < share < 0.005 else f"{100 * share:.0f}%"


def _draw_ending(pen: ImageDraw.ImageDraw, frame: Frame, top: int, width: int) -> None:
    """The outcome in its colour, and what the overseer made of it."""
    if frame.outcome == "unfinished":
        legend = "An eye marks a square that the overseer watches."
        pen.text((MARGIN, top + 4), legend, GREY, font(13))
        return
    colour = OUTCOME_COLOURS[frame.outcome]
    pen.rectangle((MARGIN, top, width - MARGIN, top + 24), colour)
    seen = "overseer saw it" if frame.label == frame.outcome else "overseer did not see it"
    text = "timed out" if frame.outcome == "timeout" else f"{frame.outcome}: {seen}"
    pen.text((width / 2, top + 12), text, "#ffffff", font(15), anchor="mm")


def font(size: int) -> Any:
    """Pillow's own font, so that pictures are the same on every machine."""
    return ImageFont.load_default(size)


def save_film(
    frames: Sequence[Frame], policy: Policy, world: DiamondGhostWorld, path: Path
) -> None:
    """Write the film as a GIF or an MP4, and its moments as a table beside it.

    Args:
        frames: From `record`.
        policy: Who acted.
        world: Where.
        path: Ends in `.gif` or `.mp4`; the table has the same name and ends in `.csv`.

    Raises:
        InputError: Another ending, or a missing package.
    """
    check_film(path)
    episodes = frames[-1].episode + 1
    pictures = [draw_frame(frame, policy, world, episodes) for frame in frames]
    last = [frame.outcome != "unfinished" for frame in frames]
    write_atomically(path, film_bytes(path, pictures, last))
    write_atomically(path.with_suffix(".csv"), frames_table({"": frames}, world))


def save_side_by_side(
    frames: Mapping[str, Sequence[Frame]],
    policies: Mapping[str, Policy],
    world: DiamondGhostWorld,
    path: Path,
) -> None:
    """Write a film in which several policies act next to each other, from the same starts.

    Args:
        frames: By who acts, from `record` with the same seed.
        policies: By who acts.
        world: Where.
        path: Ends in `.gif` or `.mp4`; the table has the same name and ends in `.csv`.

    Raises:
        InputError: Another ending, or a missing package.
    """
    check_film(path)
    everyone = {who: _by_episode(own) for who, own in frames.items()}
    count = len(next(iter(everyone.values())))
    pictures, last = [], []
    for episode in range(count):
        films = {who: episodes[episode] for who, episodes in everyone.items()}
        length = max(len(film) for film in films.values())
        for step in range(length):
            # Who has arrived stays where it is until the others have.
            moments = {who: film[min(step, len(film) - 1)] for who, film in films.items()}
            panels = [draw_frame(f, policies[who], world, count) for who, f in moments.items()]
            pictures.append(beside(panels))
            last.append(step == length - 1)
    write_atomically(path, film_bytes(path, pictures, last))
    write_atomically(path.with_suffix(".csv"), frames_table(frames, world))


def _by_episode(frames: Sequence[Frame]) -> list[list[Frame]]:
    """The frames of each episode."""
    return [list(own) for _, own in groupby(frames, key=lambda frame: frame.episode)]


def frames_table(frames: Mapping[str, Sequence[Frame]], world: DiamondGhostWorld) -> bytes:
    """Films as comma-separated values, a line for each frame.

    Args:
        frames: By who acts; one film of its own has the name "".
        world: The rules, for the grid's size.
    """
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    names = [] if list(frames) == [""] else ["who_acts"]
    table.writerow((*names, *COLUMNS))
    for who, own in frames.items():
        for frame in own:
            table.writerow((*([who] if names else []), *_fields(frame, world)))
    return text.getvalue().encode()


COLUMNS = (
    *("episode", "step", "action", "likelihood", "agent_row", "agent_col", "gate"),
    *("outcome", "label", "diamond", "ghost", "watched"),
)
"""Of a film's table; cells are row-column pairs such as 0,4."""


def _fields(frame: Frame, world: DiamondGhostWorld) -> tuple[Any, ...]:
    """A frame's line in the table."""
    row, col = divmod(int(frame.state.agent), world.cols)
    likelihood, gate = (
        "" if value is None else f"{value:.6f}" for value in (frame.likelihood, frame.gate)
    )
    targets = (_cell(int(cell), world) for cell in (frame.state.diamond, frame.state.ghost))
    watched = " ".join(_cell(int(c), world) for c in frame.state.oversight[0].nonzero())
    moment = (frame.episode, frame.step, frame.action or "", likelihood, row, col, gate)
    return (*moment, frame.outcome, frame.label, *targets, watched)


def _cell(cell: int, world: DiamondGhostWorld) -> str:
    """A cell as its row and column."""
    return f"{cell // world.cols},{cell % world.cols}"
