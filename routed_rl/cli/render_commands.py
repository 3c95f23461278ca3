"""What `routed-rl render` does and prints."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from routed_agents.files import writable
from routed_agents.policies.policy import Policy
from routed_envs.errors import InputError
from routed_envs.gridworld.world import DiamondGhostWorld, GridState
from routed_envs.worlds import map_states
from routed_rl.cli.commands import changed_world, parse_steering
from routed_rl.evaluation.steerings import steerings
from routed_rl.pictures.contact_sheet import save_contact_sheet
from routed_rl.pictures.encoding import check_film
from routed_rl.pictures.episodes import Frame, record
from routed_rl.pictures.failures import record_failures
from routed_rl.pictures.film import save_film, save_side_by_side
from routed_rl.pictures.learning_curve import save_learning_curve
from routed_rl.pictures.placement import parse_placement
from routed_rl.pictures.policy_field import save_policy_field
from routed_rl.runs.run_folder import RunFolder
from routed_rl.runs.run_log import read_log
from routed_rl.training.policy_file import load_policy


def render_command(
    path: Path,
    steer: str,
    changes: Mapping[str, Any],
    out: Path | None,
    *,
    start: Sequence[str] | None,
    failures: bool,
    episodes: int,
    **options: Any,
) -> None:
    """Draw a policy, then print where the pictures are.

    Args:
        path: A run's folder, or a policy file.
        steer: Who acts in the film, in the words of `parse_steering`.
        changes: How the world differs from the training's; see `changed_world`.
        out: The film's file; in the run's folder if None.
        start: A placement, in the words of `parse_placement`; by chance if None.
        failures: Show episodes that end on the ghost although the diamond could be reached.
        episodes: Episodes of the film, at least 1.
        **options: `seed` and `deterministic`, handed on to `record`.

    Raises:
        InputError: An option cannot be used, or the policy was trained in a world of your own.
    """
    if episodes < 1:
        raise InputError(f"--episodes {episodes}: give at least 1.")
    film = out or (path if path.is_dir() else path.parent) / "rollouts.gif"
    check_film(film)
    policy = load_policy(path)
    world = changed_world(policy.world, changes)
    if not isinstance(world, DiamondGhostWorld):
        name = type(world).__name__
        raise InputError(f"render draws the gridworld; this policy lives in a {name}.")
    actor = policy.steer(parse_steering(steer, policy))
    place = None if start is None else parse_placement(start, world)
    with Console(stderr=True).status(f"Drawing {film}"):
        find = record_failures if failures else record
        frames = find(actor, world, episodes, start=place, **options)
        save_film(frames, actor, world, writable(film))
        sheet = film.with_name(f"{film.stem}_contact_sheet.png")
        save_contact_sheet(frames, actor, world, sheet)
        pictures = {film: "a film of rollouts", sheet: "the same, a row for each episode"}
        if len(policy.experts) > 1:
            several = film.with_stem(f"{film.stem}_side_by_side")
            _save_side_by_side(frames, policy, world, several, options)
            pictures[several] = "the mixture and every expert, from the same starts"
        pictures |= _figures(path, policy, world, film, place)
    if frames[-1].episode + 1 < episodes:
        print(f"Only {frames[-1].episode + 1} failures were found.", file=sys.stderr)
    _print_pictures(pictures)


def _save_side_by_side(
    frames: Sequence[Frame],
    policy: Policy,
    world: DiamondGhostWorld,
    path: Path,
    options: Mapping[str, Any],
) -> None:
    """Film the mixture and every expert from the starts of some frames."""
    first = [frame.state for frame in frames if frame.step == 0]
    starts = map_states(lambda *tensors: torch.cat(tensors), *first)
    actors = steerings(policy)
    films = {
        who: record(actor, world, len(first), start=starts, **options)
        for who, actor in actors.items()
    }
    save_side_by_side(films, actors, world, path)


def _figures(
    path: Path, policy: Policy, world: DiamondGhostWorld, film: Path, start: GridState | None
) -> dict[Path, str]:
    """Draw what belongs beside the film, and say what each picture shows."""
    field = film.with_name("policy_field.png")
    save_policy_field(policy, world, field, start)
    pictures = {field: "what each expert would do in every cell"}
    curve, log = film.with_name("learning_curve.png"), RunFolder(path).log
    if path.is_dir() and log.exists() and save_learning_curve(read_log(log), curve):
        pictures[curve] = "how the figures changed while it trained"
    return pictures


def _print_pictures(pictures: Mapping[Path, str]) -> None:
    """Print where the pictures are and what they show."""
    width = max(len(str(picture)) for picture in pictures)
    for picture, meaning in pictures.items():
        print(f"{picture!s:{width}}  {meaning}")
    print("The numbers behind each picture are beside it, in a .csv file of the same name.")
