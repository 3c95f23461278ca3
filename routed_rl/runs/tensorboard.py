"""The log as TensorBoard curves, for those who want them (extra `tensorboard`)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from routed_envs.errors import InputError


class TensorBoardMirror:
    """Repeats each entry of a run's log as TensorBoard scalars.

    Args:
        path: The folder of the event files.
        update: The updates already taken; curves of a killed run are cut off there.

    Raises:
        InputError: TensorBoard is not installed.
    """

    def __init__(self, path: Path, update: int = 0) -> None:
        check_installed()
        from torch.utils.tensorboard import SummaryWriter  # Slow to import, and optional.

        self._writer = SummaryWriter(str(path), purge_step=update + 1)

    def write(self, entry: dict[str, Any]) -> None:
        """Repeat one entry.

        Args:
            entry: As the log has it; its groups become the curves' groups.
        """
        for group in ("overseer", "learner", "evaluation", "timing"):
            for name, value in scalars(entry[group] or {}).items():
                self._writer.add_scalar(f"{group}/{name}", value, entry["update"])

    def close(self) -> None:
        """Write what is left and close the files."""
        self._writer.close()


def check_installed() -> None:
    """Refuse early where TensorBoard is missing.

    Raises:
        InputError: It is not installed.
    """
    try:
        import tensorboard  # noqa: F401
    except ImportError:
        raise InputError(
            "--tensorboard needs the package tensorboard. Install it: "
            'pip install "routed-rl[tensorboard]"'
        ) from None


def scalars(values: dict[str, Any], prefix: str = "") -> dict[str, float]:
    """The numbers in nested dictionaries, by their path.

    Args:
        values: Numbers and dictionaries of them by name; anything else is left out.
        prefix: Goes before each name.
    """
    found: dict[str, float] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            found |= scalars(value, f"{prefix}{name}/")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            found[prefix + name] = float(value)
    return found
