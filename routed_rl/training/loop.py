"""Training: from a configuration to a finished run's folder."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import torch

from routed_agents.methods.record import Method
from routed_agents.methods.responsibilities import belief_figures
from routed_agents.rollout import Rollout
from routed_envs.worlds import World
from routed_rl.config import TrainConfig, default_folder
from routed_rl.evaluation.record import Evaluation
from routed_rl.evaluation.steerings import evaluate_steerings
from routed_rl.extras import need
from routed_rl.runs.checkpoint import load_checkpoint, save_checkpoint
from routed_rl.runs.opening import check_folder, describe, prepare_folder
from routed_rl.runs.progress import TrainingBar
from routed_rl.runs.run_folder import RunFolder
from routed_rl.runs.run_log import RunLog, TensorBoardMirror
from routed_rl.training.experiment import Experiment
from routed_rl.training.finishing import finish
from routed_rl.training.run import Run, load_run
from routed_rl.training.snapshots import Snapshots
from routed_rl.training.state import TrainingState

CHECKPOINT_SECONDS = 5.0
"""At most so long a killed run is thrown back."""
LOG_EVERY = 10
"""Updates between two lines of the log."""
EVALUATION_ON_THE_WAY = {"max_states": 100_000, "episodes": 1000}
"""While it trains a run is judged quickly rather than finely; the finished policy is not."""


def train(
    config: TrainConfig,
    out: str | Path | None = None,
    *,
    world: World[Any] | None = None,
    method: Method | None = None,
    resume: bool = False,
    overwrite: bool = False,
    progress: bool = True,
    tensorboard: bool = False,
    snapshots: int = 0,
) -> Run:
    """Train a policy and write everything about it into a folder.

    Ctrl-C saves a checkpoint and raises KeyboardInterrupt; `resume=True` continues, on the CPU to
    the same weights, bit for bit, as if nothing had happened.

    Args:
        config: What to train, and how.
        out: The run's folder; named by the method, the oversight and the seed in `runs/` if None.
        world: Your own world; the gridworld that the configuration describes if None.
        method: Your own method; the one that the configuration names if None.
        resume: Continue a run of the same configuration (`updates` may be larger), or start it.
        overwrite: Start again in a folder that holds a run.
        progress: Show a progress bar if standard error is a terminal.
        tensorboard: Repeat the log as TensorBoard curves (extra `tensorboard`).
        snapshots: Policies to keep on the way, evenly spaced from the untrained one on, in the
            folder `snapshots`; they change nothing about the run.

    Returns:
        The finished run.

    Raises:
        InputError: The configuration names something unknown, the folder holds a run already or
            another one, or its files are damaged. Nothing was changed.
        OSError: A file could not be written; what was saved before is untouched.
        KeyboardInterrupt: The user stopped it; a checkpoint was saved.
    """
    experiment = Experiment.of(config, world, method)
    kept = Snapshots(snapshots, experiment.updates)
    folder = RunFolder(Path(out) if out is not None else default_folder(experiment.config))
    description = describe(experiment.config.to_json(), experiment.identity())
    check_folder(folder, description, resume, overwrite)
    if tensorboard:
        need("tensorboard", "--tensorboard", ("tensorboard",))
    with folder.locked(), using_threads(config.threads):
        check_folder(folder, description, resume, overwrite)
        state = experiment.start()
        if resume and folder.checkpoint.exists():
            load_checkpoint(state, folder.checkpoint)
        prepare_folder(folder, description, resume)
        if folder.read_result() is None:
            folder.result.unlink(missing_ok=True)
            mirror = TensorBoardMirror(folder.tensorboard, state.update) if tensorboard else None
            with (
                RunLog(folder.log, state.log_bytes, mirror) as log,
                TrainingBar(experiment.updates, state.update, config.samples, progress) as bar,
                _stoppable() as stop,
            ):
                _train_on(experiment, state, folder, log, bar, stop, kept)
            finish(experiment, state, folder)
    return load_run(folder.path, world=experiment.world)


def _train_on(
    experiment: Experiment,
    state: TrainingState,
    folder: RunFolder,
    log: RunLog,
    bar: TrainingBar,
    stop: threading.Event,
    snapshots: Snapshots,
) -> None:
    """The loop: rollout, method, gradient step; now and then a log line and a checkpoint."""
    table = experiment.table()
    saved, started = time.monotonic(), time.monotonic() - state.seconds

    def save() -> None:
        nonlocal saved
        state.seconds, state.log_bytes = time.monotonic() - started, log.sync()
        save_checkpoint(state, folder.checkpoint)
        saved = time.monotonic()

    while state.update < experiment.updates:
        snapshots.keep(experiment, state, folder)
        rollout, figures = experiment.update(state, table)
        bar.count()
        evaluations = _evaluations_due(experiment, state)
        if evaluations:
            bar.show(_in_words(evaluations))
        if evaluations or state.update % LOG_EVERY == 0:
            seconds = time.monotonic() - started
            log.write(_entry(experiment, state, rollout, figures, evaluations, seconds))
        if stop.is_set():
            save()
            raise KeyboardInterrupt
        if time.monotonic() - saved > CHECKPOINT_SECONDS:
            save()
    save()


def _evaluations_due(experiment: Experiment, state: TrainingState) -> dict[str, Evaluation]:
    """The figures for the log, at the updates at which they are due; the run never sees them."""
    every = experiment.config.evaluate_every
    if every == 0 or state.update % every:
        return {}
    policy, worlds = experiment.policy(state), {"training": experiment.world}
    return evaluate_steerings(policy, worlds, **EVALUATION_ON_THE_WAY)["training"]


def _in_words(evaluations: dict[str, Evaluation]) -> str:
    """How often each steering ends on the first target."""
    target = next(iter(next(iter(evaluations.values())).rates))
    figures = (f"{name} {100 * found.rates[target]:.0f}%" for name, found in evaluations.items())
    return f"ends on {target}: {'  '.join(figures)}"


def _entry(
    experiment: Experiment,
    state: TrainingState,
    rollout: Rollout,
    figures: dict[str, torch.Tensor],
    evaluations: dict[str, Evaluation],
    seconds: float,
) -> dict[str, Any]:
    """A line of the log; what the overseer sees and what only evaluation sees are apart."""
    return {
        "update": state.update,
        "updates": experiment.updates,
        "environment_steps": state.update * experiment.config.samples,
        "overseer": overseer_view(rollout),
        "belief": belief_figures(state.memory),
        "learner": {name: float(figure) for name, figure in figures.items()},
        "evaluation": {name: e.to_json() for name, e in evaluations.items()} or None,
        "timing": {"seconds": round(seconds, 3)},
    }


def overseer_view(rollout: Rollout) -> dict[str, float]:
    """What the overseer knows of a rollout, T steps of N environments.

    That is how many episodes ended, each label's share of them, and the reward per step.
    """
    ended, names = int(rollout.ended.sum()), rollout.outcomes.labels
    counts = torch.bincount(rollout.labels[rollout.ended], minlength=len(names))
    shares = dict(zip(names[:-1], (counts / max(1, ended)).tolist(), strict=False))
    return {"episodes": ended, "reward_per_step": float(rollout.rewards.mean())} | shares


@contextmanager
def using_threads(count: int) -> Iterator[None]:
    """Let PyTorch use that many CPU threads, and afterwards as many as before."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def _stoppable() -> Iterator[threading.Event]:
    """An event that Ctrl-C sets; a second Ctrl-C interrupts at once."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def request(number: int, frame: FrameType | None) -> None:
        stop.set()
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, request)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)
