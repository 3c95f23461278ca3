"""Give the commands what they should never be given, and see that they say so in a line.

    python -m scripts.benchmarks.damage            about ten minutes

Thousands of configurations that Hypothesis and `hostile.py` make up, and hundreds of runs, sweeps
and policies of which one file was damaged, are handed to the commands: most in this process, a
sample in processes of their own. Every one must be taken, or refused with exit code 2 or 1 and a
message: no traceback, nothing touched, nothing executed, and an answer in time. Exits with 1 if one
is not.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import hypothesis

import routed_rl
from routed_rl import EnvironmentConfig, TrainConfig
from scripts.benchmarks import hostile
from scripts.benchmarks.attempts import Attempt, attempt, attempt_command, command_line
from scripts.benchmarks.measure import Row, print_rows, start

SIZES = (
    *("--rows", "3", "--cols", "3", "--environments", "8", "--rollout-steps", "8"),
    *("--expert-widths", "16", "--gate-widths", "8", "--value-widths", "8"),
    *("--evaluate-every", "0", "--device", "cpu", "--method", "routed"),
)
SMALL_IN_ENV = (
    *("--environments", "8", "--rollout-steps", "8", "--batch-size", "8"),
    *("--evaluation-episodes", "8", "--steps", "64", "--device", "cpu"),
)
ENV = "routed_envs/MiniGrid-DiamondGhost-Flat-6x6-v0"
WORLD_CONFIG, ENV_CONFIG = TrainConfig(device="cpu"), EnvironmentConfig(env=ENV, device="cpu")
SWEEP_WORDS: dict[str, Any] = {"methods": ["routed", "naive"], "oversight": [0.1, 0.3], "seeds": 2}
READ = (".json", ".jsonl", ".pt", ".safetensors")
"""Endings of the files that some command reads."""
LARGEST_TRIED = 20_000_000
"""A configuration with more multiplications in a step is taken but not tried."""
RUN_COMMANDS = (
    *(("evaluate", "--json"), ("export",), ("explore",), ("monitor",), ("deploy-report",)),
    *(("render", "--episodes", "1"), ("train", *SIZES, "--updates", "6", "--resume", "--out")),
)
FILE_COMMANDS = (("evaluate", "--json"), ("export",), ("explore",))
SWEEP_COMMANDS = (("status",), ("report",), ("choose",))
SEEN = {"steer": "diamond", "oversight": 0.5, "label_noise": 0.1, "seed": 1}
OTHER_OPTIONS: dict[str, dict[str, Any]] = {
    "evaluate": SEEN | {"episodes": 100, "world": "x:y", "env": "x:y"},
    "render": SEEN | {"episodes": 1, "start": ["agent=0,0"], "out": "out/film.gif"},
    "explore": {"experts": ["ghost", "diamond"], "out": "out.html"},
    "export": {"steer": "ghost", "experts": ["ghost"], "format": "safetensors", "out": "out"},
    "monitor": {"expert": "ghost", "oversight": [0.1], "false_alarm_rate": 0.1, "episodes": 100},
}
"""Options of the commands that look at a run, with values that they take."""
TRAP = f"""
import traceback
open({hostile.HIT!r}, "w").write("".join(traceback.format_stack()[-12:]))
M = None
"""
"""A module that leaves word of who imported it."""
AnyConfig = TrainConfig | EnvironmentConfig
Tried = tuple[str, Attempt]


def one_update(config: AnyConfig, *_: Any, **__: Any) -> None:
    """What stands for training: one update of a small run, a look at any other in the gridworld."""
    if isinstance(config, TrainConfig):
        experiment = routed_rl.Experiment.of(config)
        widths = sum((*config.expert_widths, *config.gate_widths, *config.value_widths))
        cells, channels = config.rows * config.cols, config.gate_channels + config.value_channels
        if max(config.samples, cells) * (widths + channels) * cells < LARGEST_TRIED:
            experiment.update(experiment.start())
    raise SystemExit(0)


def no_sweep(configs: list[AnyConfig], *_: Any, **__: Any) -> None:
    """What stands for a sweep: a look at its first configuration."""
    one_update(configs[0])


def toml(words: dict[str, Any]) -> str:
    """The words as TOML, as far as it has such values."""
    lines = (f"{json.dumps(str(name))} = {json.dumps(value)}" for name, value in words.items())
    return "\n".join(line.replace(": ", " = ") for line in lines) + "\n"


def sweep_words(config: dict[str, Any]) -> dict[str, Any]:
    """A configuration as the words of a sweep, which has lists, and no word for what is unset."""
    words = {name: value for name, value in config.items() if value is not None}
    words["methods"] = words.pop("method")
    return {name: [v] if isinstance(v, list) else v for name, v in words.items()}


def options(settings: dict[str, Any], chance: random.Random) -> list[str]:
    """A few settings as words of the command line, some of them odd."""
    names = chance.sample(list(settings), chance.randint(1, min(4, len(settings))))
    words = []
    for name in names:
        make = chance.choice((hostile.extreme, hostile.extreme, lambda kept, _: kept))
        value = hostile.odd_value(chance) if chance.random() < 0.3 else make(settings[name], chance)
        values = value if isinstance(value, list) else [value]
        words += [f"--{name.replace('_', '-')}", *(str(part)[:1000] for part in values)]
    return [word.replace("\x00", "") for word in words]


def configuration(kind: str, value: Any, chance: random.Random, run: Path) -> list[str]:
    """The words of a command that is given a made-up configuration; its file is written here."""
    config = chance.choice((WORLD_CONFIG, ENV_CONFIG)).to_json()
    file = Path(f"config.{kind}")
    if kind == "json":
        text = json.dumps(hostile.changed(config, chance, value))
        file.write_text(hostile.nested(kind) if chance.random() < 0.01 else text)
        return ["train", "--config", str(file), "--out", "out"]
    if kind == "toml":
        words = hostile.changed(chance.choice((SWEEP_WORDS, sweep_words(config))), chance, value)
        file.write_text(hostile.nested(kind) if chance.random() < 0.01 else toml(words))
        return ["sweep", "--config", str(file), "--out", "out"]
    if kind == "options":
        command = chance.choice(list(OTHER_OPTIONS))
        return [command, str(run), *options(OTHER_OPTIONS[command], chance)]
    command = "sweep" if kind == "sweep options" else "train"
    start = [] if "env" not in config or chance.random() < 0.2 else ["--env", ENV]
    settings = {name: v for name, v in config.items() if name != "env"}
    return [command, *start, *options(settings, chance), "--out", "out"]


def configurations(count: int, seed: int, run: Path) -> Iterator[Tried]:
    """Hand so many made-up configurations to `train` and `sweep`, which then do not train.

    And odd options to the commands that look at a finished run.
    """
    tried: list[Tried] = []
    kinds = ("json", "toml", "train options", "sweep options", "options")

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=[hypothesis.HealthCheck.too_slow],
    )
    @hypothesis.given(hostile.JSON)
    def one(value: Any) -> None:
        chance = random.Random(f"{seed} {len(tried)}")
        kind = kinds[len(tried) % len(kinds)]
        words = configuration(kind, value, chance, run)
        told = [*words, *(path.read_text()[:2000] for path in Path.cwd().glob(f"config.{kind}"))]
        tried.append((kind, attempt(lambda: command_line(words), told, Path.cwd())))

    with (
        mock.patch.object(routed_rl, "train", one_update),
        mock.patch.object(routed_rl, "sweep", no_sweep),
    ):
        while len(tried) < count:  # Values that it made before it leaves out.
            one()
    return iter(tried)


def make_whole(folder: Path) -> dict[str, tuple[tuple[str, ...], ...]]:
    """A run, one in an environment, a sweep and policy files; the commands that read each."""
    run, env_run = folder / "run", folder / "env-run"
    train = ["train", *SIZES, "--updates", "4", "--snapshots", "1", "--out", str(run)]
    in_env = ["train", "--env", ENV, *SMALL_IN_ENV, "--method", "routed", "--out", str(env_run)]
    sweep = ["sweep", "--methods", "routed", "--seeds", "2", "--updates", "2", "--jobs", "1"]
    sweep += [*SIZES[:-2], "--learning-rate", "0.001", "0.002", "--out", str(folder / "sweep")]
    export = ["export", str(run), "--out", str(folder / "policy.safetensors")]
    # A sweep's processes start from the program that sweeps, which must not be this one.
    command = [sys.executable, "-m", "routed_rl", *sweep]
    subprocess.run(command, check=True, capture_output=True, cwd=folder)
    for words in (train, in_env, export):
        made = attempt(partial(command_line, words), words, folder)
        assert made.code == 0, made
    shutil.copytree(run, folder / "seen")
    in_env_commands = (*RUN_COMMANDS[:2], (*in_env[:-2], "--resume", "--out"))
    return {
        "run": RUN_COMMANDS,
        "env-run": in_env_commands,
        "sweep": SWEEP_COMMANDS,
        "policy.safetensors": FILE_COMMANDS,
    }


def damaged(whole: Path, name: str, seed: str) -> tuple[Path, str]:
    """A copy of what is whole, in the current folder, with one file damaged; and what was done."""
    chance, copy = random.Random(seed), Path("copy") / name
    shutil.rmtree("copy", ignore_errors=True)
    Path("copy").mkdir()
    Path("victim.txt").write_text("precious\n" * 9)
    if (whole / name).is_file():
        shutil.copy(whole / name, copy)
        return copy, hostile.damage(copy, Path.cwd() / "victim.txt", chance)
    shutil.copytree(whole / name, copy)
    files = sorted(path for path in copy.rglob("*") if path.suffix in READ and path.is_file())
    # A sweep has many of a kind: each kind as often.
    name = chance.choice(sorted({path.name for path in files}))
    chosen = chance.choice([path for path in files if path.name == name])
    how = hostile.damage(chosen, Path.cwd() / "victim.txt", chance)
    return copy, f"{chosen.relative_to(copy)}: {how}"


def reading(whole: Path, kinds: dict[str, Any], seed: str) -> tuple[str, list[str], str]:
    """A command that reads something damaged: what that is, the words, and what was done to it."""
    chance = random.Random(f"{seed} command")
    name = chance.choice(list(kinds))
    copy, how = damaged(whole, name, f"{seed} damage")
    words = list(chance.choice(kinds[name]))
    words.insert(len(words) if words[-1] == "--out" else 1, str(copy))
    return name, words, f"({how})"


def damaged_files(whole: Path, kinds: dict[str, Any], count: int, seed: int) -> Iterator[Tried]:
    """Damage a file of a run, a sweep or a policy so many times, and let a command read it."""
    for index in range(count):
        name, words, how = reading(whole, kinds, f"{seed} file {index}")
        call = partial(command_line, words)
        yield f"file of {name}", attempt(call, [how, *words], Path.cwd())


def commands(whole: Path, kinds: dict[str, Any], count: int, seed: int) -> Iterator[Tried]:
    """The same through the command, in a process of its own: configurations and files in turn."""
    for index in range(count):
        _, words, about = reading(whole, kinds, f"{seed} through {index}")
        if index % 2:
            chance = random.Random(f"{seed} configuration {index}")
            kind = chance.choice(("json", "toml", "train options"))
            words = configuration(kind, hostile.odd_value(chance), chance, whole / "seen")
            about = "".join(path.read_text() for path in Path.cwd().glob(f"config.{kind}"))
            words += SMALL_IN_ENV if ENV in f"{words} {about}" else ("--updates", "1", *SIZES[:-2])
        yield "through the command", attempt_command(words, [about, *words], Path.cwd())


@contextmanager
def trap() -> Iterator[Path]:
    """A current folder in which whatever is imported or executed leaves a trace."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as place:
        here = Path(place) / "here"
        here.mkdir()
        os.chdir(here)
        for module in ("payload", "opt_einsum", "onnx", "sitecustomize"):
            (here / f"{module}.py").write_text(TRAP)
        try:
            yield Path(place)
        finally:
            os.chdir(before)


def summary(tried: list[Tried]) -> list[Row]:
    """A row for each kind of thing that was tried."""
    rows = []
    for kind in dict.fromkeys(kind for kind, _ in tried):
        found = [result for name, result in tried if name == kind]
        codes = Counter(result.code for result in found)
        faults = sum(bool(result.fault) for result in found)
        text = f"{len(found)} tried: {codes[0]} taken, {codes[2]} refused, {codes[1]} failed"
        rows.append(Row(kind, f"{text}, {faults} faults", "0 faults", faults > 0))
    return rows


def main(
    configurations_tried: int = 3000,
    files: int = 600,
    through_the_command: int = 60,
    seed: int = 0,
    show: int = 0,
) -> int:
    """Try everything, and print it; returns the exit code.

    Args:
        configurations_tried: Made-up configurations.
        files: Damaged files.
        through_the_command: Those of both kinds that processes of their own are given.
        seed: Decides all of them.
        show: So many of each kind are printed with the answer, for somebody to read.
    """
    warnings.simplefilter("ignore")
    print(f"seed {seed}", file=sys.stderr)
    tried: list[Tried] = []
    with trap() as place:
        whole = place / "whole"
        whole.mkdir()
        kinds = make_whole(whole)
        for one in (
            configurations(configurations_tried, seed, whole / "seen"),
            damaged_files(whole, kinds, files, seed),
            commands(whole, kinds, through_the_command, seed),
        ):
            for kind, result in one:
                tried.append((kind, result))
                _tell(kind, result, sum(name == kind for name, _ in tried) <= show)
    return print_rows(summary(tried))


def _tell(kind: str, result: Attempt, wanted: bool) -> None:
    """Print an answer that is none, or one that somebody wants to read."""
    if result.fault or wanted:
        answer = result.fault or f"{result.code}: {result.told}"
        print(f"{kind}: {result.words}\n  {answer}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    start(main, __doc__)
