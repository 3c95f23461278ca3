"""What decides a run of a study of language models, whichever it is. Imports no PyTorch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from routed_rl.config import MOST, Budget, Coefficient, Probability, Rate, Size
from routed_rl.study_configs.study_config import StudyConfig

Tokens = Annotated[int, Field(ge=2, le=MOST, description="a whole number from 2 to 1,000,000")]
"""The first of a document is read, and what follows is to be said."""


@dataclass(frozen=True, kw_only=True)
class LanguageConfig(StudyConfig):
    """What runs have that train a small transformer on documents.

    Beside these settings it has those of `StudyConfig`.

    Attributes:
        seed: Decides the documents, the weights, the labels and every figure but the timings.
        overlap: Of stories: how often somebody who is only seen is of another topic, 0 to 1.
        documents: Documents to learn from.
        context: Tokens of a document; longer ones are cut.
        batch_size: Documents of one gradient step.
        learning_rate: AdamW's, after a warm-up over an eighth of the steps; it ends at a tenth.
        weight_decay: AdamW's: the weights shrink by learning rate x this at each step.
        width: Of the residual stream.
        layers: Blocks of the network.
        heads: Of each attention.
        hidden: Units of each MLP.
    """

    overlap: Probability = 0.3
    documents: Size = 8000
    context: Tokens = 64
    steps: Budget = 400
    batch_size: Size = 24
    learning_rate: Rate = 3e-3
    weight_decay: Coefficient = 0.1
    width: Size = 64
    layers: Size = 3
    heads: Size = 4
    hidden: Size = 256

    def _misfits(self) -> list[str]:
        faults = super()._misfits()
        if self.width % self.heads:
            faults.append(
                f"width={self.width} cannot be shared by heads={self.heads}: give a multiple of "
                "heads."
            )
        return faults
