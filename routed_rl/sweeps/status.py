"""Where a sweep stands, read from its folder; imports nothing heavy, so it answers at once."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from routed_rl.folder import read_json
from routed_rl.sweeps.folder import SweepFolder

Stage = Literal["finished", "running", "failed", "waiting"]
TAIL_BYTES = 8192


@dataclass(frozen=True)
class RunStatus:
    """Where a run stands.

    Attributes:
        name: Of its folder.
        method: Its method.
        oversight: Its oversight.
        seed: Its seed.
        stage: `finished`, `running`, `failed` or `waiting`.
        progress: The share of its updates that is done, 0 to 1.
        seconds: How long it took, or is expected to take.
        failure: What went wrong, in a few words; None unless it failed.
    """

    name: str
    method: str
    oversight: float
    seed: int
    stage: Stage
    progress: float
    seconds: float
    failure: str | None = None


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
        """How long the runs that are not finished will take, by what the finished ones took."""
        left = sum((1 - run.progress) * run.seconds for run in self.runs if run.stage != "finished")
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
        self._seconds: dict[str, float] = {}

    def look(self, active: bool | None = None) -> SweepStatus:
        """Where the sweep stands now.

        Args:
            active: Whether somebody sweeps; looked up if None.
        """
        folder = self._folder
        active = folder.is_active() if active is None else active
        state = read_json(folder.state) if folder.state.exists() else {}
        running = set(state.get("running", ())) if active else set()
        failures = folder.failures()
        for name in self._plan.keys() - self._seconds.keys():
            if folder.finished(name):
                self._seconds[name] = read_json(folder.run(name).result).get("seconds", 0.0)
        pace = self._pace()
        runs = [self._status(name, running, failures, pace) for name in self._plan]
        return SweepStatus(folder.path, active, state.get("jobs", 1), tuple(runs))

    def _pace(self) -> float:
        """How much longer the finished runs took than was expected."""
        expected = sum(self._plan[name]["expected_seconds"] for name in self._seconds)
        return sum(self._seconds.values()) / expected if expected else 1.0

    def _status(
        self, name: str, running: set[str], failures: dict[str, dict[str, Any]], pace: float
    ) -> RunStatus:
        """Where one run stands."""
        config = self._plan[name]["config"]
        stage: Stage = "waiting"
        if name in self._seconds:
            stage = "finished"
        elif name in running:
            stage = "running"
        elif name in failures:
            stage = "failed"
        progress = float(stage == "finished")
        if stage == "running":
            progress = self._progress(name)
        expected: float = pace * self._plan[name]["expected_seconds"]
        return RunStatus(
            name=name,
            method=config["method"],
            oversight=config["oversight"],
            seed=config["seed"],
            stage=stage,
            progress=progress,
            seconds=self._seconds.get(name, expected),
            failure=failures[name]["reason"] if stage == "failed" else None,
        )

    def _progress(self, name: str) -> float:
        """The share of a running run's updates that its log has, 0 to 1."""
        log = self._folder.run(name).log
        if not log.exists():
            return 0.0
        with log.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - TAIL_BYTES))
            lines = file.read().split(b"\n")
        try:
            entry = json.loads(lines[-2])
        except (IndexError, ValueError):
            return 0.0
        return min(1.0, entry["update"] / entry["updates"])


def survey(path: str | Path) -> SweepStatus:
    """Where a sweep stands now.

    Args:
        path: The sweep's folder.

    Raises:
        InputError: The folder is no sweep.
    """
    return Surveyor(Path(path)).look()
