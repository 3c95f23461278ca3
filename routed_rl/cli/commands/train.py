"""`routed-rl train`."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

import routed_rl
from routed_agents.files import parsed, read_text
from routed_envs.errors import InputError, unknown_name
from routed_rl.any_config import AnyConfig, read_config
from routed_rl.cli.options import File, Flag, OutFolder
from routed_rl.cli.terminal import program, quoted
from routed_rl.config import DEVICES, PRESETS, TrainConfig, constants_of, default_folder
from routed_rl.environment_config import EnvironmentConfig
from routed_rl.screen import print_json, say
from routed_rl.study_configs.study_config import StudyConfig

if TYPE_CHECKING:
    from routed_rl import EnvironmentRun, Run

PLACES = ("method", "env", "world")
"""These settings may name code of the user's own."""
LEVELS = {
    "training": "Oversight {oversight:g} (as in training)",
    "unwatched": "Oversight 0 (nobody watches)",
}


@dataclass(frozen=True)
class Train:
    """Train a policy and write everything about it into a folder.

    Prints the exact evaluation of the finished policy, unsteered and steered. Ctrl-C saves, and
    --resume continues. In an environment of Gymnasium's or of your own: `routed-rl train --env ID
    --help`.

    Attributes:
        settings: The run's configuration.
        preset: Where the constants below come from: fast (ours, tuned for the least time to a
            good policy, for each method by itself) or paper (the reference experiment).
        config: A JSON file with a configuration, such as the config.json of a run's folder, or a
            TOML file of one run with the words of `routed-rl sweep --config`, such as: method =
            "routed"
        out: The run's folder. Left out, it is runs/METHOD-oversightP-seedS, or in an environment
            runs/ENV-METHOD-oversightP-seedS.
        resume: Continue the run in the folder that --out names, with its settings where no others
            are given; a larger --updates (in an environment: --steps) extends it.
        overwrite: Start again in a folder that holds a run.
        tensorboard: Repeat the log as TensorBoard curves (pip install "routed-rl[tensorboard]").
        wandb: Repeat it as curves of Weights & Biases (pip install "routed-rl[wandb]"), with the
            log's figures and the settings and nothing else; WANDB_MODE=offline keeps them in the
            run's folder.
        snapshots: Policies to keep on the way, from the untrained one on; `routed-rl explore`
            steps through them.
        json: Print one JSON object instead of tables: the `folder`, the `seconds`, the `deployed`
            one, what the overseer can check of the `belief`, and the `evaluations` by world and by
            who acts, each as `evaluate --json` prints it.
    """

    settings: Annotated[TrainConfig, tyro.conf.arg(name="")] = field(default_factory=TrainConfig)
    preset: Literal["fast", "paper"] = "fast"
    config: File = None
    out: OutFolder = None
    resume: Flag = False
    overwrite: Flag = False
    tensorboard: Flag = False
    wandb: Flag = False
    snapshots: int = 0
    json: Flag = False

    def run(self) -> None:
        """Train, then print the figures and where to look."""
        run = trained(self)
        if self.json:
            print_json(_plain(run))
        elif isinstance(run, routed_rl.Run):
            _print_world_run(run)
        else:
            _print_environment_run(run)


@dataclass(frozen=True)
class TrainInEnvironment(Train):
    """Train a policy in an environment and write everything about it into a folder.

    With an algorithm of stable-baselines3. Prints how often episodes end how, whoever acts, by
    sampled episodes. Ctrl-C saves, and --resume continues; episodes that were running start anew.
    In the gridworld: `routed-rl train --help`.
    """

    settings: Annotated[EnvironmentConfig, tyro.conf.arg(name="")]  # pyright: ignore[reportIncompatibleVariableOverride,reportGeneralTypeIssues]
    preset: tyro.conf.Suppress[None] = None  # pyright: ignore[reportIncompatibleVariableOverride]


def trained(command: Train) -> Run | EnvironmentRun:
    """Do what a command asks for.

    Raises:
        KeyboardInterrupt: The user stopped it; the command that resumes was printed.
    """
    from routed_rl.runs.run_folder import RunFolder

    say_borrowed([command.settings])
    place = default_folder(command.settings.to_json()) if command.out is None else command.out
    folder = RunFolder(place)
    before = folder.read_result() if command.resume else None
    try:
        run = routed_rl.train(
            command.settings,
            folder.path,
            resume=command.resume,
            overwrite=command.overwrite,
            tensorboard=command.tensorboard,
            wandb=command.wandb,
            snapshots=command.snapshots,
        )
    except KeyboardInterrupt:
        saved = f"Saved. Continue with:\n  {_resume_command()}"
        say(saved if folder.checkpoint.exists() else "Nothing was saved yet.", error=True)
        raise
    if before is not None:
        same = folder.read_result() == before
        then = "Nothing was left to do." if same else "It was trained on."
        text = f"{folder.path} was finished after {before['updates']:,} updates. {then}"
        say(text, error=True)
    return run


def say_borrowed(configs: Iterable[object]) -> None:
    """Say which methods train with another's constants, for they have none of their own."""
    from routed_agents import METHODS  # Slow to import.

    methods: dict[str, str] = {}
    for config in configs:
        if isinstance(config, TrainConfig):
            if ":" not in config.method and config.method not in METHODS:
                continue  # It is refused further on.
            whose, constants = constants_of(config.method)
            # Another preset, a file or options may have given it others.
            if whose != config.method and constants.items() <= vars(config).items():
                methods[config.method] = whose
    for method, whose in methods.items():
        say(
            f"{method} has no constants of its own and trains with those of {whose}. "
            "`routed-rl methods NAME` prints those of another method as options.",
            error=True,
        )


def _resume_command() -> str:
    """The command that continues this process's run."""
    words = [word for word in sys.argv[1:] if word not in ("--overwrite", "--resume")]
    return f"{program()} {shlex.join([*words, '--resume'])}"


def _print_world_run(run: Run) -> None:
    from routed_rl.cli.printing import oversight_in_words, print_evaluations
    from routed_rl.evaluation.steerings import deployed_actor

    worlds = routed_rl.oversight_levels(run.policy.world)
    for level, meaning in (("training", "as in training"), ("unwatched", "nobody watches")):
        world = worlds[level]
        if level == "unwatched" and world == worlds["training"]:
            continue
        words = oversight_in_words(world)
        title = f"{words[0].upper()}{words[1:]} ({meaning})"
        deployed = deployed_actor(run.policy)
        print_evaluations(title, run.evaluations[level], world.outcomes.good, deployed)
    own = f" --world {run.config.world}" if run.config.world else ""
    _print_end(run, f"look inside with:\n  {program()} render {quoted(run.folder)}{own}")


def _print_environment_run(run: EnvironmentRun) -> None:
    from routed_rl.cli.printing import print_evaluations
    from routed_rl.evaluation.steerings import deployed_actor

    actor = deployed_actor(run.policy)
    for level, title in LEVELS.items():
        words = title.format(oversight=run.config.oversight)
        print_evaluations(words, run.evaluations[level], run.outcomes.good, actor)
    own = f" --env {run.config.env}" if ":" in run.config.env else ""
    again = f"{program()} evaluate {quoted(run.folder)}{own}"
    _print_end(run, f"judge it again with:\n  {again}")


def _plain(run: Run | EnvironmentRun) -> dict[str, Any]:
    """A finished run's figures as plain values."""
    from routed_rl.evaluation.steerings import deployed_actor

    return {
        "folder": run.folder,
        "seconds": run.seconds,
        "deployed": deployed_actor(run.policy),
        "belief": run.belief,
        "evaluations": {
            level: {who: found.to_json() for who, found in rows.items()}
            for level, rows in run.evaluations.items()
        },
    }


def _print_end(run: Run | EnvironmentRun, further: str) -> None:
    """Print what the overseer can check, how long it took, and what one may do now."""
    from routed_rl.naming import duration
    from routed_rl.training.run import overseer_sentences

    for sentence in overseer_sentences(run):
        say(sentence)
    say(f"Trained in {duration(run.seconds)}. Everything is in {run.folder}; {further}")


def parse(words: list[str]) -> Train | TrainInEnvironment:
    """The command that the words name, with its options.

    Raises:
        InputError: As `starting_values`, or a length in the words of the other kind of run.
    """
    start = starting_values(words)
    refuse_other_length(words, isinstance(start, TrainInEnvironment))
    return tyro.cli(type(start), prog="routed-rl train", args=words, default=start)


def starting_values(words: list[str]) -> Train | TrainInEnvironment:
    """What --preset, --env, --config or a resumed run's folder put in the place of the defaults.

    Raises:
        InputError: No such preset or device, or a file without a configuration.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    defaults = {"preset": None, "config": None, "out": None, "device": "auto"}
    for name, default in (defaults | dict.fromkeys(PLACES)).items():
        parser.add_argument(f"--{name}", default=default)
    parser.add_argument("--resume", action="store_true")
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
    file = chosen.config or _resumed_configuration(chosen)
    if file is not None:
        settings = _read_settings(Path(file), chosen.method, chosen.env)
        named = {name: getattr(settings, name, None) for name in PLACES}
        refuse_code(Path(file), named, vars(chosen))
        if isinstance(settings, TrainConfig):
            return Train(settings=settings)
        return TrainInEnvironment(settings=settings)
    if chosen.env is not None:
        if chosen.preset is not None:
            raise InputError(
                f"--preset {chosen.preset} is of the gridworld. Leave out --env or it."
            )
        return TrainInEnvironment(settings=EnvironmentConfig(env=chosen.env))
    preset = chosen.preset or "fast"
    method = chosen.method or PRESETS[preset].method
    return Train(settings=TrainConfig.from_preset(preset, method=method))


def _resumed_configuration(chosen: argparse.Namespace) -> Path | None:
    """The file with the settings of the run that is to go on, if the words do not say it all."""
    if chosen.preset or chosen.out is None or not chosen.resume:
        return None
    file = Path(chosen.out) / "config.json"
    if not file.is_file():
        return None
    # What a run of the gridworld was says nothing of an environment, which is refused further on.
    of_other_kind = chosen.env and isinstance(_read_settings(file), TrainConfig)
    return None if of_other_kind else file


def refuse_other_length(words: list[str], in_environment: bool) -> None:
    """Refuse a length in the words of the other kind of run.

    Raises:
        InputError: Steps in a world, or updates in an environment.
    """
    place, own, other = (
        ("an environment", "--steps", "--updates")
        if in_environment
        else ("a world", "--updates", "--steps")
    )
    if any(word.split("=")[0] == other for word in words):
        raise InputError(f"{other} is not how long a run in {place} takes: give it {own}.")


def refuse_code(file: Path, named: Mapping[str, Any], words: Mapping[str, Any]) -> None:
    """Refuse places of code that only a file names: whoever gives the file may not know them.

    Args:
        file: Whence the settings are.
        named: What it says, by the options' names.
        words: What the command line says.

    Raises:
        InputError: It names module:object, and the command line does not.
    """
    for name, place in named.items():
        if isinstance(place, str) and ":" in place and words.get(name) != place:
            raise InputError(
                f"{file} names {place}, whose code would run. If you trust it, say it on the "
                f"command line too: --{name} {place}"
            )


def _read_settings(
    file: Path, method: str | None = None, env: str | None = None
) -> TrainConfig | EnvironmentConfig:
    """The configuration in a file, in JSON also as a run's folder holds it.

    Args:
        file: What it leaves out has its default.
        method: Takes the place of the file's, also where it decides what a default is.
        env: The same, for it decides which settings there are.
    """
    given = {"method": method, "env": env}
    given = {name: value for name, value in given.items() if value is not None}
    settings = (_read_toml if file.suffix == ".toml" else _read_json)(file, given)
    if isinstance(settings, StudyConfig):
        raise InputError(
            f"{file} holds no configuration that can be used:\nIt is of the study "
            f"{settings.study}: routed-rl study {settings.study} --help"
        )
    return settings


def _read_json(file: Path, given: Mapping[str, str]) -> AnyConfig:
    try:
        values = parsed(json.loads, read_text(file))
        if not isinstance(values, dict):
            raise ValueError("It is no JSON object.")
        saved = values.get("config", values)
        return read_config({**saved, **given} if isinstance(saved, dict) else saved)
    except (OSError, ValueError, AttributeError) as error:
        raise InputError(f"{file} holds no configuration that can be used:\n{error}") from None


def _read_toml(file: Path, given: Mapping[str, str]) -> AnyConfig:
    from routed_rl.sweeps.plan import plan, read_file

    words = read_file(file, in_environment="env" in given)
    configs = plan(words | {"methods" if name == "method" else name: given[name] for name in given})
    if len(configs) > 1:
        raise InputError(
            f"{file} is of {len(configs):,} runs, and train takes one. Give each setting one "
            f"value, or train all of them: {program()} sweep --config {quoted(file)}"
        )
    return configs[0]
