"""The weights of a batch: what its labels mean for each part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import torch
from torch.nn.functional import embedding

from routed_envs.errors import InputError

OFF = "off"
"""In a table: the part does not act for such samples."""


@dataclass(frozen=True)
class RouteWeights:
    """With which weight samples teach each part, and whether it acts for them.

    Attributes:
        gradients: float [B, P + 1] or [B, T, P + 1], a weight for each part and the rest.
        factors: The same of the forward pass, 0 where a part is off and else 1; None if all act.
    """

    gradients: torch.Tensor
    factors: torch.Tensor | None = None

    @classmethod
    def of_table(cls, rows: Sequence[Sequence[float | str]], labels: torch.Tensor) -> Self:
        """What a table says.

        Args:
            rows: For each label the cell of each part and of the rest.
            labels: Whole numbers, [B] or [B, T].

        Raises:
            InputError: A label is no whole number, or beyond the table; on a CUDA device the latter
                is PyTorch's own error.
        """
        if labels.is_floating_point() or labels.dtype == torch.bool:
            raise InputError(
                f"labels are {labels.dtype}: give whole numbers, or the labels' names."
            )
        if not rows:
            raise InputError("The table has no labels. Give weights for the parts by name instead.")
        weights = torch.tensor(
            [[0.0 if cell == OFF else float(cell) for cell in row] for row in rows]
        )
        acts = torch.tensor([[float(cell != OFF) for cell in row] for row in rows])
        try:
            # Unlike indexing, this takes no number from the end for one below 0.
            labels = labels.long()
            gradients = embedding(labels, weights.to(labels.device))
        except IndexError:
            raise InputError(
                f"labels go from {int(labels.min())} to {int(labels.max())}: the table has "
                f"{len(rows)}, which are 0 to {len(rows) - 1}."
            ) from None
        if bool(acts.all()):
            return cls(gradients)
        return cls(gradients, embedding(labels, acts.to(labels.device)))

    @classmethod
    def graded(cls, weights: Sequence[torch.Tensor | float]) -> Self:
        """Weights that are given for each part and the rest, [B], [B, T] or a number.

        Raises:
            InputError: Their shapes differ, or all are numbers.
        """
        weights = [_as_floats(weight) for weight in weights]
        tensors = [weight for weight in weights if isinstance(weight, torch.Tensor)]
        shapes = {tuple(tensor.shape) for tensor in tensors}
        if len(shapes) != 1:
            raise InputError(
                f"weights of shapes {sorted(shapes)}: give [B] or [B, T], the same for all parts, "
                "or a number for some of them."
            )
        like = tensors[0]
        full = [
            weight if isinstance(weight, torch.Tensor) else like.new_full(like.shape, weight)
            for weight in weights
        ]
        return cls(torch.stack(full, -1))

    def switched_off(self, off: torch.Tensor) -> Self:
        """The same, where some parts do not act for some samples, and learn nothing from them.

        Args:
            off: bool, of the shape of `gradients`.
        """
        acts = (~off).to(self.gradients)
        factors = acts if self.factors is None else self.factors * acts
        return type(self)(self.gradients * acts, factors)

    def spread(
        self, weights: torch.Tensor, codes: torch.Tensor, values: torch.Tensor
    ) -> torch.Tensor:
        """A weight for each channel.

        Args:
            weights: `gradients` or `factors`.
            codes: int64 [C], each channel's part.
            values: float [B, ..., C] or [B, T, ..., C], whose shape is taken.

        Raises:
            InputError: The values are not of as many samples, or tokens, as there are labels.
        """
        leading = weights.shape[:-1]
        if values.shape[: len(leading)] != leading or values.dim() <= len(leading):
            raise InputError(
                f"labels of shape {tuple(leading)} do not fit activations of shape "
                f"{tuple(values.shape)}: they must be its leading axes. Label samples, [B], where "
                "a network lays its tokens out differently."
            )
        chosen = weights.index_select(-1, codes.to(weights.device)).to(values)
        between = (1,) * (values.dim() - len(leading) - 1)
        return chosen.view(*leading, *between, chosen.shape[-1]).expand(values.shape)


def _as_floats(weight: torch.Tensor | float) -> torch.Tensor | float:
    """Floats in the place of yes and no or of whole numbers, which could hold no weight of 0.5."""
    if isinstance(weight, torch.Tensor) and not weight.is_floating_point():
        return weight.float()
    return weight


@dataclass(eq=False)
class Current:
    """What holds now: the weights inside a `with` block of `Routes`, and None outside.

    Copies of a network listen to the same labels.
    """

    weights: RouteWeights | None = None

    def __deepcopy__(self, memo: object) -> Self:
        return self
