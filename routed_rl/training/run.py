"""A finished run, as its folder holds it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from routed_agents.policies.policy import Policy
from routed_envs.errors import InputError
from routed_envs.worlds import World
from routed_rl.config import TrainConfig
from routed_rl.evaluation.record import Evaluation
from routed_rl.runs.run_folder import RunFolder, read_json
from routed_rl.training.policy_file import load_policy


@dataclass(frozen=True)
class Run:
    """A finished run.

    Attributes:
        folder: Where its files are.
        config: What decided it.
        policy: The trained policy, unsteered.
        evaluations: Its figures by world and steering: `unwatched` (oversight 0), `training` (the
            world it was trained in) and `watched` (oversight 1), for the `mixture` and each
            expert, or for the only expert.
        seconds: The wall-clock time of its training.
    """

    folder: Path
    config: TrainConfig
    policy: Policy
    evaluations: dict[str, dict[str, Evaluation]]
    seconds: float


def load_run(path: str | Path, *, world: World[Any] | None = None) -> Run:
    """Read a finished run.

    Args:
        path: The run's folder.
        world: The world of a run that was trained in one of your own.

    Returns:
        The run, with its policy on the CPU.

    Raises:
        InputError: The folder is no run, is not finished, or its files are damaged.
    """
    folder = RunFolder(Path(path))
    description = folder.read_config()
    if not folder.result.exists():
        raise InputError(
            f"{folder.path} is not finished. Continue it: routed-rl train ... --resume."
        )
    policy = load_policy(folder.path, world=world)
    figures, result = read_json(folder.evaluation), read_json(folder.result)
    try:
        return Run(
            folder=folder.path,
            config=TrainConfig.from_json(description["config"]),
            policy=policy,
            evaluations={
                level: {name: Evaluation.from_json(row) for name, row in rows.items()}
                for level, rows in figures.items()
            },
            seconds=result["seconds"],
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise InputError(
            f"The files in {folder.path} are damaged ({error!r}). Train it again with --overwrite."
        ) from None
