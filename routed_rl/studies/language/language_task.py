"""What the runs of studies of language models share: how a network is trained."""

from __future__ import annotations

import math
from typing import ClassVar, TypeVar

import torch
from torch import nn

from routed_rl.runs.memory import Layers, RunSize
from routed_rl.studies.language.corpora import AT_ONCE
from routed_rl.studies.language.small_gpt import SmallGPT
from routed_rl.studies.study_state import StudyState
from routed_rl.studies.study_task import StudyTask
from routed_rl.study_configs.language_config import LanguageConfig

ConfigT = TypeVar("ConfigT", bound=LanguageConfig)
BETAS = (0.9, 0.95)
LARGEST_GRADIENT = 1.0
CURES = {
    "weights": "Give a smaller width or hidden, or fewer layers.",
    "samples": "Give fewer documents, or a smaller context.",
    "gradient step": "Give a smaller batch_size, context, width or hidden, or fewer layers.",
    "evaluation": "Give a smaller context, width or hidden, or fewer layers.",
    "processes": "Use a larger machine.",
}
"""What to do where a part of the run takes most of the memory."""
WARM_UP, LAST = 1 / 8, 0.1
"""The learning rate rises over this share of the steps, and ends at this share of itself."""


class LanguageTask(StudyTask[ConfigT]):
    """A run that trains a small GPT on documents: AdamW, with a warm-up and a cosine.

    Args:
        config: What decides the run.
    """

    unit: ClassVar[str] = "documents"

    def optimizer(self, model: nn.Module) -> torch.optim.Optimizer:
        """AdamW; its rate is set at each step."""
        config = self.config
        return torch.optim.AdamW(
            model.parameters(),
            lr=config.learning_rate,
            betas=BETAS,
            weight_decay=config.weight_decay,
        )

    def set_pace(self, state: StudyState) -> None:
        """Set the learning rate of the coming step."""
        steps, step = self.config.steps, state.update
        rising = min(1.0, (step + 1) / max(1.0, WARM_UP * steps))
        pace = rising * (LAST + (1 - LAST) * (1 + math.cos(math.pi * step / steps)) / 2)
        for group in state.optimizer.param_groups:
            group["lr"] = self.config.learning_rate * pace

    def descend(self, state: StudyState) -> None:
        """Take the step that the gradients say, which are cut to a norm."""
        nn.utils.clip_grad_norm_(state.model.parameters(), LARGEST_GRADIENT)
        state.optimizer.step()

    def language_size(self, vocabulary: int, hidden: int, kept: int) -> RunSize:
        """What decides the memory that the run takes.

        Args:
            vocabulary: Tokens that there are.
            hidden: Units of each MLP.
            kept: Documents that are kept.
        """
        config = self.config
        width, context = config.width, config.context
        block = Layers.of(width, (3 * width,)) + Layers.of(width, (width,))
        block += Layers.of(width, (hidden, width))
        layers = Layers(
            config.layers * block.parameters + 2 * vocabulary * width,
            context * (2 * config.layers * block.outputs + vocabulary),
        )
        return RunSize(
            layers=layers,
            entries=context,
            entry_bytes=8,
            kept=kept,
            learned=self.samples,
            judged=AT_ONCE,
            device=self.device.type,
            cures=CURES,
        )


def network_of(state: StudyState) -> SmallGPT:
    """The network of a run that trains a language model."""
    assert isinstance(state.model, SmallGPT), "it was made here"
    return state.model
