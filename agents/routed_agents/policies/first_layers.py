"""First layers of networks that see binary observations, in full or by the entries that are 1.

Of an observation by its entries (`routed_envs.entries`) a layer is the sum of a few rows of one
table: its weights by entry, its bias for the constant 1, and zeros for nothing.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional

from routed_envs.entries import is_listed

AT_ONCE = 2048
"""Samples whose gradients are added up together: read once for each entry, so from a cache."""


class FirstLayer(nn.Linear):
    """A linear layer from observations, float [B, P] in full or int64 [B, M] by their entries."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs)
        self.lay_out()

    def lay_out(self) -> None:
        """Keep the weight entry by entry in memory, so that the table below is a plain copy.

        Whoever puts another tensor in the place of the weight calls it again: products over another
        layout can differ in the last bit.
        """
        self.weight = nn.Parameter(self.weight.detach().t().contiguous().t())

    def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002  (as in PyTorch)
        """Map observations to float [B, H]."""
        return first_layer(input, self.weight, self.bias)


def first_layer(
    observations: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor
) -> torch.Tensor:
    """Map observations, in full or by their entries, to float [B, H].

    Args:
        observations: float [B, P], or int64 [B, M].
        weight: float [H, P].
        bias: float [H].
    """
    if is_listed(observations):
        return _SumOfRows.apply(rows(weight, bias), observations)
    return functional.linear(observations, weight, bias)


class _SumOfRows(torch.autograd.Function):
    """The sum of a table's rows at each sample's entries.

    PyTorch's own gradient of such sums sorts all entries first, which takes longer than a product
    in full would.
    """

    @staticmethod
    def forward(ctx: Any, table: torch.Tensor, entries: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(entries)
        ctx.rows = len(table)
        return functional.embedding_bag(entries, table, mode="sum")

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None]:
        (entries,) = ctx.saved_tensors
        gradient = gradients[0]
        table = gradient.new_zeros((ctx.rows, gradient.shape[1]), dtype=torch.float32)
        for part, listed in zip(gradient.split(AT_ONCE), entries.split(AT_ONCE), strict=True):
            part = part.float()
            for column in listed.unbind(1):
                table.index_add_(0, column, part)
        return table, None


def rows(weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
    """A layer's weights [H, P] and bias as a table of what each entry adds, float [P + 2, H]."""
    table = torch.cat((weight.t(), bias.unsqueeze(0), torch.zeros_like(bias).unsqueeze(0)))
    if torch.is_autocast_enabled(table.device.type):  # Sums of rows are products here.
        return table.to(torch.get_autocast_dtype(table.device.type))
    return table


def flat(observations: torch.Tensor) -> torch.Tensor:
    """Observations of any type as float [B, P]; lists of entries as they are."""
    return observations if is_listed(observations) else observations.flatten(1).float()
