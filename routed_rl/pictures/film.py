"""A film of rollouts: what the agent does, what the gate would say, how each episode ends."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image, ImageDraw, ImageFont

from routed_agents.files import write_atomically
from routed_agents.policy import Policy
from routed_agents.rollout import sample_actions
from routed_envs.drawing import AGENT, DIAMOND, GHOST, draw_grid
from routed_envs.interface import map_states
from routed_envs.world import DiamondGhostWorld, GridState
from routed_rl.monte_carlo import seeded

CELL = 64
MARGIN = 16
HEADER, FOOTER = 44, 92
"""Pixels above and below the grid."""

FRAME_MS, LAST_FRAME_MS = 450, 1800
GREY, TRACK = "#6b7280", "#e5e7eb"
OUTCOME_COLOURS = {"diamond": DIAMOND, "ghost": GHOST, "timeout": GREY}
ACTION_NAMES = ("up", "right", "down", "left")


@dataclass(frozen=True)
class Frame:
    """One moment of an episode.

    Attributes:
        episode: Its number, from 0.
        step: The steps taken so far.
        state: The environment alone (N = 1).
        gate: The gate's weight on the first expert, 0 to 1; None for a policy with one expert.
        action: The action that led here; None at the start.
        outcome: The outcome's name, `unfinished` before the last frame.
        label: What the overseer knows, `unfinished` before the last frame.
    """

    episode: int
    step: int
    state: GridState
    gate: float | None
    action: str | None
    outcome: str
    label: str


def record(
    policy: Policy,
    world: DiamondGhostWorld,
    episodes: int,
    seed: int = 0,
    deterministic: bool = False,
) -> list[Frame]:
    """Let a policy act, and keep every moment.

    Args:
        policy: Steered or not.
        world: Where it acts.
        episodes: How many episodes, at least 1.
        seed: Decides the starts and the actions.
        deterministic: Take the likeliest action instead of sampling.

    Returns:
        The frames, episode after episode.
    """
    generator = seeded(seed)
    state = world.place(torch.rand((episodes, world.random_numbers), generator=generator))
    films = [[_frame(policy, state, i, None, None, world)] for i in range(episodes)]
    for _ in range(world.max_steps):
        probabilities = policy.action_probabilities(world.observe(state)).cpu()
        sampled = sample_actions(probabilities, torch.rand(episodes, generator=generator))
        actions = probabilities.argmax(1) if deterministic else sampled
        state, ending = world.advance(state, actions)
        for i, film in enumerate(films):
            if film[-1].outcome == "unfinished":
                codes = (int(ending.outcome[i]), int(ending.label[i]))
                film.append(_frame(policy, state, i, ACTION_NAMES[int(actions[i])], codes, world))
    return [frame for film in films for frame in film]


def _frame(
    policy: Policy,
    state: GridState,
    index: int,
    action: str | None,
    codes: tuple[int, int] | None,
    world: DiamondGhostWorld,
) -> Frame:
    """The present moment of one of the environments."""
    alone = map_states(lambda tensor: tensor[index : index + 1], state)
    unfinished = world.outcomes.unfinished
    outcome, label = codes or (unfinished, unfinished)
    gate = (
        float(policy.gate_weights(world.observe(alone))[0, 0]) if len(policy.experts) > 1 else None
    )
    names = world.outcomes.labels
    return Frame(index, int(alone.steps), alone, gate, action, names[outcome], names[label])


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
    pen.text((MARGIN, 14), _who_acts(policy), AGENT, _font(17))
    count = f"episode {frame.episode + 1}/{episodes}   step {frame.step}/{world.max_steps}"
    pen.text((width - MARGIN, 17), count, GREY, _font(13), anchor="ra")
    top = HEADER + grid.height
    if frame.gate is not None:
        _draw_gate(pen, frame.gate, policy, top + 12, width)
    _draw_ending(pen, frame, top + 60, width)
    return picture


def _who_acts(policy: Policy) -> str:
    """The policy's steering in words."""
    if len(policy.experts) == 1:
        return "policy"
    if policy.steering is None:
        return "mixture"
    if isinstance(policy.steering, str):
        return f"{policy.steering} expert"
    return "steered mixture"


def _draw_gate(pen: ImageDraw.ImageDraw, gate: float, policy: Policy, top: int, width: int) -> None:
    """A bar that shows the gate's weight on the first expert."""
    first, other = policy.experts[0], " + ".join(policy.experts[1:])
    word = "gate" if policy.steering is None else "gate (overridden)"
    pen.text((MARGIN, top), f"{word}: {gate:.2f} {first}, {1 - gate:.2f} {other}", GREY, _font(13))
    left, right, bar = MARGIN, width - MARGIN, top + 20
    middle = left + gate * (right - left)
    faded = policy.steering is not None
    pen.rectangle((left, bar, right, bar + 9), TRACK if faded else GHOST)
    pen.rectangle((left, bar, middle, bar + 9), "#9ca3af" if faded else DIAMOND)


def _draw_ending(pen: ImageDraw.ImageDraw, frame: Frame, top: int, width: int) -> None:
    """The outcome in its colour, and what the overseer made of it."""
    if frame.outcome == "unfinished":
        legend = "An eye marks a square that the overseer watches."
        pen.text((MARGIN, top + 4), legend, GREY, _font(13))
        return
    colour = OUTCOME_COLOURS[frame.outcome]
    pen.rectangle((MARGIN, top, width - MARGIN, top + 24), colour)
    seen = "overseer saw it" if frame.label == frame.outcome else "overseer did not see it"
    text = "timed out" if frame.outcome == "timeout" else f"{frame.outcome}: {seen}"
    pen.text((width / 2, top + 12), text, "#ffffff", _font(15), anchor="mm")


def _font(size: int) -> Any:
    """Pillow's own font, so that pictures are the same on every machine."""
    return ImageFont.load_default(size)


def save_film(
    frames: Sequence[Frame], policy: Policy, world: DiamondGhostWorld, path: Path
) -> None:
    """Write the film as an animated GIF, and its moments as a table beside it.

    Args:
        frames: From `record`.
        policy: Who acted.
        world: Where.
        path: The GIF; the table has the same name and ends in `.csv`.
    """
    episodes = frames[-1].episode + 1
    pictures = [draw_frame(frame, policy, world, episodes) for frame in frames]
    last = [frame.outcome != "unfinished" for frame in frames]
    buffer = io.BytesIO()
    # One palette for all frames: the colours must not flicker.
    endings = [picture for picture, end in zip(pictures, last, strict=True) if end]
    palette = _side_by_side(endings[:20]).quantize(255)
    paletted = [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures]
    paletted[0].save(
        buffer,
        "GIF",
        save_all=True,
        append_images=paletted[1:],
        duration=[LAST_FRAME_MS if end else FRAME_MS for end in last],
        loop=0,
        disposal=1,
    )
    write_atomically(path, buffer.getvalue())
    write_atomically(path.with_suffix(".csv"), _table(frames, world).encode())


def _side_by_side(pictures: Sequence[Image.Image]) -> Image.Image:
    """One picture that holds the colours of all of them."""
    width, height = pictures[0].size
    joined = Image.new("RGB", (width * len(pictures), height))
    for i, picture in enumerate(pictures):
        joined.paste(picture, (i * width, 0))
    return joined


def _table(frames: Sequence[Frame], world: DiamondGhostWorld) -> str:
    """The film as comma-separated values, a line for each frame."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(
        ("episode", "step", "action", "agent_row", "agent_col", "gate", "outcome", "label")
    )
    for frame in frames:
        row, col = divmod(int(frame.state.agent), world.cols)
        gate = "" if frame.gate is None else f"{frame.gate:.6f}"
        moment = (frame.episode, frame.step, frame.action or "", row, col, gate)
        table.writerow((*moment, frame.outcome, frame.label))
    return text.getvalue()
