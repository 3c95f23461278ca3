"""What a run trains, as the machinery of runs sees it: folder, log, checkpoint, resume, sweep."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar

import torch

from routed_rl.runs.checkpoint import Resumable
from routed_rl.runs.memory import RunSize
from routed_rl.runs.run_folder import RunFolder
from routed_rl.runs.warning_signs import Noted


class TaskState(Resumable, Protocol):
    """What changes while a run trains; a checkpoint holds all of it.

    Attributes:
        update: The updates taken.
        seconds: The time they took.
        log_bytes: The log's length.
        noted: The labels so far, and what was warned of.
    """

    update: int
    seconds: float
    log_bytes: int
    noted: Noted

    def weights(self) -> Iterable[torch.Tensor]:
        """All that is learned; a run ends where a number of it is no number any more."""
        ...


StateT = TypeVar("StateT", bound=TaskState)


class Judged(Protocol):
    """Figures of what a run trained."""

    def to_json(self) -> dict[str, Any]:
        """The figures by name, as plain values."""
        ...


class Task(Protocol[StateT]):
    """What a run trains. Whoever runs it knows no more of it than this.

    A policy in a world is one (`routed_rl.training`), an algorithm of stable-baselines3 in an
    overseen environment another (`routed_rl.environments`), the network of a study a third
    (`routed_rl.studies`).
    """

    unit: ClassVar[str]
    """What it learns from, in the plural: the log and the bar count them."""

    @property
    def updates(self) -> int:
        """How many updates the run takes."""
        ...

    @property
    def samples(self) -> int:
        """How many of the unit an update takes."""
        ...

    @property
    def evaluate_every(self) -> int | None:
        """Updates between two evaluations on the way; None for what fits the run, 0 for none."""
        ...

    @property
    def threads(self) -> int:
        """CPU threads of the run."""
        ...

    @property
    def needed_labels(self) -> tuple[str, ...]:
        """The wanted endings that have to have labels now and then."""
        ...

    def size(self) -> RunSize:
        """What decides the memory that the run takes."""
        ...

    def settings(self) -> dict[str, Any]:
        """What decides the run, as plain values: the `config` of its `config.json`."""
        ...

    def identity(self) -> dict[str, Any]:
        """What makes the run this run and no other, by name; the host does not.

        Nor does the budget where a run may be given more of it later.
        """
        ...

    def start(self) -> StateT:
        """The state of a run that took no update."""
        ...

    def update(self, state: StateT) -> Any:
        """Take one update; the state is changed. What `entry` needs to tell of it."""
        ...

    def entry(self, state: StateT, learned: Any) -> Mapping[str, Any]:
        """What the log tells of the last update, by name.

        That is `overseer`, `belief`, `experts` and `learner`; all but the last may be None.
        """
        ...

    def judge(self, state: StateT) -> Mapping[str, Judged]:
        """Figures for the log, of a policy by who acts; nothing about the run changes."""
        ...

    def save_policy(self, state: StateT, path: Path) -> None:
        """Write the policy, or the network, as it stands, atomically."""
        ...

    def close(self, state: StateT) -> None:
        """Let go of what the state holds beside memory, such as processes."""
        ...

    def finish(self, state: StateT, folder: RunFolder) -> None:
        """Write what only a finished run has, its `result.json` last."""
        ...
