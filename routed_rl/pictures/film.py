"""A film of rollouts: what the agent does, what the gate would say, how each episode ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from routed_agents.policies.policy import Policy
from routed_envs.gridworld.drawing import AGENT, draw_grid
from routed_envs.gridworld.world import DiamondGhostWorld
from routed_envs.outcomes import Outcomes
from routed_rl.charts.colours import GRID, MUTED, OTHERS, PAPER, target_colour
from routed_rl.charts.drawing import save_picture
from routed_rl.charts.tables import Record
from routed_rl.pictures.encoding import beside, check_film, film_bytes
from routed_rl.pictures.episodes import Frame
from routed_rl.training.run import AnyPolicy

CELL = 64
"""A cell's side has so many pixels."""
MARGIN = 16
HEADER, FOOTER = 44, 114
"""So many pixels are above and below the grid."""
COLUMNS = (
    *("episode", "step", "action", "likelihood", "agent_row", "agent_col", "gate"),
    *("outcome", "label", "diamond", "ghost", "watched"),
)
"""A film's table has these columns; its cells are row-column pairs such as 0,4."""


def draw_frame(
    frame: Frame, policy: Policy, world: DiamondGhostWorld, episodes: int
) -> Image.Image:
    """One moment in RGB: a headline, the grid, the gate's weight, the outcome at the end."""
    grid = draw_grid(world, frame.state, cell_size=CELL)
    width = max(grid.width, 5 * CELL + 1) + 2 * MARGIN
    picture = Image.new("RGB", (width, grid.height + HEADER + FOOTER), PAPER)
    picture.paste(grid, ((width - grid.width) // 2, HEADER))
    pen = ImageDraw.Draw(picture)
    pen.text((MARGIN, 14), who_acts(policy), AGENT, font(17))
    count = f"episode {frame.episode + 1}/{episodes}   step {frame.step}/{world.max_steps}"
    pen.text((width - MARGIN, 17), count, MUTED, font(13), anchor="ra")
    top = HEADER + grid.height
    if frame.gate is not None:
        _draw_gate(pen, frame.gate, policy, world.outcomes, top + 12, width)
    if frame.likelihood is not None:
        text = f"moved {frame.action}, with probability {percent(frame.likelihood)}"
        pen.text((MARGIN, top + 52), text, AGENT, font(13))
    _draw_ending(pen, frame, world.outcomes, top + 80, width)
    return picture


def who_acts(policy: AnyPolicy) -> str:
    """The policy's steering in words."""
    if len(policy.experts) == 1:
        name = policy.experts[0]
        return name if name == "policy" else f"{name} expert"
    if policy.steering is None:
        mixes = isinstance(policy, Policy) or policy.mixes
        return "mixture" if mixes else "the gate's expert"
    if isinstance(policy.steering, str):
        return f"{policy.steering} expert"
    return "steered mixture"


def _draw_gate(
    pen: ImageDraw.ImageDraw, gate: float, policy: Policy, outcomes: Outcomes, top: int, width: int
) -> None:
    """A bar that shows the gate's weight on the first expert."""
    first, other = policy.experts[0], " + ".join(policy.experts[1:])
    word = "gate" if policy.steering is None else "gate (overridden)"
    pen.text((MARGIN, top), f"{word}: {gate:.2f} {first}, {1 - gate:.2f} {other}", MUTED, font(13))
    left, right, bar = MARGIN, width - MARGIN, top + 20
    middle = left + gate * (right - left)
    colours = [target_colour(name, outcomes) for name in policy.experts[:2]]
    left_colour, right_colour = colours if policy.steering is None else (OTHERS, GRID)
    pen.rectangle((left, bar, right, bar + 9), right_colour)
    pen.rectangle((left, bar, middle, bar + 9), left_colour)


def percent(share: float) -> str:
    """A probability in whole percent; the rarest as less than one."""
    return "<1%" if 0 < share < 0.005 else f"{100 * share:.0f}%"


def _draw_ending(
    pen: ImageDraw.ImageDraw, frame: Frame, outcomes: Outcomes, top: int, width: int
) -> None:
    """The outcome in its colour, and what the overseer made of it."""
    if frame.outcome == "unfinished":
        legend = "An eye marks a square that the overseer watches."
        pen.text((MARGIN, top + 4), legend, MUTED, font(13))
        return
    colour = target_colour(frame.outcome, outcomes)
    pen.rectangle((MARGIN, top, width - MARGIN, top + 24), colour)
    pen.text((width / 2, top + 12), ending_words(frame), PAPER, font(15), anchor="mm")


def ending_words(frame: Frame) -> str:
    """How an episode ended, and what the overseer made of it, who may see it and mistake it."""
    if frame.outcome == "timeout":
        return "timed out"
    if frame.label == "unknown":
        return f"{frame.outcome}: overseer did not see it"
    if frame.label == frame.outcome:
        return f"{frame.outcome}: overseer saw it"
    return f"{frame.outcome}: overseer says {frame.label}"


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
    save_picture(path, film_bytes(path, pictures, last), COLUMNS, frame_records(frames, world))


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
    records = [(who, *row) for who, own in frames.items() for row in frame_records(own, world)]
    save_picture(path, film_bytes(path, pictures, last), ("who_acts", *COLUMNS), records)


def _by_episode(frames: Sequence[Frame]) -> list[list[Frame]]:
    return [list(own) for _, own in groupby(frames, key=lambda frame: frame.episode)]


def frame_records(frames: Sequence[Frame], world: DiamondGhostWorld) -> list[Record]:
    """A film's rows under `COLUMNS`, one for each frame."""
    return [_fields(frame, world) for frame in frames]


def _fields(frame: Frame, world: DiamondGhostWorld) -> tuple[Any, ...]:
    row, col = divmod(int(frame.state.agent), world.cols)
    likelihood, gate = (
        None if value is None else f"{value:.6f}" for value in (frame.likelihood, frame.gate)
    )
    targets = (_cell(int(cell), world) for cell in (frame.state.diamond, frame.state.ghost))
    watched = " ".join(_cell(int(c), world) for c in frame.state.oversight[0].nonzero())
    moment = (frame.episode, frame.step, frame.action, likelihood, row, col, gate)
    return (*moment, frame.outcome, frame.label, *targets, watched)


def _cell(cell: int, world: DiamondGhostWorld) -> str:
    return f"{cell // world.cols},{cell % world.cols}"
