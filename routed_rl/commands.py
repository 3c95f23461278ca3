"""What the commands of the command line do and print."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from routed_agents.methods import Steering
from routed_agents.policy import Policy
from routed_envs.errors import InputError, unknown_name
from routed_envs.world import DiamondGhostWorld
from routed_rl.config import TrainConfig, default_folder
from routed_rl.evaluation import evaluate
from routed_rl.figures import Evaluation
from routed_rl.folder import RunFolder
from routed_rl.pictures.film import record, save_film
from routed_rl.pictures.learning_curve import save_learning_curve
from routed_rl.pictures.policy_field import save_policy_field
from routed_rl.policy_file import load_policy
from routed_rl.run import Run
from routed_rl.run_log import read_log
from routed_rl.training import train


def train_command(
    config: TrainConfig,
    out: Path | None,
    *,
    resume: bool = False,
    overwrite: bool = False,
    tensorboard: bool = False,
) -> None:
    """Train, then print the figures and where to look.

    Args:
        config: What to train, and how.
        out: The run's folder, or None for the default.
        resume: Continue what is there.
        overwrite: Start again over what is there.
        tensorboard: Repeat the log as TensorBoard curves.

    Raises:
        KeyboardInterrupt: The user stopped it; the command that resumes was printed.
    """
    folder = default_folder(config) if out is None else out
    finished = RunFolder(folder).result.exists()
    try:
        run = train(config, folder, resume=resume, overwrite=overwrite, tensorboard=tensorboard)
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
    return f"{_program()} {shlex.join([*words, '--resume'])}"


def _program() -> str:
    """How the user can start this program again from the same place."""
    started = Path(sys.argv[0])
    if started.name != "routed-rl":
        return "python -m routed_rl"
    if shutil.which("routed-rl") == str(started):
        return "routed-rl"
    return shlex.quote(os.path.relpath(started))


def print_run(run: Run) -> None:
    """Print a finished run's figures and where its files are.

    Args:
        run: The run.
    """
    level = run.config.oversight
    console = Console()
    for oversight in dict.fromkeys((level, 0.0)):
        rows = run.evaluations[oversight]
        watched = "as in training" if oversight == level else "nobody watches"
        title = f"Oversight {oversight:g} ({watched})"
        console.print(_table(title, list(rows.items()), _deployed(run.policy)))
    print(f"Trained in {run.seconds:.0f} s. Everything is in {run.folder}; look inside with:")
    print(f"  {_program()} render {shlex.quote(str(run.folder))}")


def _deployed(policy: Policy) -> str:
    """The row of the method's own steering in a table."""
    if len(policy.experts) == 1:
        return policy.experts[0]
    return policy.deploy if isinstance(policy.deploy, str) else "mixture"


def _table(title: str, rows: list[tuple[str, Evaluation]], deployed: str | None = None) -> Table:
    """Evaluations as a table, a row each; the deployed one is marked."""
    # No vertical lines, and numbers that fold: a narrow terminal must not cut digits off.
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    exact = all(evaluation.exact for _, evaluation in rows)
    names = list(rows[0][1].rates)
    table.add_column("who acts", overflow="fold")
    for name in ("return", *names, "steps"):
        table.add_column(name, justify="right", overflow="fold")
    for name, evaluation in rows:
        figures = {"episode_return": f"{evaluation.episode_return:.3f}"}
        figures |= {f"{n}_rate": f"{100 * rate:.1f}%" for n, rate in evaluation.rates.items()}
        figures |= {"mean_length": f"{evaluation.mean_length:.2f}"}
        cells = [text + _interval(evaluation, key) for key, text in figures.items()]
        mark = "[bold]" if name == deployed else ""
        shown = f"{mark}{name} (deployed)" if mark else name
        table.add_row(shown, *(mark + cell for cell in cells))
    table.caption = "exact" if exact else "means over sampled episodes, with 95% intervals"
    table.caption_justify = "left"
    return table


def _interval(evaluation: Evaluation, key: str) -> str:
    """The interval of a figure, if it was sampled."""
    if evaluation.intervals is None:
        return ""
    low, high = evaluation.intervals[key]
    scale, digits = (100, 1) if key.endswith("_rate") else (1, 3 if key.endswith("return") else 2)
    return f"\n{scale * low:.{digits}f}..{scale * high:.{digits}f}"


def evaluate_command(path: Path, steer: str, *, as_json: bool, **options: Any) -> None:
    """Evaluate a policy, then print the figures.

    Args:
        path: A run's folder, or a policy file.
        steer: Who acts, in the words of `parse_steering`.
        as_json: Print one JSON object instead of a table.
        **options: Handed on to `routed_rl.evaluate`.
    """
    policy = load_policy(path)
    steering = parse_steering(steer, policy)
    evaluation = evaluate(policy.steer(steering), **options)
    if as_json:
        print(json.dumps(evaluation.to_json()))
        return
    name = "mixture" if steering is None and len(policy.experts) > 1 else str(steering or "policy")
    Console().print(_table(f"{path}, oversight {evaluation.oversight:g}", [(name, evaluation)]))


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


def render_command(
    path: Path,
    steer: str,
    *,
    oversight: float | None,
    episodes: int,
    deterministic: bool,
    seed: int,
    out: Path | None,
) -> None:
    """Draw a policy, then print where the pictures are.

    Args:
        path: A run's folder, or a policy file.
        steer: Who acts in the film, in the words of `parse_steering`.
        oversight: The world's oversight; the training's if None.
        episodes: Episodes of the film, at least 1.
        deterministic: Take the likeliest action instead of sampling.
        seed: Decides the starts and the actions.
        out: The film's file; in the run's folder if None.

    Raises:
        InputError: An option cannot be used, or the policy was trained in a world of your own.
    """
    if episodes < 1:
        raise InputError(f"--episodes {episodes}: give at least 1.")
    film = out or (path if path.is_dir() else path.parent) / "rollouts.gif"
    if film.suffix.lower() != ".gif":
        raise InputError(f"--out {film}: a film is a GIF; give a name that ends in .gif.")
    policy = load_policy(path)
    world = policy.world if oversight is None else policy.world.with_oversight(oversight)
    if not isinstance(world, DiamondGhostWorld):
        raise InputError(f"render draws the gridworld; this policy lives in a {type(world)}.")
    actor = policy.steer(parse_steering(steer, policy))
    film.parent.mkdir(parents=True, exist_ok=True)
    save_film(record(actor, world, episodes, seed, deterministic), actor, world, film)
    _print_pictures({film: "a film of rollouts"} | _figures(path, policy, world, film))


def _figures(path: Path, policy: Policy, world: DiamondGhostWorld, film: Path) -> dict[Path, str]:
    """Draw what belongs beside the film, and say what each picture shows."""
    field = film.with_name("policy_field.png")
    save_policy_field(policy, world, field)
    pictures = {field: "what each expert would do in every cell"}
    curve, log = film.with_name("learning_curve.png"), RunFolder(path).log
    if path.is_dir() and log.exists() and save_learning_curve(read_log(log), curve):
        pictures[curve] = "how the figures changed while it trained"
    return pictures


def _print_pictures(pictures: dict[Path, str]) -> None:
    """Print where the pictures are and what they show."""
    width = max(len(str(picture)) for picture in pictures)
    for picture, meaning in pictures.items():
        print(f"{picture!s:{width}}  {meaning}")
    print("The numbers behind each picture are beside it, in a .csv file of the same name.")
