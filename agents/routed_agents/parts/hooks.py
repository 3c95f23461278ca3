"""Looking at a layer's channels, and changing them, in every forward pass."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.utils.hooks import RemovableHandle

from routed_agents.parts.places import Side
from routed_agents.parts.weights import Current
from routed_agents.routing import route
from routed_envs.errors import InputError

Change = Callable[[torch.Tensor], torch.Tensor | None]


@dataclass(frozen=True, eq=False)
class ChannelHook:
    """Hands a layer's input or output to a function, and takes what it returns in its place.

    Attributes:
        side: The input or the output; the first one, where there are several.
        channels: How many there are.
        change: Takes float [B, ..., C], and returns the same, or None to leave it.
    """

    side: Side
    channels: int
    change: Change

    @classmethod
    def attach(
        cls, model: nn.Module, layer: str, side: Side, channels: int, change: Change
    ) -> RemovableHandle:
        """Let a layer of a network call the function in every forward pass."""
        module = model.get_submodule(layer)
        hook = cls(side, channels, change)
        if side == "input":
            return module.register_forward_pre_hook(hook)
        return module.register_forward_hook(hook)

    def __call__(self, module: nn.Module, given: Any, output: Any = None) -> Any:
        """What the layer is to take, or to give; None to leave it.

        Raises:
            InputError: It has another number of channels.
        """
        values = given if self.side == "input" else output
        several = isinstance(values, tuple)
        first = values[0] if several else values
        if first.shape[-1] != self.channels:
            raise InputError(
                f"The {self.side} of a {type(module).__name__} has {first.shape[-1]} channels, and "
                f"its parts were told of {self.channels}: give size={first.shape[-1]}."
            )
        changed = self.change(first)
        if changed is None:
            return None
        return (changed, *values[1:]) if several else changed


@dataclass(frozen=True, eq=False)
class RouteChannels:
    """Routes the channels of a layer while labels are set, and switches parts off.

    Attributes:
        current: The labels that hold.
        codes: int64 [C], each channel's part.
        exact: Whether the gradients are left alone, because parameters are routed.
    """

    current: Current
    codes: torch.Tensor
    exact: bool

    def __call__(self, values: torch.Tensor) -> torch.Tensor | None:
        """The channels, routed."""
        now = self.current.weights
        if now is None:
            return None
        if now.factors is not None:
            values = values * now.spread(now.factors, self.codes, values)
        if self.exact:
            return values
        return route(values, now.spread(now.gradients, self.codes, values))


@dataclass(frozen=True, eq=False)
class SilenceChannels:
    """Sets channels to zero.

    Attributes:
        channels: int64, which.
    """

    channels: torch.Tensor

    def __call__(self, values: torch.Tensor) -> torch.Tensor:
        """The values with zeros in these channels."""
        return values.index_fill(-1, self.channels.to(values.device), 0.0)
