"""What a sweep's folder holds already must have been trained by the same methods."""

from __future__ import annotations

from collections.abc import Iterable

from routed_envs.errors import InputError
from routed_rl.config import TrainConfig
from routed_rl.runs.run_folder import read_disposable
from routed_rl.sweeps.sweep_folder import SweepFolder
from routed_rl.training.experiment import Experiment

TABLE = "table of the method"
MOST_NAMED = 5


def check_methods(folder: SweepFolder, configs: Iterable[TrainConfig]) -> None:
    """Refuse to extend a sweep with a method that has changed since some of its runs.

    A run's name does not tell: a method of one's own is named by its place, not by its table.

    Args:
        folder: The sweep's.
        configs: What shall be trained.

    Raises:
        InputError: The tables of a method differ; the message shows both.
    """
    first = {config.method: config for config in configs}
    tables = {method: Experiment.of(config).identity()[TABLE] for method, config in first.items()}
    others: dict[str, list[str]] = {}
    there = {}
    for name, planned in folder.runs().items():
        method = planned["config"]["method"]
        found = _table(folder, name) if method in tables else None
        if found not in (None, tables.get(method)):
            others.setdefault(method, []).append(name)
            there[method] = found
    if others:
        faults = (
            f"The method {method} has changed since {_named(folder, names)} began:\n"
            f"  there {there[method]}\n  here  {tables[method]}\n"
            for method, names in others.items()
        )
        raise InputError("".join(faults) + "Give another --out, or move those folders away.")


def _table(folder: SweepFolder, name: str) -> str | None:
    """The table of the method that a run began with; None if it cannot be read."""
    identity = read_disposable(folder.run(name).config).get("identity")
    return identity.get(TABLE) if isinstance(identity, dict) else None


def _named(folder: SweepFolder, names: list[str]) -> str:
    """Some runs' folders, and how many more there are."""
    more = len(names) - MOST_NAMED
    shown = ", ".join(str(folder.run(name).path) for name in names[:MOST_NAMED])
    return shown + (f" and {more} more" if more > 0 else "")
