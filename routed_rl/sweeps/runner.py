"""Running a sweep: what is missing is trained, what fails is told, and nothing is done twice."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from rich.console import Console
from rich.live import Live

from routed_envs.errors import InputError
from routed_rl.config import TrainConfig
from routed_rl.folder import write_json
from routed_rl.sweeps.display import duration, picture
from routed_rl.sweeps.estimate import available_cores, expected_seconds
from routed_rl.sweeps.folder import SweepFolder, by_name
from routed_rl.sweeps.local import Ended, LocalBackend
from routed_rl.sweeps.status import Surveyor

LOOK_SECONDS = 0.05
SHOW_SECONDS = 1.0


class Backend(Protocol):
    """Where a sweep's runs train."""

    @property
    def slots(self) -> int:
        """How many runs train at a time; it may change."""
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
        InputError: A configuration cannot be used, the folder holds something else or is being
            swept, or the cluster does not answer. Nothing was changed.
        KeyboardInterrupt: The user stopped it; every run saved a checkpoint.
    """
    planned = by_name(list(configs))
    _check(planned, jobs, ray, address)
    seconds, folder = expected_seconds(planned), SweepFolder(Path(out))
    with folder.locked():
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
        from routed_rl.sweeps.ray_cluster import RayBackend  # Slow to import, and optional.

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
    with _shown(folder, progress) as show:
        try:
            while waiting or running:
                changed = False
                while waiting and len(running) < backend.slots:
                    running.append(waiting.pop())
                    folder.failure(running[-1]).unlink(missing_ok=True)
                    backend.start(running[-1])
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
            _stop(backend, len(running))
            raise
        finally:
            write_json(folder.state, {"jobs": backend.slots, "running": []})
    return ended


def _record(folder: SweepFolder, run: Ended) -> None:
    """Keep how a run failed, for whoever asks later."""
    if run.failure:
        write_json(folder.failure(run.name), {"reason": run.failure, "lines": run.lines})


def _stop(backend: Backend, running: int) -> None:
    """Let the running runs save; a second Ctrl-C does not wait for them."""
    print("Stopping: every run saves what it has.", file=sys.stderr)
    backend.interrupt()
    while running:
        running -= len(backend.ended())
        time.sleep(LOOK_SECONDS)


class _Shown:
    """What the user sees while a sweep runs: a live table, or a line for each run.

    Args:
        folder: The sweep's.
        live: The live table, if there is one.
        visible: Show anything at all.
    """

    def __init__(self, folder: SweepFolder, live: Live | None, visible: bool) -> None:
        self._surveyor = Surveyor(folder.path)
        self._live = live
        self._visible = visible
        self._due = 0.0

    def refresh(self, at_once: bool = False) -> None:
        """Show where the sweep stands, now and then or at once."""
        if self._live is not None and (at_once or time.monotonic() >= self._due):
            self._live.update(picture(self._surveyor.look(active=True)), refresh=True)
            self._due = time.monotonic() + SHOW_SECONDS

    def tell(self, ended: Ended) -> None:
        """Say that a run ended, where there is no table to show it, and how one failed."""
        self._due = 0.0
        if not self._visible or (self._live is not None and not ended.failure):
            return
        status = self._surveyor.look(active=True)
        run = next(run for run in status.runs if run.name == ended.name)
        what = f"{run.method}, oversight {run.oversight:g}, seed {run.seed} ({run.name})"
        done = len(status.of("finished"))
        words = f"[{done}/{len(status.runs)}] {what}: {ended.failure or f'{run.seconds:.0f} s'}"
        text = "\n    ".join((words, *ended.lines))
        if self._live is not None:
            self._live.console.print(text, markup=False, highlight=False)
        else:
            print(text, file=sys.stderr, flush=True)


@contextmanager
def _shown(folder: SweepFolder, progress: bool) -> Iterator[_Shown]:
    """The display for the length of a sweep."""
    console = Console(stderr=True)
    if not (progress and console.is_terminal):
        yield _Shown(folder, None, progress)
        return
    with Live(console=console, auto_refresh=False) as live:
        shown = _Shown(folder, live, progress)
        yield shown
        shown.refresh(at_once=True)
