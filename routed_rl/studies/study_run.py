"""A finished run of a study, as its folder holds it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from routed_agents.described_file import read_described, refusing_damage
from routed_envs.errors import InputError
from routed_rl.any_config import kind_of
from routed_rl.config import default_folder
from routed_rl.runs.loop import run_task
from routed_rl.runs.mirrors import mirror_names
from routed_rl.runs.run_folder import RunFolder, read_json
from routed_rl.studies.catalogue import NETWORKS, study_task
from routed_rl.studies.study_task import KEY
from routed_rl.study_configs.study_config import StudyConfig


@dataclass(frozen=True)
class StudyRun:
    """A finished run of a study.

    Attributes:
        folder: Where its files are.
        config: What decided it.
        model: The trained network, on the CPU.
        figures: What it does, by what was judged; each study says what that is.
        summary: The few numbers by which runs of the study are compared.
        labels: How many labels the overseer gave.
        seconds: The wall-clock time of its training.
    """

    folder: Path
    config: StudyConfig
    model: nn.Module
    figures: Mapping[str, Mapping[str, Any]]
    summary: Mapping[str, float | None]
    labels: int
    seconds: float


def train_study(
    config: StudyConfig,
    out: str | Path | None = None,
    *,
    resume: bool = False,
    overwrite: bool = False,
    progress: bool = True,
    tensorboard: bool = False,
    wandb: bool = False,
    snapshots: int = 0,
) -> StudyRun:
    """Train the network of a study and write everything about it into a folder.

    It is stopped and resumed, and raises, as `train` does.

    Args:
        config: Which study, and how.
        out: The run's folder; named by study, method, oversight and seed in `runs/` if None.
        resume: Continue a run of the same configuration, or start it.
        overwrite: Start again in a folder that holds a run.
        progress: Show a progress bar if standard error is a terminal.
        tensorboard: Repeat the log as TensorBoard curves (extra `tensorboard`).
        wandb: Repeat it as curves of Weights & Biases (extra `wandb`); WANDB_MODE=offline keeps
            them in the folder.
        snapshots: Networks to keep on the way, in the folder `snapshots`.

    Raises:
        InputError: The study's data cannot be had; and as `train`.
    """
    if not isinstance(config, StudyConfig):
        raise InputError(f"This is a {type(config).__name__}: train trains it.")
    folder = RunFolder(Path(out) if out is not None else default_folder(config.to_json()))
    run_task(
        study_task(config),
        folder,
        resume=resume,
        overwrite=overwrite,
        progress=progress,
        mirrors=mirror_names(tensorboard=tensorboard, wandb=wandb),
        snapshots=snapshots,
    )
    return load_study(folder.path)


def load_study(path: str | Path) -> StudyRun:
    """Read a finished run of a study. Nothing in its files is executed.

    Args:
        path: The run's folder.

    Raises:
        InputError: The folder is no run of a study, is not finished, or its files are damaged.
    """
    folder = RunFolder(Path(path))
    described = folder.read_config().get("config")
    kind = kind_of(described) if isinstance(described, dict) else None
    if not isinstance(described, dict) or kind is None or not issubclass(kind, StudyConfig):
        raise InputError(f"{folder.path} is no run of a study. load_run reads other runs.")
    if not folder.result.exists():
        raise InputError(f"{folder.path} is not finished. Train it again with resume=True.")
    figures, result = read_json(folder.evaluation), read_json(folder.result)
    try:
        config = kind.from_json(described)
        return StudyRun(
            folder=folder.path,
            config=config,
            model=_network(folder.model, config),
            figures=figures,
            summary=dict(result["summary"]),
            labels=result["labels"],
            seconds=result["seconds"],
        )
    except InputError:
        raise
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"The files in {folder.path} are damaged ({error!r}). Train it again with --overwrite."
        ) from None


def _network(path: Path, config: StudyConfig) -> nn.Module:
    with refusing_damage(path, "a study saved", what="network"):
        _, weights = read_described(path, KEY)
        network = NETWORKS[config.study](config, weights)
        network.load_state_dict(weights)
        return network.eval()
