"""Routing at parameters: what is closed gets a gradient of exactly zero, in mixed batches too."""

from __future__ import annotations

import copy
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, TypeGuard

import torch
from torch import nn
from torch.func import functional_call
from torch.nn.functional import linear

from routed_agents.parts.parts import Parts
from routed_agents.parts.weights import Current, RouteWeights
from routed_agents.routing import route
from routed_envs.errors import InputError


def check_exact(parts: Parts) -> None:
    """Refuse networks whose parameters cannot be told apart.

    Raises:
        InputError: Parts are dimensions of a stream, nobody is known to make a part's units, or a
            layer has parameters beside other layers, statistics of its own, or a forward pass that
            was replaced; or a linear one of a part has one of its own.
    """
    for name, place in parts.places_of(parts.names):
        if place.side == "output":
            raise InputError(
                f"{name}: dimensions have no parameters of their own. exact=False can."
            )
        if not place.writers:
            raise InputError(
                f"{name}: nobody is found who makes what {place.layer} reads. Say which layers do: "
                "made_by=(...)."
            )
        for layer in (place.layer, *(writer.name for writer in place.writers)):
            if not _is_linear(parts.model.get_submodule(layer)):
                raise InputError(
                    f"{name}: {layer} has a forward pass of its own, which cannot be taken apart "
                    "into channels. exact=False can use it."
                )
    for name, module in parts.model.named_modules():
        if module._parameters and next(module.children(), None) is not None:
            raise InputError(
                f"{name or 'The network'} has parameters of its own beside other layers, so they "
                "cannot be routed. Put them into a module of their own."
            )
        if module._parameters and "forward" in vars(module):
            raise InputError(
                f"The forward pass of {name} was replaced, by other exact routes perhaps: remove() "
                "them first."
            )
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            raise InputError(f"{name} keeps statistics of whole batches. exact=False can use it.")


@dataclass(frozen=True, eq=False)
class ExactForward:
    """A layer's forward pass, in which its parameters learn only what their parts may.

    What goes through the layer does so with its parameters held fixed, so that everything below
    learns in full; what they learn comes from a second pass over inputs that are held fixed.

    Attributes:
        current: The labels that hold.
        rest: The number of what belongs to no part.
        layer: The layer.
        rows: int64 [outputs], the part of each row of a linear layer's weight.
        columns: The same of its columns, part by part: the number and int64 indices.
    """

    current: Current
    rest: int
    layer: nn.Module
    rows: torch.Tensor
    columns: tuple[tuple[int, torch.Tensor], ...]

    @classmethod
    def of(cls, parts: Parts, current: Current, name: str, layer: nn.Module) -> ExactForward:
        """The forward pass of one layer of the parts' network."""
        rest = len(parts.names)
        if not _is_linear(layer):
            return cls(current, rest, layer, torch.tensor(rest), ())
        rows = torch.full((layer.out_features,), rest)
        columns = torch.full((layer.in_features,), rest)
        for part, place in parts.places_of(parts.names):
            code = parts.names.index(part)
            if place.layer == name:
                columns[place.channels()] = code
            for writer in place.writers:
                if writer.name == name:
                    groups = torch.tensor(writer.groups_of(place.items))
                    rows[torch.isin(writer.group_of_rows(), groups)] = code
        of_part = ((int(code), (columns == code).nonzero()[:, 0]) for code in columns.unique())
        return cls(current, rest, layer, rows, tuple(of_part))

    def __deepcopy__(self, memo: dict[int, Any]) -> ExactForward:
        """The same of a copy of the layer, whose labels are the same."""
        layer = copy.deepcopy(self.layer, memo)
        return ExactForward(self.current, self.rest, layer, self.rows, self.columns)

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        """What the layer returns."""
        now = self.current.weights
        if now is None or not torch.is_grad_enabled():
            return type(self.layer).forward(self.layer, *inputs, **options)
        if _is_linear(self.layer):
            return self._linear(self.layer, inputs[0], now)
        return self._any(inputs, options, now)

    def _linear(self, layer: nn.Linear, inputs: torch.Tensor, now: RouteWeights) -> torch.Tensor:
        bias = layer.bias
        through = linear(inputs, layer.weight.detach(), None if bias is None else bias.detach())
        fixed = inputs.detach()
        learned = torch.zeros_like(through)
        for code, columns in self.columns:
            made = linear(fixed[..., columns], layer.weight[:, columns])
            codes = torch.where(self.rows == self.rest, code, self.rows)
            learned = learned + route(made, now.spread(now.gradients, codes, made))
        if bias is not None:
            spread = now.spread(now.gradients, self.rows, through)
            learned = learned + route(bias.expand_as(through), spread)
        return through + (learned - learned.detach())

    def _any(self, inputs: tuple[Any, ...], options: Any, now: RouteWeights) -> torch.Tensor:
        layer = _bare(self.layer)
        held = tuple(_held(value) for value in inputs)
        learned = layer(*held, **{name: _held(value) for name, value in options.items()})
        if not isinstance(learned, torch.Tensor):
            raise InputError(
                f"A {type(layer).__name__} returns several things, so that its parameters cannot "
                "be routed. exact=False can use it."
            )
        codes = self.rows.expand(learned.shape[-1])
        learned = route(learned, now.spread(now.gradients, codes, learned))
        given = (*inputs, *options.values())
        if not any(isinstance(value, torch.Tensor) and value.requires_grad for value in given):
            return learned
        fixed = {name: value.detach() for name, value in layer.named_parameters()}
        through = functional_call(layer, fixed, inputs, options)
        return through + (learned - learned.detach())


def _is_linear(layer: nn.Module) -> TypeGuard[nn.Linear]:
    """Whether it computes what `nn.Linear` does; classes derived from that may do more."""
    return type(layer).forward is nn.Linear.forward


def _bare(layer: nn.Module) -> nn.Module:
    """The layer with its own forward pass, which nobody listens to."""
    bare = copy.copy(layer)
    del bare.forward
    bare._forward_hooks, bare._forward_pre_hooks = OrderedDict(), OrderedDict()
    return bare


def _held(value: Any) -> Any:
    """A value through which nothing is learnt."""
    return value.detach() if isinstance(value, torch.Tensor) else value
