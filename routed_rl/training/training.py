"""Training, from a configuration to a finished run's folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any, overload

from routed_agents.methods.record import Method
from routed_envs.errors import InputError
from routed_envs.worlds import World
from routed_rl.any_config import AnyConfig
from routed_rl.config import TrainConfig, default_folder
from routed_rl.environment_config import EnvironmentConfig
from routed_rl.runs.loop import run_task
from routed_rl.runs.mirrors import mirror_names
from routed_rl.runs.run_folder import RunFolder
from routed_rl.runs.task import Task
from routed_rl.study_configs.study_config import StudyConfig
from routed_rl.training.experiment import Experiment
from routed_rl.training.run import AnyRun, EnvironmentRun, Run, load_run
from routed_rl.training.world_task import WorldTask


@overload
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
    wandb: bool = False,
    snapshots: int = 0,
) -> Run: ...


@overload
def train(
    config: EnvironmentConfig,
    out: str | Path | None = None,
    *,
    method: Method | None = None,
    resume: bool = False,
    overwrite: bool = False,
    progress: bool = True,
    tensorboard: bool = False,
    wandb: bool = False,
    snapshots: int = 0,
) -> EnvironmentRun: ...


def train(
    config: TrainConfig | EnvironmentConfig,
    out: str | Path | None = None,
    *,
    world: World[Any] | None = None,
    method: Method | None = None,
    resume: bool = False,
    overwrite: bool = False,
    progress: bool = True,
    tensorboard: bool = False,
    wandb: bool = False,
    snapshots: int = 0,
) -> AnyRun:
    """Train a policy and write everything about it into a folder.

    Ctrl-C saves a checkpoint and raises KeyboardInterrupt; `resume=True` continues, on the CPU to
    the same weights, bit for bit, as if nothing had happened. In an environment the episodes that
    were running are started anew, for nobody can save them.

    Args:
        config: What to train, and how: in the gridworld or a world of your own (`TrainConfig`), or
            in an environment (`EnvironmentConfig`).
        out: The run's folder; named by the method, the oversight and the seed in `runs/` if None.
        world: Your own world; the gridworld that the configuration describes if None. For a
            `TrainConfig` alone.
        method: Your own method; the one that the configuration names if None.
        resume: Continue a run of the same configuration (`updates`, or `steps`, may be larger), or
            start it.
        overwrite: Start again in a folder that holds a run.
        progress: Show a progress bar if standard error is a terminal.
        tensorboard: Repeat the log as TensorBoard curves (extra `tensorboard`).
        wandb: Repeat it as curves of Weights & Biases (extra `wandb`); WANDB_MODE=offline keeps
            them in the folder.
        snapshots: Policies to keep on the way, evenly spaced from the untrained one on, in the
            folder `snapshots`; they change nothing about the run.

    Returns:
        The finished run.

    Raises:
        InputError: The configuration names something unknown or too large, the folder holds a run
            already or another one, or its files are damaged. Nothing was changed.
        OSError: A file could not be written; what was saved before is untouched.
        DivergenceError: The weights are no numbers to act by any more; the last checkpoint is.
        KeyboardInterrupt: The user stopped it; a checkpoint was saved.
    """
    if isinstance(config, StudyConfig):
        raise InputError(f"This is a {type(config).__name__}: train_study trains it.")
    task = task_of(config, world, method)
    folder = RunFolder(Path(out) if out is not None else default_folder(task.settings()))
    run_task(
        task,
        folder,
        resume=resume,
        overwrite=overwrite,
        progress=progress,
        mirrors=mirror_names(tensorboard=tensorboard, wandb=wandb),
        snapshots=snapshots,
    )
    if isinstance(task, WorldTask) and task.experiment.config.world is not None:
        world = task.experiment.world
    return load_run(folder.path, world=world)


def task_of(
    config: AnyConfig, world: World[Any] | None = None, method: Method | None = None
) -> Task[Any]:
    """What a configuration asks to train.

    Raises:
        InputError: It names something unknown, or what does not fit together.
    """
    if isinstance(config, TrainConfig):
        return WorldTask(Experiment.of(config, world, method))
    if world is not None:
        raise InputError(
            f"world={world!r}: a {type(config).__name__} takes no world. Give a TrainConfig."
        )
    if isinstance(config, StudyConfig):
        from routed_rl.studies.catalogue import study_task  # Slow to import.

        if method is not None:
            raise InputError(f"The study {config.study} compares {', '.join(config.methods)} only.")
        return study_task(config)
    # Slow to import, and the gridworld does without it.
    from routed_rl.environments.environment_task import EnvironmentTask

    return EnvironmentTask.of(config, method)
