"""Gradient routing: the one primitive on which everything else stands."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.func import functional_call

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


def route(values: torch.Tensor, weight: torch.Tensor | float) -> torch.Tensor:
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
            it is repeated over the remaining axes. Any float or bool type, or a number for all.

    Returns:
        A tensor equal to `values`, of the same shape.

    Raises:
        InputError: The weight's shape is no beginning of the shape of `values`.
    """
    if not isinstance(weight, torch.Tensor):
        weight = values.new_tensor(weight)
    if weight.shape != values.shape[: weight.dim()]:
        raise InputError(
            f"A weight of shape {tuple(weight.shape)} does not fit values of shape "
            f"{tuple(values.shape)}: it must have the shape of their leading axes, such as "
            f"{tuple(values.shape[:1])}."
        )
    trailing = (1,) * (values.dim() - weight.dim())
    return _Route.apply(values, weight.detach().to(values.dtype).reshape(*weight.shape, *trailing))


def route_parameters(module: nn.Module, inputs: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Let only a share of the gradient reach a module's parameters, and all of it what is below.

    The forward pass returns the bits of `module(inputs)`. The backward pass multiplies each
    sample's gradient by `weight` for the parameters, and by 1 for the inputs: selective gradient
    masking, where `route(module(inputs), weight)` would close the way to the inputs too. It takes
    two forward passes, one for each kind of gradient.

    Args:
        module: Any module of one input without randomness or running statistics.
        inputs: [B, ...].
        weight: float [B], one weight for each sample.

    Returns:
        What `module(inputs)` returns, [B, ...].

    Raises:
        InputError: There is not one weight for each sample.
    """
    routed = route(module(inputs.detach()), weight)
    if not inputs.requires_grad:
        return routed
    fixed = {name: parameter.detach() for name, parameter in module.named_parameters()}
    through = functional_call(module, fixed, (inputs,))
    # The difference is exactly zero; it brings the inputs their gradient.
    return routed + (through - through.detach())


class _AddLoss(torch.autograd.Function):
    """Identity forward; backward also starts the gradient of another loss."""

    @staticmethod
    def forward(ctx: Any, values: torch.Tensor, loss: torch.Tensor) -> torch.Tensor:
        return values.view_as(values)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return gradients[0], torch.ones((), device=gradients[0].device)


def add_loss(values: torch.Tensor, loss: torch.Tensor) -> torch.Tensor:
    """Minimise another loss along with whatever the values go into.

    For training loops that are not ours: the result equals `values`, and whoever calls `backward`
    on something computed from it also adds the gradient of `loss`, once.

    Args:
        values: Any float tensor on the way to the other loop's loss.
        loss: float32, a scalar.

    Returns:
        A tensor equal to `values`.
    """
    return _AddLoss.apply(values, loss)
