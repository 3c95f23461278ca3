"""Where a sweep's runs train: what a backend offers, and how it tells of a run that ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


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


class Backend(Protocol):
    """Where a sweep's runs train."""

    @property
    def slots(self) -> int:
        """How many runs train at a time; it may change."""

    @property
    def running(self) -> int:
        """The runs whose end was not told yet."""

    def start(self, name: str) -> None:
        """Start a run."""

    def ended(self) -> list[Ended]:
        """The runs that ended since the last call."""

    def interrupt(self) -> None:
        """Ask every run to save and end."""

    def close(self) -> None:
        """End every run at once."""
