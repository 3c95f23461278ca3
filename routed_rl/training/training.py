"""Training a policy in a world, from a configuration to a finished run's folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from routed_agents.methods.record import Method
from routed_envs.worlds import World
from routed_rl.config import TrainConfig, default_folder
from routed_rl.runs.loop import run_task
from routed_rl.runs.run_folder import RunFolder
from routed_rl.training.experiment import Experiment
from routed_rl.training.run import Run, load_run
from routed_rl.training.world_task import WorldTask


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
    folder = RunFolder(Path(out) if out is not None else default_folder(experiment.config))
    run_task(
        WorldTask(experiment),
        folder,
        resume=resume,
        overwrite=overwrite,
        progress=progress,
        tensorboard=tensorboard,
        snapshots=snapshots,
    )
    return load_run(folder.path, world=experiment.world)
