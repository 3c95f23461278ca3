"""What decides a run of the study `scalar`, in one record. Imports no PyTorch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

from routed_rl.config import Budget, Coefficient, Name, Probability, Rate, Size
from routed_rl.study_configs.study_config import StudyConfig

METHODS = ("routed", "unrouted")
"""The network whose axis was routed, and its twin from the same start."""


@dataclass(frozen=True, kw_only=True)
class ScalarConfig(StudyConfig):
    """What to train in the study `scalar`, and how. The defaults are the preset `fast`.

    Before one word, a language model may learn through one dimension of its residual stream alone.
    Is that dimension then the dial of the word (Cloud et al., arXiv 2410.04332, section 4.2.1 and
    appendix D)?

    Attributes:
        study: scalar.
        method: routed, or unrouted: the twin with the same start and the same documents.
        token: The word whose dial is wanted, one that appears in stories.
        oversight: The share of the word's places that have a label, 0 to 1.
        seed: Decides the stories, the weights and every figure but the timings, at least 0.
        overlap: How often somebody who is only seen is of another topic, 0 to 1.
        documents: Stories to learn from.
        context: Tokens of a story; longer ones are cut.
        steps: Gradient steps.
        batch_size: Stories of one gradient step.
        learning_rate: AdamW's, after a warm-up over an eighth of the steps; it ends at a tenth.
        weight_decay: AdamW's.
        width: Of the residual stream.
        layers: Blocks of the network; the stream is routed after each of them, and turned after
            half of them.
        heads: Of each attention.
        hidden: Units of each MLP.
        strength: How much is added to turn the dial, in norms of the stream.
        evaluate_every: Steps between two evaluations, which only the log sees; 0 for none, None for
            an eighth of the run, at least 25. The finished network is judged anyway.
        device: Where to train: auto takes a CUDA device if there is one.
        threads: CPU threads of this run, at most 1,024.

    Raises:
        InputError: A value is of the wrong type or out of range; every fault is listed.
    """

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
        {
            "fast": {},
            "paper": {
                "documents": 1_000_000,
                "steps": 10_000,
                "batch_size": 576,
                "learning_rate": 1.8e-3,
                "width": 1024,
                "layers": 20,
                "heads": 16,
                "hidden": 4096,
            },
            "demo": {"documents": 1500, "steps": 120, "width": 32, "layers": 2, "hidden": 64},
        }
    )
    methods: ClassVar[tuple[str, ...]] = METHODS
    study: Name = "scalar"
    method: Name = "routed"
    oversight: Probability = 1.0
    token: Name = "squirrel"
    overlap: Probability = 0.3
    documents: Size = 8000
    context: Size = 64
    steps: Budget = 1000
    batch_size: Size = 24
    learning_rate: Rate = 3e-3
    weight_decay: Coefficient = 0.1
    width: Size = 64
    layers: Size = 3
    heads: Size = 4
    hidden: Size = 256
    strength: Rate = 1.0

    def _misfits(self) -> list[str]:
        faults = super()._misfits()
        if self.width % self.heads:
            faults.append(
                f"width={self.width} cannot be shared by heads={self.heads}: give a multiple of "
                "heads."
            )
        return faults
