"""Everything that can be drawn of a policy, side by side in one folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from routed_agents.files import writable
from routed_agents.policies.policy import Policy
from routed_envs.errors import InputError
from routed_envs.gridworld.world import DiamondGhostWorld, GridState
from routed_envs.outcomes import Outcomes
from routed_envs.worlds import World, map_states
from routed_rl.evaluation.steerings import steerings
from routed_rl.pictures.contact_sheet import save_contact_sheet
from routed_rl.pictures.encoding import check_film, check_length
from routed_rl.pictures.episodes import Frame, record
from routed_rl.pictures.failures import record_failures
from routed_rl.pictures.film import save_film, save_side_by_side
from routed_rl.pictures.learning_curve import save_learning_curve
from routed_rl.pictures.placement import parse_placement
from routed_rl.pictures.policy_field import save_policy_field
from routed_rl.runs.run_folder import RunFolder
from routed_rl.runs.run_log import read_log

FILM = "rollouts.gif"
NO_CURVE = (
    "There is no learning curve: no log of a run was given, or the run was not judged on its way "
    "(train with --evaluate-every)."
)


@dataclass(frozen=True)
class Rendering:
    """What `render` drew.

    Attributes:
        pictures: What each picture shows, by its file; its numbers are beside it, as CSV.
        episodes: Episodes of the film; fewer than asked for if no more failures were found.
        left_out: What could not be drawn, and why, in sentences.
    """

    pictures: Mapping[Path, str]
    episodes: int
    left_out: Sequence[str] = ()


def render(
    policy: Policy,
    out: str | Path | None = None,
    *,
    run: str | Path | None = None,
    world: World[Any] | None = None,
    episodes: int = 4,
    start: Sequence[str] | None = None,
    failures: bool = False,
    deterministic: bool = False,
    seed: int = 0,
) -> Rendering:
    """Draw a policy: films of rollouts, a contact sheet, a policy field, a learning curve.

    Args:
        policy: Steered as it shall act in the film and the sheet.
        out: The film, a GIF or an MP4; the rest goes beside it, under the same name with what it
            shows. `rollouts.gif` in the run's folder if None.
        run: The run's folder, for the learning curve; or the policy's file.
        world: A gridworld; the policy's own if None.
        episodes: Episodes of the film, at least 1.
        start: Where they start, such as `("agent=4,0", "diamond=0,4", "ghost=2,2")`; by chance if
            None.
        failures: Show episodes that end on the ghost although the diamond could be reached.
        deterministic: Take the likeliest action instead of sampling.
        seed: Decides the starts and the actions.

    Raises:
        InputError: Something cannot be used, or no failure was found; nothing was drawn.
    """
    film = _checked_film(out, run, episodes)
    grid = _gridworld(policy.world if world is None else world)
    logged = _logged(run)
    place = None if start is None else parse_placement(start, grid)
    act = partial(record, seed=seed, deterministic=deterministic)
    find = record_failures if failures else record
    frames = find(policy, grid, episodes, start=place, **act.keywords)
    pictures = _draw_film(frames, policy, grid, writable(film))
    pictures |= _draw_side_by_side(frames, policy, grid, film, act)
    pictures |= _draw_field(policy, grid, film, place)
    curve = _draw_curve(logged, film, grid.outcomes)
    return Rendering(pictures | curve, frames[-1].episode + 1, () if curve else (NO_CURVE,))


def film_file(run: str | Path) -> Path:
    """Where a film of a run, or of a policy file, goes if no file is named."""
    path = Path(run)
    return (path if path.is_dir() else path.parent) / FILM


def _checked_film(out: str | Path | None, run: str | Path | None, episodes: int) -> Path:
    """The film's file, refused before anything is done where it could not be written."""
    check_length(episodes)
    if out is None and run is None:
        raise InputError("Say where the film shall go: render(policy, 'film.gif').")
    film = film_file(run) if out is None and run is not None else Path(out or "")
    check_film(film)
    return film


def _gridworld(world: World[Any]) -> DiamondGhostWorld:
    if not isinstance(world, DiamondGhostWorld):
        name = type(world).__name__
        raise InputError(f"render draws the gridworld; this policy lives in a {name}.")
    return world


def _draw_film(
    frames: Sequence[Frame], policy: Policy, world: DiamondGhostWorld, film: Path
) -> dict[Path, str]:
    save_film(frames, policy, world, film)
    sheet = film.with_name(f"{film.stem}_contact_sheet.png")
    save_contact_sheet(frames, policy, world, sheet)
    return {film: "a film of rollouts", sheet: "the same, a row for each episode"}


def _draw_side_by_side(
    frames: Sequence[Frame],
    policy: Policy,
    world: DiamondGhostWorld,
    film: Path,
    act: Callable[..., list[Frame]],
) -> dict[Path, str]:
    """Film the mixture and every expert from the starts of some frames; nothing for one expert."""
    if len(policy.experts) == 1:
        return {}
    first = [frame.state for frame in frames if frame.step == 0]
    starts = map_states(lambda *tensors: torch.cat(tensors), *first)
    actors = steerings(policy)
    films = {who: act(actor, world, len(first), start=starts) for who, actor in actors.items()}
    path = film.with_stem(f"{film.stem}_side_by_side")
    save_side_by_side(films, actors, world, path)
    return {path: "the mixture and every expert, from the same starts"}


def _beside(film: Path, name: str) -> Path:
    """A picture beside the film: where a film was named, named by it."""
    own = film.stem == FILM.partition(".")[0]
    return film.with_name(name if own else f"{film.stem}_{name}")


def _draw_field(
    policy: Policy, world: DiamondGhostWorld, film: Path, start: GridState | None
) -> dict[Path, str]:
    path = _beside(film, "policy_field.png")
    save_policy_field(policy, world, path, start)
    return {path: "what each expert would do in every cell"}


def _logged(run: str | Path | None) -> list[dict[str, Any]]:
    """The entries of a run's log, if there is one; read before anything is drawn."""
    log = RunFolder(Path(run or "")).log
    return read_log(log) if run is not None and log.exists() else []


def _draw_curve(
    entries: Sequence[dict[str, Any]], film: Path, outcomes: Outcomes
) -> dict[Path, str]:
    """Draw how a run was judged on its way; nothing if it never was."""
    path = _beside(film, "learning_curve.png")
    if save_learning_curve(entries, path, outcomes):
        return {path: "how the figures changed while it trained"}
    return {}
