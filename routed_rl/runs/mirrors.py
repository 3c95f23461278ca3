"""What repeats a run's log elsewhere, where it is wanted: TensorBoard, and Weights & Biases."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

from routed_agents.files import write_atomically
from routed_envs.errors import InputError
from routed_rl.extras import need
from routed_rl.runs.run_folder import RunFolder

GROUPS = ("overseer", "labels", "belief", "experts", "learner", "evaluation", "timing")
"""These parts of a log's entry have numbers, and become the curves' groups."""
PROJECT = "routed-rl"
"""The project of Weights & Biases, unless WANDB_PROJECT names another."""


class Mirror(Protocol):
    """Whatever repeats the entries of a run's log."""

    def write(self, entry: Mapping[str, Any]) -> None:
        """Repeat one entry."""
        ...

    def close(self) -> None:
        """Write what is left."""
        ...


class TensorBoardMirror:
    """Repeats each entry of a run's log as TensorBoard scalars.

    Args:
        folder: The run's.
        settings: What decided the run.
        update: The updates already taken; curves of a killed run are cut off there.
    """

    def __init__(self, folder: RunFolder, settings: Mapping[str, Any], update: int) -> None:
        from torch.utils.tensorboard import SummaryWriter  # Slow to import, and optional.

        self._writer = SummaryWriter(str(folder.tensorboard), purge_step=update + 1)

    def write(self, entry: Mapping[str, Any]) -> None:
        """Repeat one entry."""
        for name, value in curves(entry).items():
            self._writer.add_scalar(name, value, entry["update"])

    def close(self) -> None:
        """Write what is left and close the files."""
        self._writer.close()


class WandbMirror:
    """Repeats each entry of a run's log as curves of Weights & Biases.

    The log's figures and the run's settings are all that it is given: nothing of the machine, the
    code, the command or what is printed. It has the library's own environment variables:
    WANDB_MODE=offline keeps everything in the run's folder, for `wandb sync`. A resumed run goes on
    as the same one; what a killed one wrote past its checkpoint stays.

    Args:
        folder: The run's.
        settings: What decided the run.
        update: The updates already taken.

    Raises:
        InputError: It cannot be reached, or nobody has logged in.
    """

    def __init__(self, folder: RunFolder, settings: Mapping[str, Any], update: int) -> None:
        import wandb  # Slow to import, and optional.

        try:
            self._run = wandb.init(
                project=os.environ.get("WANDB_PROJECT", PROJECT),
                name=folder.path.name,
                id=_wandb_id(folder),
                resume="allow",
                dir=folder.path,
                config=dict(settings),
                settings=wandb.Settings(
                    console="off",
                    silent=True,
                    host="",
                    disable_code=True,
                    disable_git=True,
                    x_disable_stats=True,
                    x_disable_meta=True,
                    x_disable_machine_info=True,
                    x_save_requirements=False,
                ),
            )
        except wandb.Error as error:
            raise InputError(
                f"Weights & Biases cannot be used: {error} Log in with `wandb login`, or keep the "
                "curves in the run's folder with WANDB_MODE=offline; then --resume, or leave out "
                "--wandb."
            ) from None

    def write(self, entry: Mapping[str, Any]) -> None:
        """Repeat one entry."""
        self._run.log(curves(entry), step=entry["update"])

    def close(self) -> None:
        """Send what is left, or write it where it is offline."""
        self._run.finish()


MIRRORS: Mapping[str, Callable[[RunFolder, Mapping[str, Any], int], Mirror]] = MappingProxyType(
    {"tensorboard": TensorBoardMirror, "wandb": WandbMirror}
)
"""By the names of their extras, packages and options."""


def mirror_names(**wanted: bool) -> list[str]:
    """Those that are wanted, by the names in `MIRRORS`."""
    return [name for name, on in wanted.items() if on]


def check_mirrors(names: Collection[str]) -> None:
    """Refuse early where a package is missing.

    Raises:
        InputError: One is.
    """
    for name in names:
        need(name, f"--{name}", (name,))


def open_mirrors(
    names: Collection[str], folder: RunFolder, settings: Mapping[str, Any], update: int
) -> list[Mirror]:
    """The mirrors of those names, for a run that has taken so many updates.

    Raises:
        InputError: One cannot be used.
    """
    return [MIRRORS[name](folder, settings, update) for name in names]


def curves(entry: Mapping[str, Any]) -> dict[str, float]:
    """The numbers in an entry of a log, by their group and name."""
    groups = {group: entry.get(group) or {} for group in GROUPS}
    return scalars(groups)


def scalars(values: Mapping[str, Any], prefix: str = "") -> dict[str, float]:
    """The numbers in nested dictionaries, by their path after a prefix; nothing else."""
    found: dict[str, float] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            found |= scalars(value, f"{prefix}{name}/")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            found[prefix + name] = float(value)
    return found


def _wandb_id(folder: RunFolder) -> str:
    """What Weights & Biases knows the run by, kept with it: a resumed run is the same one."""
    file: Path = folder.wandb / "id.txt"
    if not file.is_file():
        file.parent.mkdir(exist_ok=True)
        write_atomically(file, secrets.token_hex(8).encode())
    return file.read_text()
