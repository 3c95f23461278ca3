"""Binary observations by the entries that are 1: where these are few, far less to multiply.

An observation of P entries is then a list of the same length for all: the places of its ones, as in
the flattened observation; P, a constant 1, to which the bias of a layer belongs; and P + 1, which
stands for nothing, until the list is full. Such lists are int64 and observations are not: that is
how whoever takes both tells them apart.
"""

from __future__ import annotations

import math

import torch

SPARSE = 8
"""Lists are worth it where an observation has so many times as many entries."""


def is_listed(observations: torch.Tensor) -> bool:
    """Whether observations are lists of entries."""
    return observations.dtype == torch.int64


def entries_of(observations: torch.Tensor) -> torch.Tensor | None:
    """The lists of some observations.

    Args:
        observations: int8 [S, *observation_shape], on the CPU.

    Returns:
        int64 [S, M]; None if they are not binary, or if lists would not be much shorter.
    """
    flat = observations.flatten(1)
    (count, size), ones = flat.shape, flat.count_nonzero(1)
    most = int(ones.max())
    if SPARSE * (most + 1) > size or bool((flat != 0).ne(flat).any()):
        return None
    lists = torch.full((count, most + 1), size + 1)
    row, place = flat.nonzero().unbind(1)
    lists[row, torch.arange(len(row)) - (ones.cumsum(0) - ones)[row]] = place
    lists[:, most] = size
    return lists


def in_full(observations: torch.Tensor, shape: tuple[int, ...]) -> torch.Tensor:
    """Observations as they are, int8 [..., *shape], from lists of their entries or from such."""
    if not is_listed(observations):
        return observations
    size = math.prod(shape)
    full = torch.zeros(
        (*observations.shape[:-1], size + 2), dtype=torch.int8, device=observations.device
    )
    return full.scatter_(-1, observations, 1)[..., :size].unflatten(-1, shape)
