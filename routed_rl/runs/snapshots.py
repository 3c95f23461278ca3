"""Policies kept on the way, so that a run can be looked at as it learned."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from routed_envs.errors import InputError
from routed_rl.runs.run_folder import RunFolder
from routed_rl.runs.task import StateT, Task

MOST = 10_000
"""Policies that a run may keep."""
PREFIX, SUFFIX = "policy-", ".safetensors"


@dataclass(frozen=True)
class Snapshots:
    """Which policies a run keeps: evenly spaced, from the untrained one on.

    The finished policy is not among them; it is the run's own file. Nothing here decides anything
    about the training, so a run with snapshots ends in the same weights as one without.

    Attributes:
        count: How many; 0 for none.
        updates: The gradient steps of the whole run.

    Raises:
        InputError: The count is negative or above `MOST`, or the run has fewer updates.
    """

    count: int
    updates: int

    def __post_init__(self) -> None:
        most = min(self.updates, MOST)
        if not 0 <= self.count <= most:
            raise InputError(
                f"snapshots={self.count!r}: this run takes {self.updates:,} gradient steps. Give a "
                f"whole number from 0 (none) to {most:,}."
            )

    @cached_property
    def due(self) -> frozenset[int]:
        """The numbers of gradient steps after which a policy is kept."""
        return frozenset(index * self.updates // self.count for index in range(self.count))

    def keep(self, task: Task[StateT], state: StateT, folder: RunFolder) -> None:
        """Save the policy as it stands, if it is due.

        A resumed run may come by the same update again, and then writes the same policy again.
        """
        if state.update in self.due:
            folder.snapshots.mkdir(exist_ok=True)
            path = folder.snapshots / f"{PREFIX}{state.update:07d}{SUFFIX}"
            task.save_policy(state, path)


def list_snapshots(folder: RunFolder) -> dict[int, Path]:
    """The policy files that a run kept, if any, by the number of gradient steps, ascending."""
    files = folder.snapshots.glob(f"{PREFIX}*{SUFFIX}")
    numbered = ((path.name.removeprefix(PREFIX).removesuffix(SUFFIX), path) for path in files)
    return dict(sorted((int(number), path) for number, path in numbered if number.isdigit()))
