"""What decides a run of a study, whichever it is. Imports no PyTorch."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from routed_envs.errors import unknown_name
from routed_rl.config import (
    Budget,
    Coefficient,
    Device,
    Name,
    Pace,
    Probability,
    Rate,
    Seed,
    Settings,
    Size,
    Threads,
)


@dataclass(frozen=True, kw_only=True)
class StudyConfig(Settings):
    """What runs of every study have; each study adds its own settings.

    Attributes:
        study: Which study it is.
        method: A row of the study's table; `routed-rl study NAME --help` lists them.
        oversight: The share of the data that has a label, 0 to 1.
        seed: Decides the weights, the labels and every figure but the timings, at least 0.
        steps: Gradient steps.
        batch_size: Samples of one gradient step.
        learning_rate: Adam's.
        weight_decay: Adam's, added to the gradient.
        evaluate_every: Steps between two evaluations, which only the log sees; 0 for none, None for
            an eighth of the run, at least 25. The finished network is judged anyway.
        device: Where to train: auto takes a CUDA device if there is one.
        threads: CPU threads of this run, at most 1,024.

    Raises:
        InputError: A value is of the wrong type or out of range; every fault is listed.
    """

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    """Named constants; those that a preset does not name are the defaults."""
    methods: ClassVar[tuple[str, ...]] = ()
    """What the study compares, in the order of its table."""
    study: Name
    method: Name
    oversight: Probability = 1.0
    seed: Seed = 0
    steps: Budget = 1
    batch_size: Size = 1
    learning_rate: Rate = 1e-3
    weight_decay: Coefficient = 0.0
    evaluate_every: Pace = None
    device: Device = "auto"
    threads: Threads = 1

    @classmethod
    def from_preset(cls, preset: str, **changes: Any) -> Self:
        """A preset's constants with some of them changed.

        Args:
            preset: One of `presets`.
            **changes: Fields to set.

        Raises:
            InputError: There is no such preset, or a value is out of range.
        """
        if preset not in cls.presets:
            raise unknown_name("preset", preset, cls.presets)
        return cls(**{**cls.presets[preset], **changes})

    @property
    def least_budget(self) -> dict[str, int]:
        """What the budget would be of a run that takes one step."""
        return {"steps": 1}

    def _misfits(self) -> list[str]:
        faults = []
        name = next(field.default for field in dataclasses.fields(self) if field.name == "study")
        if self.study != name:
            faults.append(f"study={self.study!r} cannot be used: these are settings of {name}.")
        if self.method not in self.methods:
            faults.append(str(unknown_name("method", self.method, self.methods)))
        return faults
