"""Running a task: from a folder, new or half-done, to a finished run."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import torch

from routed_rl.runs.allocator import keep_memory
from routed_rl.runs.checkpoint import load_checkpoint, save_checkpoint
from routed_rl.runs.divergence import DivergenceError
from routed_rl.runs.memory import check_memory
from routed_rl.runs.mirrors import check_mirrors, open_mirrors
from routed_rl.runs.opening import check_folder, describe, other_processor, prepare_folder
from routed_rl.runs.progress import TrainingBar, judging
from routed_rl.runs.run_folder import RunFolder
from routed_rl.runs.run_log import RunLog
from routed_rl.runs.snapshots import Snapshots
from routed_rl.runs.stopping import Stop, noticing
from routed_rl.runs.task import Judged, StateT, Task, TaskState
from routed_rl.screen import say

CHECKPOINT_SECONDS = 5.0
"""At most so long a killed run is thrown back."""
LARGEST = 1e12
"""No network that learns has such a weight; products of larger ones are no numbers soon."""
LOG_EVERY = 10
"""Updates between two lines of the log."""
EVALUATIONS = 8
"""A run whose configuration leaves it open is judged so often on the way."""
FEWEST_APART = 25
"""Unless so many updates do not lie between: an evaluation takes longer than some updates do."""


def run_task(
    task: Task[StateT],
    folder: RunFolder,
    *,
    resume: bool,
    progress: bool,
    overwrite: bool = False,
    mirrors: Collection[str] = (),
    snapshots: int = 0,
) -> None:
    """Run a task in a folder to its end, from where it stands.

    Args:
        task: What to train.
        folder: The run's.
        resume: Continue a run of the same task (its budget may be larger), or start it.
        overwrite: Start again in a folder that holds a run.
        progress: Show a progress bar if standard error is a terminal.
        mirrors: Repeat the log elsewhere: some of the names in `MIRRORS`.
        snapshots: Policies to keep on the way.

    Raises:
        InputError: The run does not fit into the memory, the folder holds a run already or another
            one, or its files are damaged. Nothing was changed.
        OSError: A file could not be written; what was saved before is untouched.
        DivergenceError: The weights are no numbers to act by any more; the last checkpoint is.
        KeyboardInterrupt: The user, or another signal, stopped it; a checkpoint was saved.
    """
    check_memory([task.size()])
    kept = Snapshots(snapshots, task.updates)
    description = describe(task.settings(), task.identity())
    check_folder(folder, description, resume, overwrite)
    check_mirrors(mirrors)
    keep_memory()
    with folder.locked(), using_threads(task.threads), ExitStack() as stack:
        check_folder(folder, description, resume, overwrite)
        state = task.start()
        stack.callback(task.close, state)
        if resume and folder.checkpoint.exists():
            load_checkpoint(state, folder.checkpoint)
            moved = other_processor(folder)
            if moved and state.update < task.updates:
                say(moved, error=True)
        prepare_folder(folder, description, resume)
        if folder.read_result() is None:
            folder.result.unlink(missing_ok=True)
            opened = open_mirrors(mirrors, folder, task.settings(), state.update)
            with (
                RunLog(folder.log, state.log_bytes, opened) as log,
                TrainingBar(task.updates, state.update, task.samples, task.unit, progress) as bar,
                noticing() as stop,
            ):
                _train_on(task, state, folder, log, bar, stop, kept)
            with judging(progress):
                task.finish(state, folder)


def _train_on(
    task: Task[StateT],
    state: StateT,
    folder: RunFolder,
    log: RunLog,
    bar: TrainingBar,
    stop: Stop,
    snapshots: Snapshots,
) -> None:
    """The loop: an update; now and then a log line and a checkpoint."""
    keeper = _Keeper(state, folder, log)
    while state.update < task.updates:
        snapshots.keep(task, state, folder)
        try:
            learned = task.update(state)
        except (ValueError, RuntimeError):
            keeper.check()  # No distribution has such numbers.
            raise
        bar.count()
        if state.update % LOG_EVERY == 0:
            keeper.check()
        evaluations = task.judge(state) if _is_judged(task, state.update) else {}
        is_logged = bool(evaluations) or state.update % LOG_EVERY == 0
        if is_logged or bar.is_due:
            entry = _entry(task, state, learned, evaluations, keeper.seconds)
            bar.show(entry)
            if is_logged:
                log.write(entry)
                for warning in state.noted.warn(entry, task.needed_labels):
                    say(warning.sentence, error=True)
        if stop.number is not None:
            keeper.save()
            stop.end()
        if keeper.is_due:
            keeper.save()
    keeper.save()


def _is_judged(task: Task[Any], update: int) -> bool:
    """Whether the policy is judged after an update: now and then, and after the last one."""
    every = task.evaluate_every
    if every is None:
        every = max(FEWEST_APART, -(-task.updates // EVALUATIONS))
    return every > 0 and (update % every == 0 or update == task.updates)


class _Keeper:
    """Keeps a run's checkpoint, which is never of weights that are no numbers.

    Args:
        state: The run's.
        folder: Where the checkpoint goes.
        log: Its length is part of the state.
    """

    def __init__(self, state: TaskState, folder: RunFolder, log: RunLog) -> None:
        self._state, self._folder, self._log = state, folder, log
        self._saved, self._started = time.monotonic(), time.monotonic() - state.seconds
        self._kept = state.update if folder.checkpoint.exists() else None

    @property
    def seconds(self) -> float:
        """How long the run has trained, by all processes together."""
        return time.monotonic() - self._started

    @property
    def is_due(self) -> bool:
        """Whether a killed run would be thrown back too far."""
        return time.monotonic() - self._saved > CHECKPOINT_SECONDS

    def check(self) -> None:
        """Refuse to go on with weights that are no numbers.

        Raises:
            DivergenceError: They are none.
        """
        # Comparisons with what is no number are false.
        if not all(bool((weight.abs() < LARGEST).all()) for weight in self._state.weights()):
            raise DivergenceError(self._state.update, self._kept)

    def save(self) -> None:
        """Write the checkpoint.

        Raises:
            DivergenceError: As `check`; the last checkpoint is untouched.
        """
        self.check()
        self._state.seconds, self._state.log_bytes = self.seconds, self._log.sync()
        save_checkpoint(self._state, self._folder.checkpoint)
        self._saved, self._kept = time.monotonic(), self._state.update


def _entry(
    task: Task[StateT],
    state: StateT,
    learned: Any,
    evaluations: Mapping[str, Judged],
    seconds: float,
) -> dict[str, Any]:
    """A line of the log; what the overseer sees and what only evaluation sees are apart."""
    return {
        "update": state.update,
        "updates": task.updates,
        task.unit: state.update * task.samples,
        "labels": dict(state.noted.labels),
        **task.entry(state, learned),
        "evaluation": {name: e.to_json() for name, e in evaluations.items()} or None,
        "timing": {"seconds": round(seconds, 3)},
    }


@contextmanager
def using_threads(count: int) -> Iterator[None]:
    """Let PyTorch use that many CPU threads, and afterwards as many as before."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
