"""The rows of the study `unlearn`: what a label does to a network's parts, and to the data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from routed_rl.study_configs.unlearn_config import METHODS

Cell = float | Literal["off"]
OTHER, UNLABELLED, KEPT_ON = "other", "unlabelled", "other, parts on"
"""Labels beside the topics: of no topic; none; and of no topic, while the parts act."""
QUIETED = 4.0
"""The weight with which others teach parts to be quiet: those that run with parts on are few, and
stand for all. With 1 the parts disturb all else more; with 12 they know less of their topic."""
CORE = "core"
"""The part that everybody may have, where the units of topics are experts beside it."""


@dataclass(frozen=True)
class UnlearnMethod:
    """A row of the study's table.

    Attributes:
        meaning: What it does, in a few words.
        told: What it learns from beside the documents.
        parts: Units for each topic: none, some, or as many as each MLP has.
        routes: Where a label has a say: nowhere, at activations with the published weights for each
            token, at parameters, or by switching whole experts.
        guesses: Who says what documents without a label are: nobody, the effect of the parts, or a
            classifier that learned from the labels.
        left_out: Whether documents of a topic are left out, by labels and guesses.
        removal: What is done at the end: nothing, the parts are deleted, or the network is taught
            to forget.
    """

    meaning: str
    told: str = "labels"
    parts: Literal["none", "some", "experts"] = "none"
    routes: Literal["nowhere", "activations", "parameters", "experts"] = "nowhere"
    guesses: Literal["nobody", "effect", "classifier"] = "nobody"
    left_out: bool = False
    removal: Literal["nothing", "deleted", "unlearnt"] = "nothing"

    def table(self, topics: Sequence[str]) -> dict[str, dict[str, Cell]] | None:
        """For each label the weight of each part, or "off"; None where a label says nothing.

        Args:
            topics: The parts' names.
        """
        off: dict[str, Cell] = dict.fromkeys(topics, "off")
        if self.routes == "experts":
            rows = {one: {CORE: "off", **_but(off, one)} for one in topics}
            return {**rows, OTHER: off, UNLABELLED: off}
        if self.routes == "parameters":
            untaught: dict[str, Cell] = dict.fromkeys(("rest", *topics), 0.0)
            rows = {one: _but(untaught, one) for one in topics}
            quiet: dict[str, Cell] = {"rest": 0.0, **dict.fromkeys(topics, QUIETED)}
            return {**rows, OTHER: off, UNLABELLED: {}, KEPT_ON: quiet}
        if self.routes == "activations":
            return {UNLABELLED: {}}  # The weights are graded, token by token.
        return None

    def describe(self, topics: Sequence[str]) -> str:
        """What the row does, as text by which two rows can be compared."""
        return (
            f"{self.table(topics)}, parts={self.parts!r}, routes={self.routes!r}, "
            f"guesses={self.guesses!r}, left_out={self.left_out}, removal={self.removal!r}, "
            f"beside={self.is_beside}"
        )

    @property
    def is_beside(self) -> bool:
        """Whether documents that teach parts alone come beside those of a batch."""
        return self.routes == "parameters"


def _but(off: Mapping[str, Cell], one: str) -> dict[str, Cell]:
    return {name: cell for name, cell in off.items() if name != one}


_ROWS = (
    UnlearnMethod("learns from everything; nothing is forgotten", told="nothing"),
    UnlearnMethod(
        "units are added, learn from everything, and are deleted",
        told="nothing",
        parts="some",
        removal="deleted",
    ),
    UnlearnMethod("leaves out what has a label", left_out=True),
    UnlearnMethod(
        "leaves out what has a label, or what a classifier holds for the topic",
        guesses="classifier",
        left_out=True,
    ),
    UnlearnMethod(
        "learns from everything; afterwards its activations on labelled documents are scrambled "
        "(RMU)",
        removal="unlearnt",
    ),
    UnlearnMethod(
        "an MLP for each topic, chosen by the label, and deleted (DEMix)",
        parts="experts",
        routes="experts",
        removal="deleted",
    ),
    UnlearnMethod(
        "expand, route, ablate, as published: labels route at activations",
        parts="some",
        routes="activations",
        removal="deleted",
    ),
    UnlearnMethod(
        "labels route at parameters (selective gradient masking)",
        parts="some",
        routes="parameters",
        removal="deleted",
    ),
    UnlearnMethod(
        "ours: the same, and what the parts help with is held for theirs",
        parts="some",
        routes="parameters",
        guesses="effect",
        removal="deleted",
    ),
    UnlearnMethod(
        "ours: the same, and what a classifier holds for the topic is held for theirs",
        parts="some",
        routes="parameters",
        guesses="classifier",
        removal="deleted",
    ),
    UnlearnMethod("leaves out the whole topic: the ceiling", told="the truth", left_out=True),
)
UNLEARN_METHODS: Mapping[str, UnlearnMethod] = MappingProxyType(
    dict(zip(METHODS, _ROWS, strict=True))
)
"""By name, in the order of the study's table."""
