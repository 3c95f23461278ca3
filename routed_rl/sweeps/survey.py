"""Where a sweep stands, read from its folder; imports nothing heavy, so it answers at once."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from routed_rl.naming import series_name, varying
from routed_rl.sweeps.sweep_folder import SweepFolder

Stage = Literal["finished", "running", "failed", "waiting"]
TAIL_BYTES = 8192


@dataclass(frozen=True)
class RunStatus:
    """Where a run stands.

    Attributes:
        name: Of its folder.
        method: Its method.
        series: The method, with the settings that vary among the method's runs.
        oversight: Its oversight.
        seed: Its seed.
        stage: `finished`, `running`, `failed` or `waiting`.
        progress: The share of its updates that is done, 0 to 1.
        seconds: How long it took, or is expected to take.
        failure: What went wrong, in a few words; None unless it failed.
    """

    name: str
    method: str
    series: str
    oversight: float
    seed: int
    stage: Stage
    progress: float
    seconds: float
    failure: str | None = None

    @property
    def words(self) -> str:
        """Which run it is, as people say it."""
        return f"{self.series}, oversight {self.oversight:g}, seed {self.seed}"


@dataclass(frozen=True)
class SweepStatus:
    """Where a sweep stands.

    Attributes:
        path: Its folder.
        active: Somebody sweeps in it now.
        jobs: How many runs train at a time, or did last.
        runs: Each run, in the order of the plan.
    """

    path: Path
    active: bool
    jobs: int
    runs: tuple[RunStatus, ...]

    def of(self, stage: Stage) -> list[RunStatus]:
        """The runs at a stage."""
        return [run for run in self.runs if run.stage == stage]

    @property
    def seconds_left(self) -> float:
        """How long the runs that are not finished will take, by what the finished ones took.

        A run that failed is tried again by the next sweep only.
        """
        done = ("finished", "failed") if self.active else ("finished",)
        left = sum((1 - run.progress) * run.seconds for run in self.runs if run.stage not in done)
        return left / max(1, self.jobs)


class Surveyor:
    """Looks at a sweep again and again, and reads what is finished only once.

    Args:
        path: The sweep's folder.

    Raises:
        InputError: The folder is no sweep.
    """

    def __init__(self, path: Path) -> None:
        self._folder = SweepFolder(path)
        self._plan = self._folder.require()
        self._series = _series({name: run["config"] for name, run in self._plan.items()})
        self._seconds: dict[str, float] = {}

    def look(self, active: bool | None = None) -> SweepStatus:
        """Where the sweep stands now; whether somebody sweeps is looked up if None."""
        folder = self._folder
        active = folder.is_active() if active is None else active
        jobs, named = folder.read_state()
        running = named if active else frozenset[str]()
        reasons = {name: failure["reason"] for name, failure in folder.failures().items()}
        for name in self._plan.keys() - self._seconds.keys():
            result = folder.run(name).read_result()
            if result is not None:
                self._seconds[name] = result["seconds"]
        pace = self._pace()
        # While others train, what waits has not begun; afterwards it may have been stopped.
        begun = running if active else self._plan.keys()
        runs = [self._status(n, n in running, n in begun, reasons.get(n), pace) for n in self._plan]
        return SweepStatus(folder.path, active, jobs, tuple(runs))

    def _pace(self) -> float:
        """How much longer the finished runs took than was expected."""
        expected = sum(self._plan[name]["expected_seconds"] for name in self._seconds)
        return sum(self._seconds.values()) / expected if expected else 1.0

    def _status(
        self, name: str, running: bool, begun: bool, reason: str | None, pace: float
    ) -> RunStatus:
        config = self._plan[name]["config"]
        expected: float = pace * self._plan[name]["expected_seconds"]
        stage: Stage = "waiting" if reason is None else "failed"
        progress = 0.0
        if name in self._seconds:
            stage, progress = "finished", 1.0
        elif begun:
            stage, progress = "running" if running else stage, self._progress(name)
        return RunStatus(
            name=name,
            method=config["method"],
            series=self._series[name],
            oversight=config["oversight"],
            seed=config["seed"],
            stage=stage,
            progress=progress,
            seconds=self._seconds.get(name, expected),
            failure=reason if stage == "failed" else None,
        )

    def _progress(self, name: str) -> float:
        """The share of a running run's updates that its log has, 0 to 1."""
        try:
            with self._folder.run(name).log.open("rb") as file:
                file.seek(0, os.SEEK_END)
                file.seek(max(0, file.tell() - TAIL_BYTES))
                entry = json.loads(file.read().split(b"\n")[-2])
            return min(1.0, entry["update"] / entry["updates"])
        except (OSError, LookupError, ValueError, TypeError, ZeroDivisionError):
            return 0.0  # There is no line yet, or none that can be read.


def _series(configs: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """For each run its method, with the settings that vary among the method's runs."""
    series: dict[str, str] = {}
    for method in {config["method"] for config in configs.values()}:
        own = {run: config for run, config in configs.items() if config["method"] == method}
        names = varying(list(own.values()))
        for run, config in own.items():
            series[run] = series_name(method, names, [config.get(name) for name in names])
    return series


def survey(path: str | Path) -> SweepStatus:
    """Where a sweep stands now.

    Raises:
        InputError: The folder is no sweep.
    """
    return Surveyor(Path(path)).look()
