"""The command line: `routed-rl train` and its companions.

Imports no PyTorch, so that help appears at once.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from types import ModuleType
from typing import Any, Protocol

import tyro

import routed_rl
from routed_envs.errors import unknown_name
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


COMMANDS: dict[str, str] = {
    "train": "Train a policy and write everything about it into a folder.",
    "evaluate": "Judge a trained policy: return, how often its episodes end how, and their length.",
    "render": (
        "Draw a trained policy: films of rollouts, a contact sheet, and what each expert would do."
    ),
    "explore": (
        "Write one HTML page that holds a policy, or two side by side, and opens without a server."
    ),
    "sweep": "Train a run for every combination of the settings given, several at a time.",
    "study": "Repeat an experiment of the paper other than its gridworld: train, compare, report.",
    "status": (
        "Say where a sweep stands, from any terminal: what is done, what runs, and what failed."
    ),
    "report": (
        "Compare a sweep's runs on one HTML page, with every figure and every number beside it."
    ),
    "choose": "Choose a sweep's best constants by what the overseer says, never by the truth.",
    "tune": "Search the settings with which a method learns best: Optuna draws, a sweep trains.",
    "methods": "List the methods with their tables: what an episode with each label teaches.",
    "export": "Write the steered policy alone, without the other experts' and the gate's weights.",
    "monitor": (
        "Measure a monitor: how well the gate's first word foretells that an episode ends badly."
    ),
    "new-env": (
        "Write a file of thirty lines that puts an overseer over an environment, to start from."
    ),
    "deploy-report": (
        "Report what a run would do once deployed, and whether it behaves only when it is watched."
    ),
    "completion": "Print what lets a shell complete commands and options.",
}
"""What each command does, in the first sentence of its own help: none is imported for this list."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: Words after the program's name; those of the process if None.

    Returns:
        As `exit_code`.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words in (["--version"], ["-V"]):
        print(f"routed-rl {routed_rl.__version__}")
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
    if name in HELP:
        listed = {n: _without_options(n, about) for n, about in COMMANDS.items()}
        return _chosen(listed, words)
    if name.startswith("-"):
        return _chosen({n: command(n) for n in COMMANDS}, words)
    if name not in COMMANDS:
        raise unknown_name("command", name, COMMANDS)
    own = getattr(_module(name), "parse", None)
    if own is not None:
        return own(options)
    return tyro.cli(command(name), prog=f"routed-rl {name}", args=options)


def command(name: str) -> type[Command]:
    """The record of a command's options, imported when it is asked for."""
    return getattr(_module(name), name.title().replace("-", ""))


def _module(name: str) -> ModuleType:
    return import_module(f"routed_rl.cli.commands.{name.replace('-', '_')}")


def _chosen(commands: Mapping[str, type[Any]], words: list[str]) -> Command:
    """What words without a command's name ask for, such as help, which is printed."""
    return tyro.extras.subcommand_cli_from_dict(
        dict(commands), prog="routed-rl", description=DESCRIPTION, args=words
    )


def _without_options(name: str, about: str) -> type[Any]:
    """A command as the list of commands shows it."""
    return dataclasses.make_dataclass(name, (), namespace={"__doc__": about})
