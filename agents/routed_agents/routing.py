"""Gradient routing: the one primitive on which everything else stands."""

from __future__ import annotations

from typing import Any

import torch

from routed_envs.errors import InputError


class _Route(torch.autograd.Function):
    """Identity forward; backward multiplies the gradient by a weight."""

    generate_vmap_rule = True

    @staticmethod
    def forward(values: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        return values.view_as(values)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[torch.Tensor, torch.Tensor], output: Any) -> None:
        ctx.save_for_backward(inputs[1])

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None]:
        (weight,) = ctx.saved_tensors
        return gradients[0] * weight, None


def route(values: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Let only a share of the gradient through.

    The forward pass returns the bits of `values`. The backward pass multiplies the gradient by
    `weight`: 1 leaves the path open, 0 closes it, anything between opens it in part. Cloud et al.
    (arXiv 2410.04332, section 3) write the same with a stop-gradient,
    ``weight * values + (1 - weight) * stop_gradient(values)``, which can change the forward bits
    and is not a number at infinity.

    Works on any tensor of any module, under `torch.func.vmap`, `torch.func.grad` and
    `torch.compile`. The weight itself receives no gradient.

    Args:
        values: Any float tensor, [B, ...].
        weight: One weight for each sample, [B], or for each of the leading axes of `values`;
            it is repeated over the remaining axes. Any float or bool type.

    Returns:
        A tensor equal to `values`, of the same shape.

    Raises:
        InputError: The weight's shape is no beginning of the shape of `values`.
    """
    if weight.shape != values.shape[: weight.dim()]:
        raise InputError(
            f"A weight of shape {tuple(weight.shape)} does not fit values of shape "
            f"{tuple(values.shape)}: it must have the shape of their leading axes, such as "
            f"{tuple(values.shape[:1])}."
        )
    trailing = (1,) * (values.dim() - weight.dim())
    return _Route.apply(values, weight.detach().to(values.dtype).reshape(*weight.shape, *trailing))
