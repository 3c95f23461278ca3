"""The rows of the study `digits`: whom a label teaches, what is penalised, what is left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from routed_envs.oversight.labels import UNLABELLED
from routed_rl.study_configs.digits_config import METHODS

HALVES = ("low", "high")
"""The halves of the code, and the labels: the digits 0 to 4, and 5 to 9."""
FIRST_HIGH = 5
Table = Mapping[str, Mapping[str, float]]
BOTH: Table = {"low": {"high": 0.0}, "high": {"low": 0.0}, UNLABELLED: {}}
ONE_WAY: Table = {"low": {}, "high": {"low": 0.0}, UNLABELLED: {}}
OPEN: Table = {"low": {}, "high": {}, UNLABELLED: {}}
NONE = (0.0, 0.0)
"""No penalty on either half."""


@dataclass(frozen=True)
class DigitsMethod:
    """A row of the study's table.

    Attributes:
        meaning: What it does, in a few words.
        published: The squared error of the high half's certificate on images of 0 to 4 and of 5 to
            9, as the paper prints it (20 runs on the whole of MNIST); None of a row that is ours.
        table: For each label the weight with which an image's gradient reaches each half.
        decoders: 1, or 2: one for each label.
        sparsity: For each half a factor on the setting of that name; 0 for no such penalty.
        emptied: A factor on the setting `emptying`: the half that a label closes pays it beside.
        correlation: A factor on the setting of that name.
        left_out: The labels from whose images nothing is rebuilt.
        filled: The halves that have digits of their own.
    """

    meaning: str
    published: tuple[float, float] | None
    table: Table = field(default_factory=lambda: BOTH)
    decoders: int = 1
    sparsity: tuple[float, float] = (1.0, 1.0)
    emptied: float = 0.0
    correlation: float = 1.0
    left_out: tuple[str, ...] = ()
    filled: tuple[str, ...] = HALVES

    @property
    def told(self) -> str:
        """What the row learns from beside the images."""
        return "labels" if self.table is not OPEN or self.left_out else "nothing"

    def describe(self) -> str:
        """What the row does, as text by which two rows can be compared."""
        rows = {label: dict(row) for label, row in self.table.items()}
        return (
            f"{rows}, decoders={self.decoders}, sparsity={self.sparsity}, emptied={self.emptied}, "
            f"correlation={self.correlation}, left_out={self.left_out}"
        )


_ROWS = (
    DigitsMethod("an image teaches the half of its label", (0.32, 0.08)),
    DigitsMethod("the same with a decoder for each label", (0.33, 0.07), decoders=2),
    DigitsMethod("routed without the penalty on correlation", (0.28, 0.11), correlation=0.0),
    DigitsMethod("routed without any penalty", (0.32, 0.32), sparsity=NONE, correlation=0.0),
    DigitsMethod(
        "the same with a decoder for each label",
        (0.09, 0.08),
        decoders=2,
        sparsity=NONE,
        correlation=0.0,
    ),
    DigitsMethod(
        "low images teach both halves, and the high half is sparser (7 times the penalty)",
        (0.23, 0.13),
        table=ONE_WAY,
        filled=("high",),
        sparsity=(1.0, 20 / 3),
    ),
    DigitsMethod(
        "not routed; low images are not rebuilt, a third of the penalty on sparsity",
        (0.27, 0.11),
        table=OPEN,
        sparsity=(1 / 3, 1 / 3),
        correlation=0.0,
        left_out=("low",),
        filled=("high",),
    ),
    DigitsMethod(
        "not routed; low images are not rebuilt, no penalty",
        (0.08, 0.08),
        table=OPEN,
        sparsity=NONE,
        correlation=0.0,
        left_out=("low",),
        filled=("high",),
    ),
    DigitsMethod("not routed", (0.13, 0.13), table=OPEN),
    DigitsMethod(
        "not routed, no penalty", (0.08, 0.09), table=OPEN, sparsity=NONE, correlation=0.0
    ),
    DigitsMethod(
        "ours: routed, and an image's label also empties the half that it closes",
        None,
        sparsity=(0.5, 0.5),
        emptied=1.0,
    ),
)
DIGITS_METHODS: Mapping[str, DigitsMethod] = MappingProxyType(
    dict(zip(METHODS, _ROWS, strict=True))
)
"""The ten rows of the paper's appendix B in its order, and one of ours. Penalties weigh every
image, those too that are left out, as in the published program."""
