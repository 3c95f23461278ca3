"""What the commands of the command line do and print."""

from __future__ import annotations

import dataclasses
import json
import shlex
import sys
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from routed_agents.policies.policy import Policy
from routed_agents.policies.steering import Steering
from routed_envs.errors import InputError, unknown_name
from routed_envs.gridworld.world import DiamondGhostWorld
from routed_envs.worlds import World
from routed_rl.cli.terminal import program, quoted
from routed_rl.config import TrainConfig, default_folder
from routed_rl.evaluation.record import Evaluation
from routed_rl.evaluation.steerings import deployed_actor, evaluate, oversight_levels
from routed_rl.runs.run_folder import RunFolder
from routed_rl.training.loop import train
from routed_rl.training.policy_file import load_policy
from routed_rl.training.run import Run

PLAIN_FIELDS = ("rows", "cols", "oversight", "max_steps")
"""Fields of the gridworld that are no further kind of oversight."""


def train_command(
    config: TrainConfig,
    out: Path | None,
    *,
    resume: bool = False,
    overwrite: bool = False,
    tensorboard: bool = False,
    snapshots: int = 0,
) -> None:
    """Train, then print the figures and where to look.

    Args:
        config: What to train, and how.
        out: The run's folder, or None for the default.
        resume: Continue what is there.
        overwrite: Start again over what is there.
        tensorboard: Repeat the log as TensorBoard curves.
        snapshots: Policies to keep on the way.

    Raises:
        KeyboardInterrupt: The user stopped it; the command that resumes was printed.
    """
    folder = default_folder(config) if out is None else out
    finished = RunFolder(folder).read_result() is not None
    try:
        run = train(
            config,
            folder,
            resume=resume,
            overwrite=overwrite,
            tensorboard=tensorboard,
            snapshots=snapshots,
        )
    except KeyboardInterrupt:
        if RunFolder(folder).checkpoint.exists():
            print(f"Saved. Continue with:\n  {resume_command()}", file=sys.stderr)
        raise
    if finished and resume:
        print(f"{folder} is finished already.", file=sys.stderr)
    print_run(run)


def resume_command() -> str:
    """The command that continues this process's run."""
    words = [word for word in sys.argv[1:] if word not in ("--overwrite", "--resume")]
    return f"{program()} {shlex.join([*words, '--resume'])}"


def print_run(run: Run) -> None:
    """Print a finished run's figures and where its files are.

    Args:
        run: The run.
    """
    console = Console()
    worlds = oversight_levels(run.policy.world)
    for level, meaning in (("training", "as in training"), ("unwatched", "nobody watches")):
        if level == "unwatched" and worlds[level] == worlds["training"]:
            continue
        words = oversight_in_words(worlds[level])
        title = f"{words[0].upper()}{words[1:]} ({meaning})"
        rows = list(run.evaluations[level].items())
        console.print(_table(title, rows, worlds[level].outcomes.good, deployed_actor(run.policy)))
    print(f"Trained in {run.seconds:.0f} s. Everything is in {run.folder}; look inside with:")
    print(f"  {program()} render {quoted(run.folder)}")


def oversight_in_words(world: World[Any]) -> str:
    """A world's oversight, with the other kinds of it that are on.

    Args:
        world: Any world.
    """
    words = [f"oversight {world.oversight:g}"]
    if isinstance(world, DiamondGhostWorld):
        for field in dataclasses.fields(world):
            value = getattr(world, field.name)
            if field.name not in PLAIN_FIELDS and value != field.default:
                amount = "" if value is True else f" {value:g}"
                words.append(field.name.replace("_", " ") + amount)
    return ", ".join(words)


def _table(
    title: str,
    rows: list[tuple[str, Evaluation]],
    good: Collection[str],
    deployed: str | None = None,
) -> Table:
    """Evaluations as a table, a row each; the deployed one is marked."""
    # No vertical lines, and numbers that fold: a narrow terminal must not cut digits off.
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    exact = all(evaluation.exact for _, evaluation in rows)
    names = list(rows[0][1].rates)
    table.add_column("who acts", overflow="fold")
    for name in ("return", *names, "steps", "overseer"):
        table.add_column(name, justify="right", overflow="fold")
    for name, evaluation in rows:
        figures = {"episode_return": f"{evaluation.episode_return:.3f}"}
        figures |= {f"{n}_rate": f"{100 * rate:.1f}%" for n, rate in evaluation.rates.items()}
        figures |= {"mean_length": f"{evaluation.mean_length:.2f}"}
        cells = [text + _interval(evaluation, key) for key, text in figures.items()]
        seen = evaluation.seen_rate(good)
        cells.append("-" if seen is None else f"{100 * seen:.1f}%")
        mark = "[bold]" if name == deployed else ""
        shown = f"{mark}{name} (deployed)" if mark else name
        table.add_row(shown, *(mark + cell for cell in cells))
    table.caption = "exact" if exact else "means over sampled episodes, with 95% intervals"
    table.caption += f"; overseer: {' or '.join(good)} among the targets that it saw"
    table.caption_justify = "left"
    return table


def _interval(evaluation: Evaluation, key: str) -> str:
    """The interval of a figure, if it was sampled, on two lines that fit a narrow column."""
    if evaluation.intervals is None:
        return ""
    low, high = evaluation.intervals[key]
    scale, digits = (100, 1) if key.endswith("_rate") else (1, 3 if key.endswith("return") else 2)
    return f"\n{scale * low:.{digits}f}..\n{scale * high:.{digits}f}"


def changed_world(world: World[Any], changes: Mapping[str, Any]) -> World[Any]:
    """The world with another oversight.

    Args:
        world: The policy's.
        changes: Fields of `DiamondGhostWorld` by name; None leaves a field as it is, and a new
            `oversight` also takes the place of the targets' own.

    Raises:
        InputError: A value is out of range, or the world has no such kinds of oversight.
    """
    given = {name: value for name, value in changes.items() if value is not None}
    _check_all(given)
    if "oversight" in given:
        world = world.with_oversight(given.pop("oversight"))
    if not given:
        return world
    if not isinstance(world, DiamondGhostWorld):
        options = ", ".join("--" + name.replace("_", "-") for name in given)
        raise InputError(
            f"{options}: this policy lives in a {type(world).__name__}, and only the gridworld has "
            "such kinds of oversight. Give --oversight alone."
        )
    return dataclasses.replace(world, **given)


def _check_all(given: Mapping[str, Any]) -> None:
    """Refuse every value of the gridworld's fields that is out of range, not only the first."""
    faults = []
    for name, value in given.items():
        try:
            DiamondGhostWorld(**{name: value})
        except InputError as error:
            faults.append(str(error))
    if faults:
        raise InputError("\n".join(faults))


def evaluate_command(
    path: Path, steer: str, changes: Mapping[str, Any], *, as_json: bool, **options: Any
) -> None:
    """Evaluate a policy, then print the figures.

    Args:
        path: A run's folder, or a policy file.
        steer: Who acts, in the words of `parse_steering`.
        changes: How the world differs from the training's; see `changed_world`.
        as_json: Print one JSON object instead of a table.
        **options: Handed on to `routed_rl.evaluate`.
    """
    policy = load_policy(path)
    steering = parse_steering(steer, policy)
    world = changed_world(policy.world, changes)
    evaluation = evaluate(policy.steer(steering), world=world, **options)
    if as_json:
        print(json.dumps(evaluation.to_json()))
        return
    name = "mixture" if steering is None and len(policy.experts) > 1 else str(steering or "policy")
    title = f"{path}, {oversight_in_words(world)}"
    Console().print(_table(title, [(name, evaluation)], world.outcomes.good))


def parse_steering(text: str, policy: Policy) -> Steering:
    """What the words after --steer mean for a policy.

    Args:
        text: `deploy`, `mixture`, an expert's name, `diamond=0.8,ghost=0.2`, or a number.
        policy: The policy to be steered.

    Raises:
        InputError: The words mean nothing, or name no expert.
    """
    if text == "deploy":
        return policy.deploy
    if text == "mixture":
        return None
    try:
        if "=" in text:
            pairs = (part.split("=") for part in text.split(","))
            return {name.strip(): float(weight) for name, weight in pairs}
        if text not in policy.experts:
            return float(text)
    except ValueError:
        if "=" in text:
            raise InputError(
                f"--steer {text!r} cannot be read. Give weights such as diamond=0.8,ghost=0.2."
            ) from None
        raise unknown_name("expert", text, (*policy.experts, "mixture", "deploy")) from None
    return text
