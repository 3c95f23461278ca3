"""The command line: `routed-rl train` and its companions.

Imports nothing heavy until a command runs, so that help appears at once.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Literal

import tyro

from routed_rl.cli.deployment_cli import DeployReport, Export, Monitor
from routed_rl.cli.explore_cli import Explore
from routed_rl.cli.options import STEER_HELP, Flag, Oversight, WorldOptions
from routed_rl.cli.render_cli import Render
from routed_rl.cli.sweep_cli import Methods, Report, Status, Sweep
from routed_rl.cli.terminal import exit_code, fail
from routed_rl.config import DEVICES, PRESETS, TrainConfig

DESCRIPTION = (
    "Train agents under scarce oversight with gradient routing, judge them, and look at what they "
    "do."
)


@dataclass(frozen=True)
class Train:
    """Train a policy and write everything about it into a folder.

    Prints the exact evaluation of the finished policy, unsteered and steered. Ctrl-C saves, and
    --resume continues.

    Attributes:
        settings: The run's configuration.
        preset: Where the constants below come from: fast (ours, tuned for the least time to a
            good policy, for each method by itself) or paper (the reference experiment).
        config: A JSON file with a configuration, such as the config.json of a run's folder.
        out: The run's folder. Left out, it is runs/METHOD-oversightP-seedS.
        resume: Continue the run in the folder; a larger --updates extends it.
        overwrite: Start again in a folder that holds a run.
        tensorboard: Repeat the log as TensorBoard curves (pip install "routed-rl[tensorboard]").
        snapshots: Policies to keep on the way, from the untrained one on; `routed-rl explore`
            steps through them.
    """

    settings: Annotated[TrainConfig, tyro.conf.arg(name="")] = field(default_factory=TrainConfig)
    preset: Literal["fast", "paper"] = "fast"
    config: Path | None = None
    out: Path | None = None
    resume: Flag = False
    overwrite: Flag = False
    tensorboard: Flag = False
    snapshots: int = 0

    def run(self) -> None:
        """Train, then print the figures and where to look."""
        from routed_rl.cli.commands import train_command

        train_command(
            self.settings,
            self.out,
            resume=self.resume,
            overwrite=self.overwrite,
            tensorboard=self.tensorboard,
            snapshots=self.snapshots,
        )


@dataclass(frozen=True)
class Evaluate:
    """Judge a trained policy: return, how often it ends on the diamond or the ghost, and length.

    Exact by dynamic programming where the world is small, else by Monte Carlo with 95% intervals.

    Attributes:
        run_folder: The folder of a finished run, or a policy file.
        steer: Who acts.
        world: The world's oversight.
        deterministic: Take the likeliest action instead of sampling.
        monte_carlo: Sample episodes although the world is small.
        episodes: Episodes of a Monte Carlo evaluation.
        seed: Seed of a Monte Carlo evaluation.
        json: Print one JSON object instead of a table.
    """

    run_folder: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]
    steer: Annotated[str, tyro.conf.arg(help=STEER_HELP)] = "deploy"
    world: WorldOptions = field(default_factory=Oversight)
    deterministic: Flag = False
    monte_carlo: Flag = False
    episodes: int = 10_000
    seed: int = 0
    json: Flag = False

    def run(self) -> None:
        """Evaluate, then print the figures."""
        from routed_rl.cli.commands import evaluate_command

        evaluate_command(
            self.run_folder,
            self.steer,
            asdict(self.world),
            as_json=self.json,
            exact=False if self.monte_carlo else None,
            episodes=self.episodes,
            deterministic=self.deterministic,
            seed=self.seed,
        )


Command = (
    Train
    | Evaluate
    | Render
    | Explore
    | Sweep
    | Status
    | Report
    | Methods
    | Export
    | Monitor
    | DeployReport
)
COMMANDS: dict[str, type[Command]] = {
    "train": Train,
    "evaluate": Evaluate,
    "render": Render,
    "explore": Explore,
    "sweep": Sweep,
    "status": Status,
    "report": Report,
    "methods": Methods,
    "export": Export,
    "monitor": Monitor,
    "deploy-report": DeployReport,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: Words after the program's name; those of the process if None.

    Returns:
        0 done, 2 refused input, 130 interrupted by the user, 1 anything else.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())  # So that --method module:object finds the user's modules.
    if words in (["--version"], ["-V"]):
        print(f"routed-rl {version('routed-rl')}")
        return 0
    return exit_code(lambda: _parse(words or ["--help"]).run())


def _parse(words: list[str]) -> Command:
    """The command that the words name, with its options."""
    name, options = words[0], words[1:]
    if name.startswith("-"):
        return tyro.extras.subcommand_cli_from_dict(
            COMMANDS, prog="routed-rl", description=DESCRIPTION, args=words
        )
    if name not in COMMANDS:
        sys.exit(fail(_no_such("command", name, COMMANDS), 2))
    if name == "train":
        start = _starting_values(options)
        try:
            return tyro.cli(Train, prog="routed-rl train", args=options, default=start)
        except ValueError as error:
            sys.exit(fail(str(error), 2))
    return tyro.cli(COMMANDS[name], prog=f"routed-rl {name}", args=options)


def _starting_values(words: list[str]) -> Train:
    """What --preset or --config put in the place of the defaults, before any other option."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("--preset")
    parser.add_argument("--config", type=Path)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--method", default="routed")
    try:
        chosen, _ = parser.parse_known_args(words)
    except argparse.ArgumentError:
        return Train()  # An option without its value: the full parser says so.
    if chosen.preset is not None and chosen.preset not in PRESETS:
        sys.exit(fail(_no_such("preset", chosen.preset, PRESETS), 2))
    if chosen.device not in DEVICES:
        sys.exit(fail(_no_such("device", chosen.device, DEVICES), 2))
    if chosen.config is not None and chosen.preset is not None:
        sys.exit(fail("Both --preset and --config were given. Give one of them.", 2))
    if chosen.config is None:
        settings = TrainConfig.from_preset(chosen.preset or "fast", method=chosen.method)
        return Train(settings=settings)
    try:
        values = json.loads(chosen.config.read_text())
        if not isinstance(values, dict):
            raise ValueError("It is no JSON object.")
        return Train(settings=TrainConfig.from_json(values.get("config", values)))
    except (OSError, ValueError, AttributeError) as error:
        sys.exit(fail(f"{chosen.config} holds no configuration that can be used:\n{error}", 2))


def _no_such(kind: str, given: str, known: Iterable[str]) -> str:
    """The message for a name that does not exist, with the nearest one that does."""
    from routed_envs.errors import unknown_name  # Brings Gymnasium, which help need not wait for.

    return str(unknown_name(kind, given, known))
