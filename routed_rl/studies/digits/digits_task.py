"""A run of the study `digits`: an autoencoder, then decoders that try each half of its code."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import torch

from routed_agents import Routes
from routed_envs import Labels
from routed_envs.data.digits import Digits, files_of, load_digits
from routed_rl.runs.memory import Layers, RunSize
from routed_rl.runs.warning_signs import Noted
from routed_rl.studies.digits.digits_figures import digits_figures, errors, summarised
from routed_rl.studies.digits.digits_methods import DIGITS_METHODS, FIRST_HIGH, HALVES
from routed_rl.studies.digits.split_autoencoder import SplitAutoencoder
from routed_rl.studies.study_state import StudyState
from routed_rl.studies.study_task import LABELS_SEED, Figures, StudyTask
from routed_rl.study_configs.digits_config import DigitsConfig

CURES = {
    "weights": "Give smaller encoder_widths, or a smaller code_size.",
    "samples": "Give data of fewer images.",
    "gradient step": "Give a smaller batch_size, or smaller encoder_widths.",
    "evaluation": "Give smaller encoder_widths.",
    "processes": "Use a larger machine.",
}
"""What to do where a part of the run takes most of the memory."""


class DigitsTask(StudyTask[DigitsConfig]):
    """A run of the study `digits` (Cloud et al., arXiv 2410.04332, section 4.1 and appendix B).

    Two faults of the published program are not repeated: its table is called absolute error and is
    squared error (both are told here), and its certificates learn beside the network, against codes
    that still move (here they learn afterwards, and so find more).

    Args:
        config: What decides the run.

    Raises:
        InputError: The images cannot be had, or there cannot be such labels.
    """

    unit: ClassVar[str] = "images"

    def __init__(self, config: DigitsConfig) -> None:
        super().__init__(config)
        self.method = DIGITS_METHODS[config.method]
        self._data = load_digits(config.data)
        self._images = self.training.images.to(self.device)  # Every step takes some of them.
        # What the overseer says of each image to learn from, int64 [N]: low, high, unlabelled.
        self.labels = self._labels()

    @property
    def updates(self) -> int:
        """The steps of the autoencoder, and then of the certificates."""
        return self.config.steps + self.config.certificate_steps

    def _labels(self) -> torch.Tensor:
        overseer = Labels(HALVES, recall=self.config.oversight, precision=self.config.precision)
        generator = torch.Generator().manual_seed(self.config.seed + LABELS_SEED)
        return overseer.seen((self.training.numbers >= FIRST_HIGH).long(), generator)

    @property
    def training(self) -> Digits:
        """The images to learn from; their numbers are the truth, which only the overseer sees."""
        return self._data[0]

    def size(self) -> RunSize:
        """What decides the memory that the run takes."""
        config, pixels = self.config, self.training.images.shape[1]
        back = tuple(reversed(config.encoder_widths))
        layers = Layers.of(pixels, (*config.encoder_widths, config.code_size))
        layers += Layers.of(config.code_size, (*back, pixels), self.method.decoders)
        layers += Layers.of(config.code_size // 2, (*back, pixels), len(HALVES))
        return RunSize(
            layers=layers,
            entries=pixels,
            entry_bytes=4,
            kept=len(self.training),
            learned=config.batch_size,
            judged=len(self._data[1]),
            device=self.device.type,
            cures=CURES,
        )

    @property
    def files(self) -> tuple[Path, ...]:
        """MNIST's own, if they are asked for."""
        return files_of(self.config.data)

    @property
    def told(self) -> str:
        """What the row learns from beside the images."""
        return self.method.told

    def noted(self) -> Noted:
        """How many images have each label."""
        counts = {name: int((self.labels == i).sum()) for i, name in enumerate(HALVES)}
        return Noted(counts, dict.fromkeys(HALVES, 0))

    def describe(self) -> str:
        """The row of the study's table."""
        return self.method.describe()

    def make(self) -> SplitAutoencoder:
        """The network with fresh weights."""
        return _network_of(self.config, self.training.images.shape[1])

    def routes(self, model: torch.nn.Module) -> Routes:
        """Images teach the half of their label."""
        assert isinstance(model, SplitAutoencoder), "it was made here"
        return Routes(model.parts(), self.method.table)

    def optimizer(self, model: torch.nn.Module) -> torch.optim.Optimizer:
        """Adam for all of it; what is not learning has no gradient, and stays."""
        config = self.config
        return torch.optim.Adam(
            model.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
        )

    def step(self, state: StudyState) -> dict[str, torch.Tensor]:
        """One step, of the autoencoder or of the certificates."""
        model = _network(state)
        chosen = torch.randint(
            len(self.training), (self.config.batch_size,), generator=state.generator
        )
        images = self._images[chosen.to(self.device)]
        if state.update < self.config.steps:
            figures = self._learn(state, images, self.labels[chosen].to(self.device))
        else:
            with torch.no_grad():
                codes = model.encoder(images)
            rebuilt = model.certify(codes)
            figures = {
                f"certificate_{name}": errors(image, images).mean()
                for name, image in rebuilt.items()
            }
        state.optimizer.zero_grad(set_to_none=True)
        loss = torch.stack(list(figures.values())).sum()
        loss.backward()
        state.optimizer.step()
        return {name: figure.detach() for name, figure in figures.items()}

    def _learn(
        self, state: StudyState, images: torch.Tensor, labels: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        """What the autoencoder is to make small: the error, and the penalties.

        Args:
            state: The run's.
            images: float [B, pixels].
            labels: int64 [B].
        """
        config, method, model = self.config, self.method, _network(state)
        codes = model.encoder(images)
        assert state.routes is not None, "this study has some"
        with state.routes(labels):
            rebuilt = model.rebuild(codes)
        found = torch.stack([errors(image, images) for image in rebuilt])
        figures = {"error": (found * self._weights(labels)).sum()}
        norms = torch.stack([model.half_of(codes, name).abs().sum(1) for name in HALVES])
        if any(method.sparsity):
            factors = norms.new_tensor(method.sparsity)
            figures["sparsity"] = config.sparsity * (factors @ norms).mean()
        if method.emptied:
            closed = (norms * self._closed(labels)).sum(0)
            figures["emptying"] = method.emptied * config.emptying * closed.mean()
        if method.correlation:
            strength = method.correlation * config.correlation
            figures["correlation"] = strength * correlation(model, codes)
        return figures

    def _weights(self, labels: torch.Tensor) -> torch.Tensor:
        """How much each decoder's error on each image counts, float [decoders, B].

        Both labels weigh the same, however many images have them, together with what has none they
        weigh 2, as in the published program, which adds a mean over each group.
        """
        known = torch.stack([labels == number for number in range(len(HALVES))]).float()
        counts = known.sum(1, keepdim=True).clamp(min=1.0)
        share = known.sum() / len(labels)
        each = share * known / counts
        kept = [float(name not in self.method.left_out) for name in HALVES]
        each = each * torch.tensor(kept, device=labels.device)[:, None]
        unknown = (labels == len(HALVES)).float() / len(labels)
        if self.method.decoders == 1:
            return (each.sum(0) + 2 * unknown)[None]
        return each + unknown

    def _closed(self, labels: torch.Tensor) -> torch.Tensor:
        """How much each half is closed to each image, float [2, B]."""
        rows = [[1 - row.get(name, 1.0) for row in self.method.table.values()] for name in HALVES]
        return torch.tensor(rows, device=labels.device)[:, labels]

    def figures(self, state: StudyState, final: bool) -> Figures:
        """How well the images for testing are rebuilt; by halves only once certificates learn."""
        found = digits_figures(_network(state), *self._data, self.device)
        if state.update > self.config.steps:
            return found
        return {name: kinds for name, kinds in found.items() if name not in HALVES}

    def summary(self, figures: Figures) -> dict[str, float | None]:
        """The numbers by which rows are compared."""
        return summarised(figures, self.method)


def correlation(model: SplitAutoencoder, codes: torch.Tensor) -> torch.Tensor:
    """The mean absolute correlation between the numbers of the two halves, over codes [B, C]."""
    # A number that is 0 for all images is correlated with nothing.
    apart = (codes - codes.mean(0)) / (codes.std(0) + 1e-6)
    low, high = (model.half_of(apart, name) for name in HALVES)
    return (low.T @ high / len(codes)).abs().mean()


def digits_network(config: DigitsConfig, weights: Mapping[str, torch.Tensor]) -> SplitAutoencoder:
    """The network of a run for weights of it, by name."""
    return _network_of(config, weights["encoder.0.weight"].shape[1])


def _network_of(config: DigitsConfig, pixels: int) -> SplitAutoencoder:
    decoders = DIGITS_METHODS[config.method].decoders
    return SplitAutoencoder(pixels, config.encoder_widths, config.code_size, decoders)


def _network(state: StudyState) -> SplitAutoencoder:
    assert isinstance(state.model, SplitAutoencoder), "it was made here"
    return state.model
