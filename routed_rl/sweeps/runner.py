"""Running a sweep: what is missing is trained, what fails is told, and nothing is done twice."""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from routed_envs.errors import InputError
from routed_rl.any_config import AnyConfig
from routed_rl.naming import counted, duration
from routed_rl.runs.run_folder import write_json
from routed_rl.screen import say
from routed_rl.sweeps.backends.base import Backend, Ended
from routed_rl.sweeps.backends.local import LocalBackend
from routed_rl.sweeps.display import sweep_display
from routed_rl.sweeps.preflight import (
    available_cores,
    check_methods,
    expected_seconds,
    refuse_unguarded,
)
from routed_rl.sweeps.sweep_folder import SweepFolder, by_name

LOOK_SECONDS = 0.05


@dataclass(frozen=True)
class SweepOutcome:
    """What a call of `sweep` did.

    Attributes:
        trained: The runs that it finished, by name.
        kept: The runs that were finished before.
        failed: The runs that failed.
        seconds: How long it took, from the first run's start to the last one's end.
        slots: How many runs it could train at a time.
        folder: The sweep's.
    """

    trained: tuple[str, ...]
    kept: tuple[str, ...]
    failed: tuple[Ended, ...]
    seconds: float
    slots: int
    folder: Path

    @property
    def failure_text(self) -> str:
        """Which runs failed, and where to look; empty if none did."""
        if not self.failed:
            return ""
        names = ", ".join(run.name for run in self.failed)
        place = SweepFolder(self.folder).output("NAME")
        return (
            f"{counted(len(self.failed), 'run')} failed: {names}. What each printed is in {place}; "
            "the same command tries them again."
        )


def sweep(
    configs: Iterable[AnyConfig],
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
    a run that fails does not stop the others. Other configurations in the same folder extend it. A
    program that calls this needs the usual ``if __name__ == "__main__":``.

    Args:
        configs: What to train, each a `TrainConfig`, which has its method's own constants, an
            `EnvironmentConfig`, or that of a study, such as a `DigitsConfig`.
        out: The sweep's folder.
        jobs: Runs at a time; one for each core, or what the cluster holds, if None.
        ray: Train on a Ray cluster that shares the folder (extra `ray`).
        address: Of the cluster; one on this machine if None.
        progress: Show a live table if standard error is a terminal, else a line for each run.

    Returns:
        What was done; failures are in it, not raised.

    Raises:
        InputError: A configuration cannot be used or is too large, the folder holds something else
            or runs of a method that has changed, is being swept, or the cluster does not answer.
            Nothing was changed.
        KeyboardInterrupt: The user stopped it; every run saved a checkpoint.
    """
    refuse_unguarded("sweep")
    planned = by_name(configs)
    if not planned:
        raise InputError("A sweep needs at least one configuration.")
    if jobs is not None and jobs < 1:
        raise InputError(f"jobs={jobs}: give at least 1.")
    if address is not None and not ray:
        raise InputError(f"address={address!r} is a Ray cluster's. Give --backend ray with it.")
    folder, threads = SweepFolder(Path(out)), max(config.threads for config in planned.values())
    seconds = expected_seconds(planned, _side_by_side(threads, jobs, ray))
    with folder.locked():
        check_methods(folder, planned.values())
        kept = tuple(name for name in planned if folder.finished(name))
        missing = [name for name in planned if name not in kept]
        # Whatever happens, nothing trains on afterwards.
        with closing(_backend(folder.path, len(missing), threads, jobs, ray, address)) as backend:
            folder.extend(planned, seconds)
            slots, started = backend.slots, time.monotonic()
            left = sum(seconds[name] for name in missing) / slots
            _announce(len(planned), len(kept), left, slots, progress)
            ended = _train(folder, missing, backend, progress)
    failed = tuple(run for run in ended if run.failure)
    trained = tuple(run.name for run in ended if not run.failure)
    return SweepOutcome(trained, kept, failed, time.monotonic() - started, slots, folder.path)


def _side_by_side(threads: int, jobs: int | None, ray: bool) -> int:
    """How many runs share this machine; a cluster's machines share nothing."""
    return 1 if ray else jobs or max(1, available_cores() // threads)


def _backend(
    path: Path, missing: int, threads: int, jobs: int | None, ray: bool, address: str | None
) -> Backend:
    """What trains so many runs in the folder, each with so many threads."""
    if ray and missing:
        # Slow to import, and optional.
        from routed_rl.sweeps.backends.ray_cluster import RayBackend

        return RayBackend(path, address, jobs, threads)
    return LocalBackend(path, max(1, min(_side_by_side(threads, jobs, False), missing)))


def _announce(planned: int, kept: int, seconds: float, slots: int, progress: bool) -> None:
    if not progress:
        return
    missing = planned - kept
    words = f"{planned} runs, {kept} of them finished" if kept else f"{planned} runs"
    if missing:
        words += f"; {missing} to train, {slots} at a time: about {duration(seconds)}"
    say(f"{words}.", error=True)


def _train(folder: SweepFolder, names: list[str], backend: Backend, progress: bool) -> list[Ended]:
    waiting, running, ended = list(reversed(names)), list[str](), list[Ended]()
    for name in names:  # They are tried again, so that none of them counts as failed.
        folder.failure(name).unlink(missing_ok=True)
    with sweep_display(folder, progress) as display:
        try:
            while waiting or running:
                changed = False
                while waiting and len(running) < backend.slots:
                    backend.start(waiting[-1])
                    running.append(waiting.pop())
                    changed = True
                for run in backend.ended():
                    running.remove(run.name)
                    ended.append(run)
                    if run.failure:
                        failure = {"reason": run.failure, "lines": run.lines}
                        write_json(folder.failure(run.name), failure)
                    display.tell(run)
                    changed = True
                if changed:
                    write_json(folder.state, {"jobs": backend.slots, "running": running})
                display.refresh()
                time.sleep(LOOK_SECONDS)
        except KeyboardInterrupt:
            _stop(backend)
            raise
        finally:
            write_json(folder.state, {"jobs": backend.slots, "running": []})
    return ended


def _stop(backend: Backend) -> None:
    """Let the running runs save; a second Ctrl-C does not wait for them."""
    if not backend.running:
        return
    say("Stopping: every run saves what it has.", error=True)
    backend.interrupt()
    # The backend knows what runs: Ctrl-C may have come before it told, or after.
    while backend.running:
        backend.ended()
        time.sleep(LOOK_SECONDS)
    say("Every run saved what it has. The same command goes on from here.", error=True)
