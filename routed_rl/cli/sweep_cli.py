"""The command line's part for many runs: `routed-rl sweep`, `status`, `report` and `methods`.

Imports nothing heavy until a command runs.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro
from docstring_parser import parse

from routed_rl.cli.options import optional
from routed_rl.config import TrainConfig

VALUES = "VALUE [VALUE ...]"


def _listed_settings() -> type[Any]:
    """A record with a list for every setting of a run but its method, with the same help."""
    meanings = {p.arg_name: p.description for p in parse(TrainConfig.__doc__ or "").params}
    fields = []
    for setting in dataclasses.fields(TrainConfig):
        hint = f"(fast: {setting.default})"
        option = tyro.conf.arg(metavar=VALUES, help=meanings[setting.name], help_behavior_hint=hint)
        if setting.name != "method":
            fields.append((setting.name, Annotated[tuple[str, ...] | None, option], None))
    return dataclasses.make_dataclass("Settings", fields, frozen=True, kw_only=True)


Settings = _listed_settings()


@dataclass(frozen=True)
class Sweep:
    """Train a run for every combination of the settings given, several at a time.

    Every setting of `routed-rl train` takes a list here. Called again, it trains only what is
    missing; other values extend the sweep. Ctrl-C saves. For example:

    routed-rl sweep --methods routed naive --oversight 0.01 0.1 --seeds 3 --out sweeps/first

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
    """

    settings: Annotated[Settings, tyro.conf.arg(name="")] = field(default_factory=Settings)  # pyright: ignore[reportInvalidTypeForm]
    methods: Annotated[
        tuple[str, ...] | None,
        tyro.conf.arg(metavar="METHOD [METHOD ...]", help_behavior_hint="(default: routed)"),
    ] = None
    # Several numbers are taken only to be refused in words that help.
    seeds: Annotated[
        tuple[str, ...] | None, tyro.conf.arg(metavar="N", help_behavior_hint="(default: 1)")
    ] = None
    preset: Annotated[
        str | None, tyro.conf.arg(metavar="{fast,paper}", help_behavior_hint="(default: fast)")
    ] = None
    config: Annotated[Path | None, optional("FILE")] = None
    out: Annotated[Path | None, optional("FOLDER")] = None
    jobs: Annotated[int | None, optional("N")] = None
    backend: Literal["local", "ray"] = "local"
    address: Annotated[str | None, optional("ADDRESS")] = None

    def run(self) -> None:
        """Sweep, then say what was done and what to do next."""
        from routed_rl.cli.sweep_commands import sweep_command

        given: dict[str, Any] = dataclasses.asdict(self.settings)
        given |= {"methods": self.methods, "seeds": self.seeds, "preset": self.preset}
        sweep_command(
            {name: values for name, values in given.items() if values is not None},
            self.config,
            self.out,
            jobs=self.jobs,
            ray=self.backend == "ray",
            address=self.address,
        )


@dataclass(frozen=True)
class Status:
    """Say where a sweep stands, from any terminal: what is done, what runs, and what failed.

    Attributes:
        sweep: The sweep's folder.
    """

    sweep: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="SWEEP")]

    def run(self) -> None:
        """Print the status."""
        from routed_rl.cli.sweep_commands import status_command

        status_command(self.sweep)


@dataclass(frozen=True)
class Report:
    """Compare a sweep's runs on one HTML page, with every figure and every number beside it.

    Attributes:
        sweep: The sweep's folder.
        out: The page's folder. Left out, it is the folder report in the sweep's.
    """

    sweep: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="SWEEP")]
    out: Annotated[Path | None, optional("FOLDER")] = None

    def run(self) -> None:
        """Write the page, then say where it is."""
        from routed_rl.cli.sweep_commands import report_command

        report_command(self.sweep, self.out)


@dataclass(frozen=True)
class Methods:
    """List the methods with their tables: what an episode with each label teaches.

    Attributes:
        names: The methods to show, or module:object for your own. Left out, every one.
    """

    names: Annotated[
        tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="[METHOD ...]")
    ] = ()

    def run(self) -> None:
        """Print the tables."""
        from routed_rl.cli.sweep_commands import methods_command

        methods_command(self.names)
