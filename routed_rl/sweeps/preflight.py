"""How long runs will take, from a few updates of each kind; it also proves that each can start."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Mapping

import torch

from routed_envs.errors import InputError
from routed_rl.config import TrainConfig
from routed_rl.sweeps.plan import run_name
from routed_rl.training.experiment import Experiment

MOST_KINDS = 12
"""Kinds of runs that are timed; the others are taken to be like the first."""
MOST_TIMED = 20
"""Updates that are timed, unless they take longer than `TIMED_SECONDS`."""
TIMED_SECONDS = 0.25
START_SECONDS = 1.0
"""What a run takes beside its updates."""


def available_cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def expected_seconds(configs: Mapping[str, TrainConfig]) -> dict[str, float]:
    """How long each run will take on one core of this machine, roughly.

    Args:
        configs: The runs by name.

    Raises:
        InputError: A configuration cannot be used: every one is tried.
    """
    speeds: dict[str, float] = {}
    seconds: dict[str, float] = {}
    faults: list[str] = []
    for name, config in configs.items():
        try:
            experiment = Experiment.of(config)
        except InputError as error:
            faults += [str(error)] if str(error) not in faults else []
            continue
        kind = _kind(config)
        if kind not in speeds and len(speeds) < MOST_KINDS:
            speeds[kind] = _timed(experiment)
        speed = speeds.get(kind, next(iter(speeds.values())))
        seconds[name] = START_SECONDS + speed * experiment.updates
    if faults:
        raise InputError("\n".join(faults))
    return seconds


def _kind(config: TrainConfig) -> str:
    """The same for runs that differ only in what does not change their speed."""
    return run_name(dataclasses.replace(config, seed=0, oversight=0.5, updates=1))


def _timed(experiment: Experiment) -> float:
    """The time of one update; 0 for a run that fails, which it will tell itself in its turn."""
    try:
        return _seconds_per_update(experiment)
    except Exception:  # A user's method may raise anything.
        return 0.0


def _seconds_per_update(experiment: Experiment) -> float:
    """The time of one update, after a first one that warms up."""
    before = torch.get_num_threads()
    torch.set_num_threads(experiment.config.threads)
    try:
        state, table = experiment.start(), experiment.table()
        experiment.update(state, table)
        updates, passed, started = 0, 0.0, time.perf_counter()
        while updates < MOST_TIMED and passed < TIMED_SECONDS:
            experiment.update(state, table)
            updates, passed = updates + 1, time.perf_counter() - started
        return passed / updates
    finally:
        torch.set_num_threads(before)
