"""A film of a policy in any environment: its own pictures, and under each what is known of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageDraw

from routed_agents.files import writable
from routed_agents.policies.policy import Policy
from routed_agents.policies.steering import Steering
from routed_envs.errors import InputError
from routed_envs.outcomes import Outcomes
from routed_envs.worlds import World
from routed_rl.charts.colours import MUTED, PAPER, target_colour
from routed_rl.charts.drawing import save_picture
from routed_rl.charts.tables import Record
from routed_rl.environments.making import make_env
from routed_rl.evaluation.sampled import seeded
from routed_rl.pictures.drawn_world import DrawnWorld
from routed_rl.pictures.encoding import check_film, check_length, film_bytes
from routed_rl.pictures.film import font, who_acts
from routed_rl.training.run import AnyPolicy, AnyRun, Run

MARGIN, FOOTER = 10, 64
LEAST_WIDTH = 340
"""Smaller pictures are enlarged, so that the words fit under them."""
MOST_PICTURES = 150
"""Of an episode; of a longer one every second is shown, or every fourth, and so on."""
FRAMES_PER_SECOND = 10
"""Where an environment does not say how fast it goes."""
COLUMNS = ("episode", "step", "action", "reward", "gate", "outcome", "label")


@dataclass(frozen=True)
class Moment:
    """A moment of an episode.

    Attributes:
        picture: What the environment draws, uint8 [height, width, 3].
        episode: Its number, from 0.
        step: The steps taken.
        action: The last one; None at the start.
        reward: What it paid.
        gate: How the gate weighs the experts here; empty where there is none.
        outcome: How the episode ended; `unfinished` before.
        label: What the overseer knows of that.
    """

    picture: np.ndarray
    episode: int
    step: int
    action: Any
    reward: float
    gate: tuple[float, ...]
    outcome: str
    label: str


def render_run(
    run: AnyRun,
    out: str | Path,
    *,
    steer: Steering = None,
    oversight: float | None = None,
    episodes: int = 4,
    deterministic: bool = False,
    seed: int = 0,
) -> Path:
    """Write a film of a run's policy in its environment, and its moments as a table beside it.

    Args:
        run: From `load_run`; in an environment, or in a world that can draw itself.
        out: The film, a GIF, or an MP4 (extra `video`).
        steer: Who acts.
        oversight: Of the environment; that of training if None.
        episodes: How many to show, at least 1.
        deterministic: Take the likeliest action instead of sampling.
        seed: Decides the starts and the actions.

    Returns:
        The film.

    Raises:
        InputError: The environment draws no pictures, or the film could not be written.
    """
    share = run.config.oversight if oversight is None else oversight
    if isinstance(run, Run):
        policy = run.policy.steer(steer)
        world = policy.world if oversight is None else policy.world.with_oversight(share)
        return film_world(policy, world, out, episodes, deterministic, seed)
    path = _checked(out, episodes)
    env = make_env(run.config.env, share, render_mode="rgb_array")
    policy = run.policy.steer(steer)
    return _film(env, policy, run.outcomes, path, episodes, deterministic, seed)


def film_world(
    policy: Policy,
    world: World[Any],
    out: str | Path,
    episodes: int = 4,
    deterministic: bool = False,
    seed: int = 0,
) -> Path:
    """The same of a policy as it is steered, in a world that can draw itself.

    Raises:
        InputError: As `render_run`.
    """
    path = _checked(out, episodes)
    actor = Policy(policy.network, world, policy.deploy, policy.steering, seed)
    return _film(DrawnWorld(world), actor, world.outcomes, path, episodes, deterministic, seed)


def _checked(out: str | Path, episodes: int) -> Path:
    path = Path(out)
    check_film(path)
    check_length(episodes)
    return path


def _film(
    env: Any,
    policy: AnyPolicy,
    outcomes: Outcomes,
    path: Path,
    episodes: int,
    deterministic: bool,
    seed: int,
) -> Path:
    """Write the film, and its table."""
    seeded(seed)  # Refused before anything is drawn.
    with closing(env), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        shown, records = _moments(env, policy, episodes, deterministic, seed)
    speed = float(env.metadata.get("render_fps") or FRAMES_PER_SECOND)
    who = who_acts(policy)
    pictures = [_draw(moment, who, episodes, policy.experts, outcomes) for moment in shown]
    last = [moment.outcome != "unfinished" for moment in shown]
    content = film_bytes(path, pictures, last, max(20, round(1000 / speed)))
    save_picture(writable(path), content, COLUMNS, records)
    return path


def _moments(
    env: Any, policy: AnyPolicy, episodes: int, deterministic: bool, seed: int
) -> tuple[list[Moment], list[Record]]:
    """The moments of some episodes that are shown, and a row of the table for each there was."""
    records: list[Record] = []
    shown: list[Moment] = []
    for episode in range(episodes):
        start = seed if episode == 0 else None
        shown += _thinned(_play(env, policy, episode, deterministic, start), records)
    return shown, records


def _play(
    env: Any,
    policy: AnyPolicy,
    episode: int,
    deterministic: bool,
    seed: int | None,
) -> Iterator[Moment]:
    """The moments of an episode."""
    observation, info = env.reset(seed=seed)
    step, action, reward, over = 0, None, 0.0, False
    while True:
        gate = _gate(policy, observation)
        names = (info["hidden_outcome"], info["label"])
        yield Moment(_picture(env), episode, step, action, float(reward), gate, *names)
        if over:
            return
        chosen, _ = policy.predict(observation, deterministic=deterministic)
        action = np.asarray(chosen).tolist()
        # A number rather than an array of none dimensions, as in training.
        observation, reward, terminated, truncated, info = env.step(chosen[()])
        step, over = step + 1, terminated or truncated


def _picture(env: Any) -> np.ndarray:
    found = env.render()
    if not isinstance(found, np.ndarray) or found.ndim != 3:
        raise InputError(
            f"{env} draws no pictures with render_mode='rgb_array'; it gave {type(found).__name__}."
        )
    return found[..., :3].astype(np.uint8)


def _gate(policy: AnyPolicy, observation: Any) -> tuple[float, ...]:
    if policy.gate_kind != "learned":
        return ()
    return tuple(policy.gate_weights(observation)[0].tolist())


def _thinned(moments: Iterable[Moment], records: list[Record]) -> list[Moment]:
    """The moments of an episode that are shown: of a long one some, and always the last.

    Args:
        moments: All of them, of which no more pictures are kept than are shown.
        records: Rows of the film's table, to which each moment is added.
    """
    shown: list[Moment] = []
    every, last = 1, None
    for last in moments:
        records.append(_record(last))
        if last.step % every == 0:
            shown.append(last)
        if len(shown) > MOST_PICTURES:
            shown, every = shown[::2], 2 * every
    return [*shown, last] if last is not None and last is not shown[-1] else shown


def _draw(
    moment: Moment, who: str, episodes: int, experts: tuple[str, ...], outcomes: Outcomes
) -> Image.Image:
    """A moment in RGB: the environment's picture, who acts, the gate, and the ending."""
    drawn = Image.fromarray(moment.picture)
    factor = max(1, -(-LEAST_WIDTH // drawn.width))
    drawn = drawn.resize((drawn.width * factor, drawn.height * factor), Image.Resampling.NEAREST)
    picture = Image.new("RGB", (drawn.width, drawn.height + FOOTER), PAPER)
    picture.paste(drawn)
    pen, top, right = ImageDraw.Draw(picture), drawn.height + 8, drawn.width - MARGIN
    pen.text((MARGIN, top), who, "#1b2330", font(15))
    count = f"episode {moment.episode + 1}/{episodes}   step {moment.step}"
    pen.text((right, top + 2), count, MUTED, font(12), anchor="ra")
    if moment.outcome != "unfinished":
        colour = MUTED if moment.outcome == "timeout" else target_colour(moment.outcome, outcomes)
        pen.rectangle((MARGIN, top + 24, right, top + 46), colour)
        text = f"{moment.outcome}; the overseer says: {moment.label}"
        pen.text((drawn.width / 2, top + 35), text, PAPER, font(13), anchor="mm")
    elif moment.gate:
        weights = ", ".join(f"{w:.2f} {name}" for w, name in zip(moment.gate, experts, strict=True))
        pen.text((MARGIN, top + 28), f"gate: {weights}", MUTED, font(12))
    return picture


def _record(moment: Moment) -> Record:
    """A row of the film's table."""
    gate = " ".join(f"{weight:.4f}" for weight in moment.gate)
    plain = (moment.episode + 1, moment.step, moment.action, moment.reward, gate)
    return (*plain, moment.outcome, moment.label)
