"""Opening a run's folder: a fresh start, a resumed one, or a refusal that says why."""

from __future__ import annotations

import platform
import shutil
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from routed_envs.errors import InputError
from routed_rl.runs.checkpoint import TrainingState, load_checkpoint
from routed_rl.runs.run_folder import FORMAT, RunFolder, check_format, write_json
from routed_rl.training.experiment import Experiment

PACKAGES = ("routed-rl", "torch", "numpy", "gymnasium")


def check_folder(folder: RunFolder, experiment: Experiment, resume: bool, overwrite: bool) -> None:
    """Refuse a folder in which this run may not train; nothing is changed.

    Args:
        folder: The run's.
        experiment: What shall be trained.
        resume: Continue what is there.
        overwrite: Start again over what is there.

    Raises:
        InputError: The folder holds another run, a run that was not expected, or other files.
    """
    if resume and overwrite:
        raise InputError("Both --resume and --overwrite were given. Give one of them.")
    if folder.holds_other_files():
        raise InputError(
            f"{folder.path} is no run and not empty. Give a new folder, or an empty one."
        )
    if not folder.config.exists() or overwrite:
        return
    if not resume:
        raise InputError(
            f"{folder.path} already holds a run. Continue it with --resume, start again with "
            "--overwrite, or give another folder."
        )
    saved = folder.read_config()
    if not all(isinstance(saved.get(part), dict) for part in ("config", "identity")):
        raise InputError(
            f"{folder.config} is damaged. Start again with --overwrite, or give another folder."
        )
    check_format(folder.config, saved.get("format", 0))
    differences = _differences(saved, experiment)
    if differences:
        raise InputError(
            f"{folder.path} holds a run of another configuration:\n"
            + "\n".join(f"  {line}" for line in differences)
            + "\nGive the same values (updates may be larger), or another folder."
        )


def open_folder(folder: RunFolder, experiment: Experiment, resume: bool) -> TrainingState:
    """The state with which training begins, and a folder that says what is trained in it.

    Args:
        folder: The run's; locked, and not refused by `check_folder`.
        experiment: What shall be trained.
        resume: Continue from the checkpoint, if there is one.

    Raises:
        InputError: The checkpoint is damaged; nothing was changed.
    """
    state = experiment.start()
    description = describe(experiment)
    if resume and folder.checkpoint.exists():
        load_checkpoint(state, folder.checkpoint)
    if resume and folder.config.exists():
        if folder.read_config()["config"]["updates"] != experiment.config.updates:
            for path in folder.results:
                path.unlink(missing_ok=True)
            shutil.rmtree(folder.deployment, ignore_errors=True)
            write_json(folder.config, description)
    else:
        for path in (*folder.results, folder.checkpoint, folder.log):
            path.unlink(missing_ok=True)
        for made in (folder.tensorboard, folder.deployment, folder.snapshots):
            shutil.rmtree(made, ignore_errors=True)
        write_json(folder.config, description)
    return state


def _differences(saved: dict[str, Any], experiment: Experiment) -> list[str]:
    """Where the saved run differs from the wanted one, a line each."""
    there, here = saved["identity"], experiment.identity()
    lines = [
        f"{name}: there {there.get(name)!r}, here {here.get(name)!r}"
        for name in sorted(set(there) | set(here))
        if there.get(name) != here.get(name)
    ]
    before, now = saved["config"].get("updates", 0), experiment.config.updates
    return lines + ([f"updates: there {before}, here only {now}"] if now < before else [])


def describe(experiment: Experiment) -> dict[str, Any]:
    """What `config.json` holds: the configuration, and the versions it runs with.

    Args:
        experiment: What shall be trained.
    """
    return {
        "format": FORMAT,
        "config": experiment.config.to_json(),
        "identity": experiment.identity(),
        "versions": {"python": platform.python_version()} | {p: _version(p) for p in PACKAGES},
    }


def _version(package: str) -> str:
    """The version of an installed package."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"
