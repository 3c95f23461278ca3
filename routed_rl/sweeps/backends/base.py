"""Where a sweep's runs train: what a backend offers, and how it tells of a run that ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from routed_rl.sweeps.sweep_folder import SweepFolder

TAIL = 12
"""Lines of a failed run's output that are shown."""


@dataclass(frozen=True)
class Ended:
    """A run that is no longer training.

    Attributes:
        name: The run's.
        failure: None if it is finished, else what went wrong in a few words.
        lines: The last lines that a failed run printed.
    """

    name: str
    failure: str | None = None
    lines: tuple[str, ...] = ()

    @classmethod
    def of(cls, sweep: SweepFolder, name: str, failure: str | None) -> Ended:
        """How a run ended: well if it is finished, whatever went wrong with its process.

        Args:
            sweep: The sweep's folder.
            name: The run's.
            failure: What went wrong in a few words, if anything did.
        """
        if failure is None or sweep.finished(name):
            return cls(name)
        output = sweep.output(name)
        lines = output.read_text(errors="replace").splitlines() if output.exists() else []
        return cls(name, failure, tuple(lines[-TAIL:]))


class Backend(Protocol):
    """Where a sweep's runs train."""

    @property
    def slots(self) -> int:
        """How many runs train at a time; it may change."""
        ...

    @property
    def running(self) -> int:
        """The runs whose end was not told yet."""
        ...

    def start(self, name: str) -> None:
        """Start a run."""

    def ended(self) -> list[Ended]:
        """The runs that ended since the last call."""
        ...

    def interrupt(self) -> None:
        """Ask every run to save and end."""

    def close(self) -> None:
        """End every run at once."""
