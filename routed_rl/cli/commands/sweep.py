"""`routed-rl sweep`."""

from __future__ import annotations

import argparse
import dataclasses
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import docstring_parser
import tyro

import routed_rl
from routed_agents.files import parsed, read_text
from routed_envs.errors import InputError
from routed_rl.cli.commands.train import refuse_code, refuse_other_length, say_borrowed
from routed_rl.cli.options import File, Flag, OutFolder, optional
from routed_rl.cli.terminal import program, quoted
from routed_rl.config import DEFAULT_METHOD, OWN, TrainConfig
from routed_rl.environment_config import EnvironmentConfig
from routed_rl.naming import counted
from routed_rl.screen import print_json, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from routed_rl import SweepOutcome
    from routed_rl.any_config import AnyConfig

Words = tuple[str, ...] | None
VALUES = "VALUE [VALUE ...]"
SHORT_SECONDS = 60.0
"""Of a shorter sweep nobody needs to know where its time went."""
PLACES = ("methods", "env", "world")
"""These settings may name code of the user's own."""
EXAMPLE = "routed-rl sweep --methods routed naive --oversight 0.01 0.1 --seeds 3 --out sweeps/first"


def listed_settings(
    record: type[Any], defaults: Any, preset: str, left_out: tuple[str, ...] = ()
) -> type[Any]:
    """A record with a list for every setting of a run but its method, with the same help."""
    told = [docstring_parser.parse(one.__doc__ or "").params for one in reversed(record.__mro__)]
    # On one line: completion takes each line for a setting.
    meanings = {
        p.arg_name: " ".join((p.description or "").split()) for params in told for p in params
    }
    fields = []
    for setting in dataclasses.fields(record):
        value = getattr(defaults, setting.name)
        if setting.default is OWN and value is not OWN:
            value = "each method's own"
        hint = f"({preset}: {value})"
        option = tyro.conf.arg(metavar=VALUES, help=meanings[setting.name], help_behavior_hint=hint)
        if setting.name not in ("method", *left_out):
            fields.append((setting.name, Annotated[Words, option], None))
    return dataclasses.make_dataclass("Settings", fields, frozen=True, kw_only=True)


Settings = listed_settings(TrainConfig, TrainConfig(), "fast")
EnvironmentSettings = listed_settings(EnvironmentConfig, EnvironmentConfig(env="ENV"), "default")


@dataclass(frozen=True)
class Sweep:
    """Train a run for every combination of the settings given, several at a time.

    Every setting of `routed-rl train` takes a list here. Called again, it trains only what is
    missing; other values extend the sweep. Ctrl-C saves. For example:

    routed-rl sweep --methods routed naive --oversight 0.01 0.1 --seeds 3 --out sweeps/first

    In environments of Gymnasium's or of your own: `routed-rl sweep --env ID --help`.

    Attributes:
        settings: The runs' settings.
        methods: Names of methods (`routed-rl methods` lists them), or module:object for your own.
        seeds: A number n, for the seeds 0 to n - 1; --seed takes a list of seeds instead.
        preset: Where the settings come from that are not given: fast or paper. The preset fast has
            constants of its own for each method.
        config: A TOML file with the same words, such as: methods = ["routed", "naive"]. Options
            on the command line replace what it says.
        out: The sweep's folder. Left out, it is sweeps/ and the TOML file's name, or sweeps/sweep.
        jobs: Runs at a time. Left out, one for each core, or what the cluster holds.
        backend: local is this machine; ray is a Ray cluster that shares the folder
            (pip install "routed-rl[ray]").
        address: The Ray cluster's address, such as auto or 10.0.0.1:6379. Left out, a cluster is
            started on this machine.
        json: Print one JSON object at the end: the `folder`, how many runs are `planned`, the names
            of those `trained` now, `kept` from before and `failed`, the `seconds` that it took, and
            how many runs it could train at a time (`slots`).
    """

    study: ClassVar[str] = ""
    settings: Annotated[Settings, tyro.conf.arg(name="")] = field(default_factory=Settings)  # pyright: ignore[reportInvalidTypeForm]
    methods: Annotated[Words, optional("METHOD [METHOD ...]", DEFAULT_METHOD)] = None
    # Several numbers are taken only to be refused in words that help.
    seeds: Annotated[Words, optional("N", "1")] = None
    preset: Annotated[str | None, optional("{fast,paper}", "fast")] = None
    config: File = None
    out: OutFolder = None
    jobs: Annotated[int | None, optional("N")] = None
    backend: Literal["local", "ray"] = "local"
    address: Annotated[str | None, optional("ADDRESS")] = None
    json: Flag = False

    def run(self) -> None:
        """Train what is missing, then say what was done and what to do next.

        Raises:
            SystemExit: Some runs failed.
        """
        words = self._words()
        if not words:
            raise InputError(f"Say what to vary. For example:\n  {EXAMPLE}")
        configs = routed_rl.plan(words)
        default = "sweep" if self.config is None else self.config.stem
        outcome = self._swept(configs, Path("sweeps") / default)
        if self.json:
            print_json(outcome_values(outcome, len(configs)))
        else:
            _print_outcome(outcome, len(configs))
        refuse_failures(outcome)

    def _swept(self, configs: Sequence[AnyConfig], default: Path) -> SweepOutcome:
        """Train what is missing, by default in that folder, and say how long it took."""
        say_borrowed(configs)
        outcome = routed_rl.sweep(
            configs,
            self.out or default,
            jobs=self.jobs,
            ray=self.backend == "ray",
            address=self.address,
        )
        if outcome.trained:
            say(time_taken(outcome), error=True)
        return outcome

    def _words(self) -> dict[str, Any]:
        """The words of the file, replaced by those of the command line."""
        from routed_rl.sweeps.plan import read_file

        options: dict[str, Any] = dataclasses.asdict(self.settings)
        options |= {"methods": self.methods, "seeds": self.seeds, "preset": self.preset}
        options = {name: values for name, values in options.items() if values is not None}
        told = {}
        if self.config is not None:
            told = read_file(self.config, self.study, in_environment="env" in options)
        for name in PLACES:
            places = () if name in options else told.get(name, ())
            for place in [places] if isinstance(places, str) else places:
                refuse_code(Path(self.config or ""), {name: place}, {})
        words = told | options
        if "seed" in options or "seeds" in options:
            words = {k: v for k, v in words.items() if k not in ("seed", "seeds") or k in options}
        return words


@dataclass(frozen=True)
class SweepInEnvironments(Sweep):
    """Train a run for every combination of the settings given, in environments, several at a time.

    Every setting of `routed-rl train --env` takes a list here. Called again, it trains only what is
    missing; other values extend the sweep. Ctrl-C saves. For example:

    routed-rl sweep --env my_env:make --methods inferred naive --seeds 3 --out sweeps/first
    """

    settings: Annotated[EnvironmentSettings, tyro.conf.arg(name="")] = field(  # pyright: ignore[reportInvalidTypeForm]
        default_factory=EnvironmentSettings
    )
    preset: tyro.conf.Suppress[None] = None


def parse(words: list[str]) -> Sweep | SweepInEnvironments:
    """The command that the words name, with its options: of the gridworld or of an environment.

    Raises:
        InputError: A length in the words of the other kind of run.
    """
    in_environments = sweeps_environments(words)
    refuse_other_length(words, in_environments)
    kind = SweepInEnvironments if in_environments else Sweep
    return tyro.cli(kind, prog="routed-rl sweep", args=words)


def sweeps_environments(words: list[str]) -> bool:
    """Whether a command's words, or the file that they name, name an environment."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("--env", nargs="*")
    parser.add_argument("--config")
    try:
        chosen, _ = parser.parse_known_args(words)
        if chosen.env is not None or chosen.config is None:
            return chosen.env is not None
        return "env" in parsed(tomllib.loads, read_text(Path(chosen.config)))
    except (argparse.ArgumentError, OSError, ValueError):
        return False  # Whoever reads them properly says what is wrong.


def outcome_values(outcome: SweepOutcome, planned: int) -> dict[str, Any]:
    """What a sweep did, as plain values."""
    names = {"failed": [run.name for run in outcome.failed]}
    return {"planned": planned, **dataclasses.asdict(outcome), **names}


def refuse_failures(outcome: SweepOutcome) -> None:
    """End with the exit code 1 if runs failed, and say where to look."""
    if outcome.failed:
        say(outcome.failure_text, error=True)
        raise SystemExit(1)


def _print_outcome(outcome: SweepOutcome, planned: int) -> None:
    """Print how many of the planned runs are finished, and what compares them."""
    done = len(outcome.trained) + len(outcome.kept)
    verb = "is" if planned == 1 else "are"
    further = f" Compare them with:\n  {program()} report {quoted(outcome.folder)}" if done else ""
    say(f"{done:,} of {counted(planned, 'run')} {verb} finished in {outcome.folder}.{further}")


def time_taken(outcome: SweepOutcome) -> str:
    """How long a sweep that trained took, and how much of it was not training if that is known."""
    from routed_rl.charts.text import percent_text
    from routed_rl.naming import duration
    from routed_rl.runs.run_folder import read_json
    from routed_rl.sweeps.sweep_folder import SweepFolder

    words = f"{counted(len(outcome.trained), 'run')} trained in {duration(outcome.seconds)}."
    if outcome.failed or outcome.seconds < SHORT_SECONDS:
        return words
    folder = SweepFolder(outcome.folder)
    own = sum(read_json(folder.run(name).result)["seconds"] for name in outcome.trained)
    slots = min(outcome.slots, len(outcome.trained))
    least = own / slots
    if outcome.seconds < least:  # Some had begun in an earlier call.
        return words
    more = percent_text(outcome.seconds / least - 1)
    return (
        f"{words} Their own training times add up to {duration(own)}: at {slots} at a time "
        f"{duration(least)}. Start, evaluation and idle cores took {more} more."
    )
