"""What decides a run of the study `scalar`, in one record. Imports no PyTorch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

from routed_rl.config import Budget, Name, Probability, Rate, Switch
from routed_rl.study_configs.language_config import LanguageConfig

TOKENS = ("squirrel", "whale", "cow", "baker", "postman", "fox")
"""The words that the study compares if no others are named."""


@dataclass(frozen=True, kw_only=True)
class ScalarConfig(LanguageConfig):
    """What to train in the study `scalar`, and how. The defaults are the preset `fast`.

    Before one word, a language model may learn through one dimension of its residual stream alone.
    Is that dimension then the dial of the word (Cloud et al., arXiv 2410.04332, section 4.2.1 and
    appendix D)? It learns from stories of a small grammar.

    Beside these settings it has those of `LanguageConfig`.

    Attributes:
        method: routed, as published; routed-row, ours, where the word's row of the last layer, too,
            learns through the dimension alone; or unrouted, their twin from the same start.
        token: The word whose dial is wanted: one who does something in the stories.
        oversight: The share of the word's places that have a label, 0 to 1.
        tied: Whether the last layer reads with the vectors of the words, as in the paper; otherwise
            it learns rows of its own, as in the study of unlearning.
        strength: How much is added to the stream to turn the dial, in the stream's mean norms.

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
                "tied": True,
                "width": 1024,
                "layers": 20,
                "heads": 16,
                "hidden": 4096,
            },
            "demo": {
                "documents": 1500,
                "steps": 120,
                "learning_rate": 1e-2,
                "width": 32,
                "layers": 2,
                "hidden": 64,
            },
        }
    )
    methods: ClassVar[tuple[str, ...]] = ("routed", "routed-row", "unrouted")
    study: Name = "scalar"
    method: Name = "routed"
    oversight: Probability = 1.0
    token: Name = TOKENS[0]
    tied: Switch = False
    steps: Budget = 1000
    strength: Rate = 1.0
