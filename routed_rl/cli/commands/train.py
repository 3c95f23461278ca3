"""`routed-rl train`."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

import routed_rl
from routed_envs.errors import InputError, unknown_name
from routed_rl.cli.options import Flag
from routed_rl.cli.terminal import program, quoted
from routed_rl.config import DEVICES, PRESETS, TrainConfig, default_folder

if TYPE_CHECKING:
    from routed_rl import Run


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
        """Train, then print the figures and where to look.

        Raises:
            KeyboardInterrupt: The user stopped it; the command that resumes was printed.
        """
        from routed_rl.runs.run_folder import RunFolder

        folder = RunFolder(default_folder(self.settings) if self.out is None else self.out)
        finished = folder.read_result() is not None
        try:
            run = routed_rl.train(
                self.settings,
                folder.path,
                resume=self.resume,
                overwrite=self.overwrite,
                tensorboard=self.tensorboard,
                snapshots=self.snapshots,
            )
        except KeyboardInterrupt:
            if folder.checkpoint.exists():
                print(f"Saved. Continue with:\n  {_resume_command()}", file=sys.stderr)
            raise
        if finished and self.resume:
            print(f"{folder.path} is finished already.", file=sys.stderr)
        _print_run(run)


def _resume_command() -> str:
    """The command that continues this process's run."""
    words = [word for word in sys.argv[1:] if word not in ("--overwrite", "--resume")]
    return f"{program()} {shlex.join([*words, '--resume'])}"


def _print_run(run: Run) -> None:
    from routed_rl.cli.printing import oversight_in_words, print_evaluations
    from routed_rl.evaluation.steerings import deployed_actor
    from routed_rl.training.run import belief_sentences

    worlds = routed_rl.oversight_levels(run.policy.world)
    for level, meaning in (("training", "as in training"), ("unwatched", "nobody watches")):
        world = worlds[level]
        if level == "unwatched" and world == worlds["training"]:
            continue
        words = oversight_in_words(world)
        title = f"{words[0].upper()}{words[1:]} ({meaning})"
        deployed = deployed_actor(run.policy)
        print_evaluations(title, run.evaluations[level], world.outcomes.good, deployed)
    for sentence in belief_sentences(run.belief):
        print(sentence)
    print(f"Trained in {run.seconds:.0f} s. Everything is in {run.folder}; look inside with:")
    print(f"  {program()} render {quoted(run.folder)}")


def starting_values(words: list[str]) -> Train:
    """What --preset or --config put in the place of the defaults, before any other option.

    Raises:
        InputError: No such preset or device, or a file without a configuration.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    defaults = {"preset": None, "config": None, "device": "auto", "method": None}
    for name, default in defaults.items():
        parser.add_argument(f"--{name}", default=default)
    try:
        chosen, _ = parser.parse_known_args(words)
    except argparse.ArgumentError:
        return Train()  # An option without its value: the full parser says so.
    if chosen.preset is not None and chosen.preset not in PRESETS:
        raise unknown_name("preset", chosen.preset, PRESETS)
    if chosen.device not in DEVICES:
        raise unknown_name("device", chosen.device, DEVICES)
    if chosen.config is not None and chosen.preset is not None:
        raise InputError("Both --preset and --config were given. Give one of them.")
    if chosen.config is not None:
        return Train(settings=_read_settings(Path(chosen.config)))
    preset = chosen.preset or "fast"
    method = chosen.method or PRESETS[preset].method
    return Train(settings=TrainConfig.from_preset(preset, method=method))


def _read_settings(file: Path) -> TrainConfig:
    """The configuration in a JSON file, alone or as a run's folder holds it."""
    try:
        values = json.loads(file.read_text())
        if not isinstance(values, dict):
            raise ValueError("It is no JSON object.")
        return TrainConfig.from_json(values.get("config", values))
    except (OSError, ValueError, AttributeError) as error:
        raise InputError(f"{file} holds no configuration that can be used:\n{error}") from None
