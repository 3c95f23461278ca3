"""A sweep's folder: which runs belong to it, and where each has its files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from routed_agents.files import writable_folder
from routed_envs.errors import InputError
from routed_rl.any_config import AnyConfig
from routed_rl.runs.run_folder import (
    FORMAT,
    Inside,
    RunFolder,
    check_format,
    held,
    read_disposable,
    remove_partial,
    write_json,
)
from routed_rl.sweeps.plan import run_name

OWN_NAMES = (
    *("lock", "state.json", "output", "failures", "runs", "report"),
    *("trials.journal", "trials.journal.lock", "trials.lock", "chosen.json"),
)
"""Beside its plan, what a sweep's folder may hold."""
LOCK_SECONDS = 2.0
"""How long to wait for the sweep's lock: whoever asks for its status holds it for a moment."""


@dataclass(frozen=True)
class SweepFolder:
    """The files of a sweep.

    Attributes:
        path: The folder.
    """

    path: Path
    plan = Inside("sweep.json")
    """Every run that belongs to the sweep, by the name of its folder."""
    state = Inside("state.json")
    """What the sweep is doing now, or did last."""
    lock = Inside("lock")
    """Held while somebody sweeps."""
    journal = Inside("trials.journal")
    """The trials of a search for constants, if the sweep is one: Optuna's journal."""
    search_lock = Inside("trials.lock")
    """Held while somebody searches."""
    chosen = Inside("chosen.json")
    """The configuration that was chosen, if one was."""

    def run(self, name: str) -> RunFolder:
        """The folder of a run."""
        return RunFolder(self.path / "runs" / name)

    def output(self, name: str) -> Path:
        """What a run last printed."""
        return self.path / "output" / f"{name}.txt"

    def failure(self, name: str) -> Path:
        """How a run last failed; there is none once it is tried again."""
        return self.path / "failures" / f"{name}.json"

    def failures(self) -> dict[str, dict[str, Any]]:
        """The failed runs by name: `reason`, and `lines`, the last of what each printed."""
        files = sorted((self.path / "failures").glob("*.json"))
        found = {file.stem: read_disposable(file) for file in files}
        return {
            name: {"reason": str(failure.get("reason", "unknown")), "lines": _lines(failure)}
            for name, failure in found.items()
        }

    def read_state(self) -> tuple[int, frozenset[str]]:
        """How many runs train at a time, or did last; and those that train if somebody sweeps."""
        state = read_disposable(self.state)
        jobs, running = state.get("jobs"), state.get("running")
        names = map(str, running) if isinstance(running, list) else ()
        return jobs if isinstance(jobs, int) else 1, frozenset(names)

    def extend(self, configs: Mapping[str, AnyConfig], seconds: Mapping[str, float]) -> None:
        """Add runs with their expected seconds; those that belong to the sweep already stay."""
        added = {
            name: {"config": config.to_json(), "expected_seconds": round(seconds[name], 1)}
            for name, config in configs.items()
        }
        write_json(self.plan, {"format": FORMAT, "runs": self.runs() | added})
        for folder in ("runs", "output", "failures"):
            (self.path / folder).mkdir(exist_ok=True)

    def runs(self) -> dict[str, dict[str, Any]]:
        """The runs of the sweep by name, each with `config` and `expected_seconds`.

        Raises:
            InputError: The plan is damaged, or a newer version's.
        """
        if not self.plan.exists():
            return {}
        content = read_disposable(self.plan)
        check_format(self.plan, content.get("format", 0))
        runs = content.get("runs")
        if not isinstance(runs, dict) or not all(map(_is_planned, runs.values())):
            raise InputError(
                f"{self.plan} is damaged. Move it away and sweep again with all that belongs to "
                "the sweep: finished runs are kept."
            )
        return runs

    def require(self) -> dict[str, dict[str, Any]]:
        """The runs of a sweep that must be there already.

        Raises:
            InputError: The folder is no sweep.
        """
        if not self.plan.is_file():
            raise InputError(
                f"{self.path} is no sweep: it has no {self.plan.name}. Give the folder that "
                "`routed-rl sweep --out` made."
            )
        return self.runs()

    def finished(self, name: str) -> bool:
        """Whether a run is done and its files are there."""
        return self.run(name).read_result() is not None

    def is_active(self) -> bool:
        """Whether somebody sweeps in this folder now."""
        if not self.lock.exists():
            return False
        try:
            with FileLock(self.lock, timeout=0):
                return False
        except Timeout:
            return True
        except OSError:  # Whoever may not write here can look, but not tell.
            return False

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other sweeps out.

        Raises:
            InputError: Another process sweeps in this folder, or it holds something else.
        """
        if self.path.is_dir() and not self.plan.exists():
            others = [p.name for p in self.path.iterdir() if not _is_own(p)]
            if others:
                raise InputError(
                    f"{self.path} is no sweep and not empty (it holds {sorted(others)[0]!r}). "
                    "Give a new folder, or an empty one."
                )
        writable_folder(self.path)
        words = f"Look at it with `routed-rl status {self.path}`, or give another folder."
        refusal = f"Another process is sweeping in {self.path}. {words}"
        with held(self.lock, LOCK_SECONDS, refusal):
            for folder in (self.path, self.path / "failures"):
                remove_partial(folder)
            yield


def _is_own(path: Path) -> bool:
    """Whether a sweep without a plan may have left it: one that was stopped early, or damaged."""
    return path.name in OWN_NAMES or path.suffix == ".partial"


def _is_planned(entry: Any) -> bool:
    """Whether an entry of the plan has what whoever reads it needs."""
    if not isinstance(entry, dict) or not isinstance(entry.get("config"), dict):
        return False
    named = entry["config"].keys() >= {"method", "oversight", "seed"}
    return named and isinstance(entry.get("expected_seconds"), int | float)


def _lines(failure: dict[str, Any]) -> list[str]:
    lines = failure.get("lines")
    return [str(line) for line in lines] if isinstance(lines, list) else []


def by_name(configs: Iterable[AnyConfig]) -> dict[str, AnyConfig]:
    """Configurations by the name of their run."""
    return {run_name(config): config for config in configs}
