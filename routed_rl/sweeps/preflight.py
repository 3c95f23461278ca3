"""Before a sweep starts: how long it will take, that every run can start, and that none differs."""

from __future__ import annotations

import dataclasses
import multiprocessing
import os
import time
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from typing import Any

from routed_envs.errors import InputError
from routed_rl.any_config import AnyConfig
from routed_rl.naming import plain
from routed_rl.runs.identity import TABLE, differing_cells
from routed_rl.runs.loop import using_threads
from routed_rl.runs.memory import RunSize, check_memory
from routed_rl.runs.run_folder import read_disposable
from routed_rl.runs.task import Task
from routed_rl.sweeps.plan import run_name
from routed_rl.sweeps.sweep_folder import SweepFolder
from routed_rl.training.training import task_of

MOST_KINDS = 12
"""Kinds of runs that are timed; the others are taken to be like the first."""
MOST_TIMED = 20
"""Updates that are timed, unless they take longer than `TIMED_SECONDS`."""
TIMED_SECONDS = 0.25
START_SECONDS = 1.0
"""What a run takes beside its updates."""
PLACE = ("study", "method", "env", "world", "topics")
"""The settings that decide what a method's table says."""
MOST_NAMED = 5
"""Runs that a refusal names."""


def available_cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def expected_seconds(configs: Mapping[str, AnyConfig], at_a_time: int) -> dict[str, float]:
    """How long each run will take on one core of this machine, roughly.

    Args:
        configs: By the name of their run.
        at_a_time: How many of the runs must fit into the memory side by side.

    Raises:
        InputError: A configuration cannot be used (every one is tried), or runs do not fit.
    """
    amounts = _amounts(configs)
    sizes = sorted((size for size, _ in amounts.values()), key=lambda size: -size.bytes)
    check_memory(sizes[:1])
    check_memory(sizes[:at_a_time])
    speeds: dict[str, float] = {}
    seconds: dict[str, float] = {}
    for name, (_, updates) in amounts.items():
        kind = _kind(configs[name])
        if kind not in speeds and len(speeds) < MOST_KINDS:
            speeds[kind] = _timed(task_of(configs[name]))
        speed = speeds.get(kind, next(iter(speeds.values())))
        seconds[name] = START_SECONDS + speed * updates
    return seconds


def _amounts(configs: Mapping[str, AnyConfig]) -> dict[str, tuple[RunSize, int]]:
    """The memory and the updates that each configuration asks for.

    Raises:
        InputError: Some cannot be used; every fault is told once.
    """
    amounts: dict[str, tuple[RunSize, int]] = {}
    faults: dict[str, None] = {}
    for name, config in configs.items():
        try:
            # A task may hold much data: one at a time.
            task = task_of(config)
            amounts[name] = task.size(), task.updates
        except InputError as error:
            faults[str(error)] = None
    if faults:
        raise InputError("\n".join(faults))
    return amounts


def _kind(config: AnyConfig) -> str:
    """The same for runs that differ only in what does not change their speed."""
    return run_name(dataclasses.replace(config, seed=0, oversight=0.5, **config.least_budget))


def _timed(task: Task[Any]) -> float:
    """The seconds of one update, after a first one that warms up.

    0 for a run that fails, which it will tell itself in its turn.

    Raises:
        InputError: It has nothing to learn from.
    """
    try:
        with using_threads(task.threads), ExitStack() as stack:
            state = task.start()
            stack.callback(task.close, state)
            task.update(state)
            updates, passed, started = 0, 0.0, time.perf_counter()
            while updates < MOST_TIMED and passed < TIMED_SECONDS:
                task.update(state)
                updates, passed = updates + 1, time.perf_counter() - started
            return passed / updates
    except InputError:
        raise
    except Exception:  # A user's method may raise anything.
        return 0.0


def refuse_unguarded(name: str) -> None:
    """Refuse to train where a process of a sweep is only starting: it would begin another sweep.

    Args:
        name: Of the function that was called.

    Raises:
        InputError: The program's file is being read again by such a process.
    """
    # Python's own mark of a process that is being started, by which it refuses to start others.
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        raise InputError(
            f"{name} was called while a process of it was starting, which reads the program's file "
            f'again. Call {name} under `if __name__ == "__main__":`.'
        )


def check_methods(folder: SweepFolder, configs: Iterable[AnyConfig]) -> None:
    """Refuse to extend a sweep with a method that has changed since some of its runs.

    A run's name does not tell: a method of one's own is named by its place, not by its table.

    Raises:
        InputError: The tables of a method differ; the message shows the cells that do.
    """
    first = {_place(config.to_json()): config for config in configs}
    tables = {place: task_of(config).identity()[TABLE] for place, config in first.items()}
    others: dict[tuple[Any, ...], list[str]] = {}
    there: dict[tuple[Any, ...], str] = {}
    for name, planned in folder.runs().items():
        place = _place(planned["config"])
        found = _table(folder, name) if place in tables else None
        if found is not None and found != tables.get(place):
            others.setdefault(place, []).append(name)
            there[place] = found
    if others:
        lines = []
        for place, names in others.items():
            method = place[PLACE.index("method")]
            lines.append(f"The method {method} has changed since {_named(folder, names)} began:")
            lines += [f"  {cell}" for cell in differing_cells(there[place], tables[place])]
        raise InputError("\n".join((*lines, "Give another --out, or move those folders away.")))


def _place(config: Mapping[str, Any]) -> tuple[Any, ...]:
    """A run's method, and what else decides its table."""
    return tuple(plain(config.get(name)) for name in PLACE)


def _table(folder: SweepFolder, name: str) -> str | None:
    """The table of the method that a run began with; None if it cannot be read."""
    identity = read_disposable(folder.run(name).config).get("identity")
    table = identity.get(TABLE) if isinstance(identity, dict) else None
    return table if isinstance(table, str) else None


def _named(folder: SweepFolder, names: list[str]) -> str:
    more = len(names) - MOST_NAMED
    shown = ", ".join(str(folder.run(name).path) for name in names[:MOST_NAMED])
    return shown + (f" and {more} more" if more > 0 else "")
