"""Running a sweep: what is missing is trained, what fails is told, and nothing is done twice."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from routed_envs.errors import InputError
from routed_rl.config import TrainConfig
from routed_rl.runs.run_folder import write_json
from routed_rl.sweeps.backends.local import Ended, LocalBackend
from routed_rl.sweeps.display import duration
from routed_rl.sweeps.kept import check_methods
from routed_rl.sweeps.live import shown
from routed_rl.sweeps.preflight import available_cores, expected_seconds
from routed_rl.sweeps.sweep_folder import SweepFolder, by_name

LOOK_SECONDS = 0.05


class Backend(Protocol):
    """Where a sweep's runs train."""

    @property
    def slots(self) -> int:
        """How many runs train at a time; it may change."""
        ...

    @property
    def running(self) -> int:
        """The runs whose end was not told yet."""
        ...

    def start(self, name: str) -> None:
        """Start a run."""
        ...

    def ended(self) -> list[Ended]:
        """The runs that ended since the last call."""
        ...

    def interrupt(self) -> None:
        """Ask every run to save and end."""
        ...

    def close(self) -> None:
        """End every run at once."""
        ...


@dataclass(frozen=True)
class SweepOutcome:
    """What a call of `sweep` did.

    Attributes:
        trained: The runs that it finished, by name.
        kept: The runs that were finished before.
        failed: The runs that failed.
        seconds: How long it took, from the first run's start to the last one's end.
        slots: How many runs it could train at a time.
    """

    trained: tuple[str, ...]
    kept: tuple[str, ...]
    failed: tuple[Ended, ...]
    seconds: float
    slots: int


def sweep(
    configs: Iterable[TrainConfig],
    out: str | Path,
    *,
    jobs: int | None = None,
    ray: bool = False,
    address: str | None = None,
    progress: bool = True,
) -> SweepOutcome:
    """Train a run for each configuration, several at a time, in one folder.

    Each run is a process of its own in the folder `out/runs/NAME`, the name being the hash of the
    configuration. Runs that are finished are kept, unfinished ones continue where they stopped, and
    a run that fails does not stop the others. Other configurations in the same folder extend
    the sweep. A program that calls this needs the usual ``if __name__ == "__main__":``.

    Args:
        configs: What to train; `TrainConfig.from_preset` has each method's own constants.
        out: The sweep's folder.
        jobs: Runs at a time; one for each core, or what the cluster holds, if None.
        ray: Train on a Ray cluster that shares the folder (extra `ray`).
        address: Of the cluster; one on this machine if None.
        progress: Show a live table if standard error is a terminal, else a line for each run.

    Returns:
        What was done; failures are in it, not raised.

    Raises:
        InputError: A configuration cannot be used, the folder holds something else or runs of a
            method that has changed, is being swept, or the cluster does not answer. Nothing was
            changed.
        KeyboardInterrupt: The user stopped it; every run saved a checkpoint.
    """
    planned = by_name(list(configs))
    _check(planned, jobs, ray, address)
    seconds, folder = expected_seconds(planned), SweepFolder(Path(out))
    with folder.locked():
        check_methods(folder, planned.values())
        kept = tuple(name for name in planned if folder.finished(name))
        missing = [name for name in planned if name not in kept]
        with _backend(folder.path, missing, planned, jobs, ray, address) as backend:
            folder.extend(planned, seconds)
            slots, started = backend.slots, time.monotonic()
            left = sum(seconds[name] for name in missing) / slots
            _announce(len(planned), len(kept), left, slots, progress)
            ended = _train_all(folder, missing, backend, progress)
    failed = tuple(run for run in ended if run.failure)
    trained = tuple(run.name for run in ended if not run.failure)
    return SweepOutcome(trained, kept, failed, time.monotonic() - started, slots)


def _check(
    planned: Mapping[str, TrainConfig], jobs: int | None, ray: bool, address: str | None
) -> None:
    """Refuse what cannot be swept."""
    if not planned:
        raise InputError("A sweep needs at least one configuration.")
    if jobs is not None and jobs < 1:
        raise InputError(f"jobs={jobs}: give at least 1.")
    if address is not None and not ray:
        raise InputError(f"address={address!r} is a Ray cluster's. Give --backend ray with it.")


@contextmanager
def _backend(
    path: Path,
    missing: list[str],
    planned: dict[str, TrainConfig],
    jobs: int | None,
    ray: bool,
    address: str | None,
) -> Iterator[Backend]:
    """Where the runs train; whatever happens, nothing trains on afterwards."""
    threads = max(config.threads for config in planned.values())
    if ray and missing:
        from routed_rl.sweeps.backends.ray_cluster import (
            RayBackend,  # Slow to import, and optional.
        )

        backend: Backend = RayBackend(path, address, jobs, threads)
    else:
        cores = max(1, available_cores() // threads)
        backend = LocalBackend(path, max(1, min(jobs or cores, len(missing))))
    try:
        yield backend
    finally:
        backend.close()


def _announce(planned: int, kept: int, seconds: float, slots: int, progress: bool) -> None:
    """Say what will be done."""
    if not progress:
        return
    missing = planned - kept
    words = f"{planned} runs, {kept} of them finished" if kept else f"{planned} runs"
    if missing:
        words += f"; {missing} to train, {slots} at a time: about {duration(seconds)}"
    print(f"{words}.", file=sys.stderr)


def _train_all(
    folder: SweepFolder, names: list[str], backend: Backend, progress: bool
) -> list[Ended]:
    """Train every run of the list; returns how each ended."""
    waiting, running, ended = list(reversed(names)), list[str](), list[Ended]()
    with shown(folder, progress) as show:
        try:
            while waiting or running:
                changed = False
                while waiting and len(running) < backend.slots:
                    folder.failure(waiting[-1]).unlink(missing_ok=True)
                    backend.start(waiting[-1])
                    running.append(waiting.pop())
                    changed = True
                for run in backend.ended():
                    running.remove(run.name)
                    ended.append(run)
                    _record(folder, run)
                    show.tell(run)
                    changed = True
                if changed:
                    write_json(folder.state, {"jobs": backend.slots, "running": running})
                show.refresh()
                time.sleep(LOOK_SECONDS)
        except KeyboardInterrupt:
            _stop(backend)
            raise
        finally:
            write_json(folder.state, {"jobs": backend.slots, "running": []})
    return ended


def _record(folder: SweepFolder, run: Ended) -> None:
    """Keep how a run failed, for whoever asks later."""
    if run.failure:
        write_json(folder.failure(run.name), {"reason": run.failure, "lines": run.lines})


def _stop(backend: Backend) -> None:
    """Let the running runs save; a second Ctrl-C does not wait for them."""
    if not backend.running:
        return
    print("Stopping: every run saves what it has.", file=sys.stderr)
    backend.interrupt()
    # The backend knows what runs: Ctrl-C may have come before it told, or after.
    while backend.running:
        backend.ended()
        time.sleep(LOOK_SECONDS)
    print("Every run saved what it has. The same command goes on from here.", file=sys.stderr)
