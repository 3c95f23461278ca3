"""What the runs of all studies share: a `Task` that trains a network on data with labels."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

import torch
from torch import nn

from routed_agents import Routes
from routed_agents.described_file import described_bytes
from routed_agents.files import write_atomically
from routed_rl.config import HOST_FIELDS
from routed_rl.runs.devices import device_named
from routed_rl.runs.identity import TABLE
from routed_rl.runs.run_folder import RunFolder
from routed_rl.runs.warning_signs import Noted
from routed_rl.studies.study_state import StudyState
from routed_rl.study_configs.study_config import StudyConfig

ConfigT = TypeVar("ConfigT", bound=StudyConfig)
KEY = "routed_rl.studies"
"""The one entry of a model file's metadata: the run's configuration."""
LABELS_SEED = 7_000_003
"""Added to the run's seed: labels are no part of what the network's numbers are drawn from."""


DIGITS_TOLD = 5


@dataclass(frozen=True)
class StudyFigures:
    """The numbers that sum up a network, by name."""

    values: Mapping[str, float]

    def to_json(self) -> dict[str, Any]:
        """The same as plain values."""
        return dict(self.values)


Figures = Mapping[str, Mapping[str, Any]]
"""Of each network or part that was judged, by its name: plain values."""


class StudyTask(ABC, Generic[ConfigT]):
    """A study's run as a `Task`: what its network is, a step, and what is judged, the study says.

    Args:
        config: What decides the run.

    Raises:
        InputError: The device is not there.
    """

    unit: ClassVar[str] = "samples"

    def __init__(self, config: ConfigT) -> None:
        self.config = config
        self.device = device_named(config.device)

    @property
    def updates(self) -> int:
        """The steps of the run."""
        return self.config.steps

    @property
    def samples(self) -> int:
        """Samples of one step."""
        return self.config.batch_size

    @property
    def evaluate_every(self) -> int | None:
        """Steps between two evaluations on the way."""
        return self.config.evaluate_every

    @property
    def threads(self) -> int:
        """CPU threads of the run."""
        return self.config.threads

    @property
    def needed_labels(self) -> tuple[str, ...]:
        """All labels are there from the beginning: nothing has to be waited for."""
        return ()

    def settings(self) -> dict[str, Any]:
        """What decides the run, as plain values."""
        return self.config.to_json()

    def identity(self) -> dict[str, Any]:
        """What makes the run this run and no other, by name; the host does not.

        The budget does: the learning rate spans it.
        """
        left_out = (*HOST_FIELDS, "evaluate_every")
        kept = {name: value for name, value in self.settings().items() if name not in left_out}
        contents = {str(path): _digest(path) for path in self.files}
        return kept | {TABLE: self.describe()} | ({"contents": contents} if contents else {})

    def start(self) -> StudyState:
        """A fresh network, all from the seed."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.config.seed)
            model = self.make().to(self.device)
        optimizer = self.optimizer(model)
        generator = torch.Generator().manual_seed(self.config.seed)
        identity = json.dumps(self.identity(), sort_keys=True)
        routes = self.routes(model)
        return StudyState(model, optimizer, generator, identity, routes, noted=self.noted())

    def update(self, state: StudyState) -> dict[str, torch.Tensor]:
        """Take one step; the state is changed. The figures of its loss."""
        state.model.train()
        with denormals_flushed():
            figures = self.step(state)
        state.update += 1
        return figures

    def entry(self, state: StudyState, learned: dict[str, torch.Tensor]) -> dict[str, Any]:
        """What the log tells of the last step."""
        learner = {name: float(figure) for name, figure in learned.items()}
        return {"overseer": None, "belief": None, "experts": None, "learner": learner}

    def judge(self, state: StudyState) -> dict[str, StudyFigures]:
        """What sums up the network for the log; the run never sees it."""
        known = self._summary(self._judged(state, final=False))
        told = {name: number for name, number in known.items() if number is not None}
        return {"summary": StudyFigures(told)}

    def _summary(self, figures: Figures) -> dict[str, float | None]:
        """The summary in as many digits as mean something."""
        found = self.summary(figures)
        return {k: None if v is None else round(v, DIGITS_TOLD) for k, v in found.items()}

    def _judged(self, state: StudyState, final: bool) -> Figures:
        state.model.eval()
        with denormals_flushed():
            return self.figures(state, final)

    def save_policy(self, state: StudyState, path: Path) -> None:
        """Write the network as it stands."""
        weights = state.model.state_dict()
        write_atomically(path, described_bytes(weights, KEY, self.settings()))

    def close(self, state: StudyState) -> None:
        """Nothing has to be let go of."""

    def finish(self, state: StudyState, folder: RunFolder) -> None:
        """Save the network, judge it, and mark the folder as finished."""
        self.save_policy(state, folder.model)
        figures = self._judged(state, final=True)
        folder.write_study(
            figures,
            {
                "study": self.config.study,
                "method": self.config.method,
                "updates": state.update,
                "seconds": state.seconds,
                "labels": sum(state.noted.labels.values()),
                "told": self.told,
                "summary": self._summary(figures),
            },
        )

    @property
    def files(self) -> tuple[Path, ...]:
        """The files of the user's own that the run learns from."""
        return ()

    @property
    @abstractmethod
    def told(self) -> str:
        """What the method learns from beside the data, in words."""

    @abstractmethod
    def noted(self) -> Noted:
        """The labels that the overseer gave of the data, which is all there from the beginning."""

    @abstractmethod
    def describe(self) -> str:
        """The method's table, as text by which two can be compared."""

    @abstractmethod
    def make(self) -> nn.Module:
        """The network with fresh weights, from the global generator."""

    @abstractmethod
    def routes(self, model: nn.Module) -> Routes | None:
        """What lets data teach parts of the network."""

    @abstractmethod
    def optimizer(self, model: nn.Module) -> torch.optim.Optimizer:
        """What trains the network."""

    @abstractmethod
    def step(self, state: StudyState) -> dict[str, torch.Tensor]:
        """One step of training; `state.update` are those before it. The figures of its loss."""

    @abstractmethod
    def figures(self, state: StudyState, final: bool) -> Figures:
        """What the network does with data that it did not learn from.

        Args:
            state: The run's.
            final: Whether it is finished, and everything is to be found out.
        """

    @abstractmethod
    def summary(self, figures: Figures) -> dict[str, float | None]:
        """The few numbers by which runs are compared, from what `figures` found."""


def _digest(path: Path) -> str:
    """What a file holds, in a few characters: other contents under the same path have others."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


@contextmanager
def denormals_flushed() -> Iterator[None]:
    """Let this thread count numbers below 1e-38 as 0.

    Penalties on sparsity drive numbers there, and a processor computes with them many times more
    slowly.
    """
    before = bool(torch.tensor([1e-39]) * 1.0 == 0.0)
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(before)
