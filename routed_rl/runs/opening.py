"""Opening a run's folder: a fresh start, a resumed one, or a refusal that says why."""

from __future__ import annotations

import platform
import shutil
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import torch

from routed_envs.errors import InputError
from routed_rl.any_config import read_config
from routed_rl.runs.identity import differences
from routed_rl.runs.run_folder import (
    FORMAT,
    RunFolder,
    check_format,
    read_disposable,
    write_json,
)

PACKAGES = ("routed-rl", "torch", "numpy", "gymnasium")
"""The packages whose versions a run's folder names."""
BUDGETS = ("updates", "steps")
"""What a configuration may call its budget."""


def describe(config: dict[str, Any], identity: dict[str, Any]) -> dict[str, Any]:
    """What `config.json` holds: the configuration, and with what it runs.

    That is the versions of packages, and PyTorch's name for the processor's instructions: sums are
    rounded otherwise with others.
    """
    return {
        "format": FORMAT,
        "config": config,
        "identity": identity,
        "versions": {"python": platform.python_version()} | {p: _version(p) for p in PACKAGES},
        "instructions": torch.backends.cpu.get_cpu_capability(),
    }


def other_processor(folder: RunFolder) -> str | None:
    """What to say where a run goes on with other instructions than it began with; else None."""
    before = read_disposable(folder.config).get("instructions")
    here = torch.backends.cpu.get_cpu_capability()
    if before in (None, here):
        return None
    return (
        f"{folder.path} began on a processor with the instructions {before}, and this one has "
        f"{here}: the weights will not be those of a run that was never moved, bit for bit."
    )


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"


def check_folder(folder: RunFolder, wanted: dict[str, Any], resume: bool, overwrite: bool) -> None:
    """Refuse a folder in which this run may not train; nothing is changed.

    Args:
        folder: The run's.
        wanted: What shall be trained, as `describe` gives it.
        resume: Continue what is there.
        overwrite: Start again over what is there.

    Raises:
        InputError: The folder holds another run, a run that was not expected, other files, or
            links in the place of a run's files.
    """
    if resume and overwrite:
        raise InputError("Both --resume and --overwrite were given. Give one of them.")
    folder.refuse_name()
    folder.refuse_links()
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
    differences = _differences(_readable(folder), wanted)
    if differences:
        budget = _budget(wanted["config"])[0]
        larger = "" if budget in wanted["identity"] else f" ({budget} may be larger)"
        raise InputError(
            f"{folder.path} holds a run of another configuration:\n"
            + "\n".join(f"  {line}" for line in differences)
            + f"\nGive the same values{larger}, or another folder."
        )


def _readable(folder: RunFolder) -> dict[str, Any]:
    """What `config.json` holds, refused where finishing could not read it, which would be late.

    Raises:
        InputError: It is damaged, or a newer version's.
    """
    saved, cure = folder.read_config(), "Start again with --overwrite, or give another folder."
    if not all(isinstance(saved.get(part), dict) for part in ("config", "identity")):
        raise InputError(f"{folder.config} is damaged. {cure}")
    check_format(folder.config, saved.get("format", 0))
    try:
        read_config(saved["config"])
    except (ValueError, TypeError, AttributeError) as error:
        raise InputError(
            f"{folder.config} holds what this version cannot read: {error} {cure}"
        ) from None
    return saved


def _differences(saved: dict[str, Any], wanted: dict[str, Any]) -> list[str]:
    """Where the saved run differs from the wanted one, a line each."""
    lines = differences(saved["identity"], wanted["identity"])
    (name, now), (_, before) = _budget(wanted["config"]), _budget(saved["config"])
    return lines + ([f"{name}: there {before}, here only {now}"] if now < before else [])


def _budget(config: dict[str, Any]) -> tuple[str, int]:
    """The setting that a resumed run may have larger than before, and its value."""
    name = next((name for name in BUDGETS if name in config), BUDGETS[0])
    return name, config.get(name, 0)


def prepare_folder(folder: RunFolder, description: dict[str, Any], resume: bool) -> None:
    """Remove from a folder what the coming training makes anew, and say what is trained in it.

    Args:
        folder: The run's; locked, and not refused by `check_folder`.
        description: What shall be trained, as `describe` gives it.
        resume: Keep what is there, unless a larger budget makes its results old.
    """
    if resume and folder.config.exists():
        if _budget(folder.read_config()["config"]) == _budget(description["config"]):
            return
        files, folders = folder.results, [folder.deployment]
    else:
        files = [*folder.results, folder.checkpoint, folder.log]
        folders = [folder.tensorboard, folder.wandb, folder.deployment, folder.snapshots]
    for path in files:
        path.unlink(missing_ok=True)
    for made in folders:
        shutil.rmtree(made, ignore_errors=True)
    write_json(folder.config, description)
