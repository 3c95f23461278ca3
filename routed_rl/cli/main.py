"""The command line: `routed-rl train` and its companions.

Imports no PyTorch, so that help appears at once.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any, Protocol

import tyro

from routed_envs.errors import unknown_name
from routed_rl.cli.commands.choose import Choose
from routed_rl.cli.commands.completion import Completion
from routed_rl.cli.commands.deploy_report import DeployReport
from routed_rl.cli.commands.evaluate import Evaluate
from routed_rl.cli.commands.explore import Explore
from routed_rl.cli.commands.export import Export
from routed_rl.cli.commands.methods import Methods
from routed_rl.cli.commands.monitor import Monitor
from routed_rl.cli.commands.new_env import NewEnv
from routed_rl.cli.commands.render import Render
from routed_rl.cli.commands.report import Report
from routed_rl.cli.commands.status import Status
from routed_rl.cli.commands.study import Study, parse_study
from routed_rl.cli.commands.sweep import Sweep, SweepInEnvironments, sweeps_environments
from routed_rl.cli.commands.train import Train, starting_values
from routed_rl.cli.commands.tune import Tune, TuneInEnvironments
from routed_rl.cli.terminal import exit_code

DESCRIPTION = """\
Train agents under scarce oversight with gradient routing, judge them, and look at what they do.

`routed-rl COMMAND --help` lists the options of a command, `routed-rl --version` prints the version,
and `routed-rl completion --help` says how bash, zsh and fish complete all of them.
"""
SHELLS = ("bash", "zsh", "fish")
"""What tyro, which reads the command line, writes completion for."""
HELP = ("-h", "--help")


class Command(Protocol):
    """A record of options that does something with them."""

    def run(self) -> None:
        """Parse words, call one public function, and print."""
        ...


COMMANDS: dict[str, type[Command]] = {
    "train": Train,
    "evaluate": Evaluate,
    "render": Render,
    "explore": Explore,
    "sweep": Sweep,
    "study": Study,
    "status": Status,
    "report": Report,
    "choose": Choose,
    "tune": Tune,
    "methods": Methods,
    "export": Export,
    "monitor": Monitor,
    "new-env": NewEnv,
    "deploy-report": DeployReport,
    "completion": Completion,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: Words after the program's name; those of the process if None.

    Returns:
        As `exit_code`.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words in (["--version"], ["-V"]):
        print(f"routed-rl {version('routed-rl')}")
        return 0
    return exit_code(lambda: parse(words or ["--help"]).run())


def parse(words: list[str]) -> Command:
    """The command that the words name, with its options.

    Args:
        words: After the program's name, at least one.

    Raises:
        InputError: No such command or shell.
        SystemExit: Something was printed in the place of a command, such as help or completion.
    """
    name, options = words[0], words[1:]
    if name.endswith("completion") and options and options[0] not in (*SHELLS, *HELP):
        raise unknown_name("shell", options[0], SHELLS)
    if name.startswith("-"):
        known = {n: _listed(c) for n, c in COMMANDS.items()} if name in HELP else COMMANDS
        return tyro.extras.subcommand_cli_from_dict(
            known, prog="routed-rl", description=DESCRIPTION, args=words
        )
    if name not in COMMANDS:
        raise unknown_name("command", name, COMMANDS)
    if name == "study":
        return parse_study(options)
    if name == "sweep" and sweeps_environments(options):
        return tyro.cli(SweepInEnvironments, prog="routed-rl sweep", args=options)
    if name == "tune" and sweeps_environments(options):
        return tyro.cli(TuneInEnvironments, prog="routed-rl tune", args=options)
    if name != "train":
        return tyro.cli(COMMANDS[name], prog=f"routed-rl {name}", args=options)
    start = starting_values(options)
    return tyro.cli(type(start), prog="routed-rl train", args=options, default=start)


def _listed(command: type[Command]) -> type[Any]:
    """A command's first sentence without its options, which take long to read: help shows these."""
    about, _, _ = (command.__doc__ or "").partition("\n\n")
    return dataclasses.make_dataclass(command.__name__, (), namespace={"__doc__": about})
