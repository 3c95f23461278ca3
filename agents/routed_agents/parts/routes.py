"""Routing data to the parts of any network, by a table of labels and weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Literal

import torch
from torch import nn
from torch.utils.hooks import RemovableHandle

from routed_agents.parts.exact import ExactForward, check_exact
from routed_agents.parts.hooks import ChannelHook, RouteChannels
from routed_agents.parts.parts import REST, Parts, RoutedLayer
from routed_agents.parts.weights import OFF, Current, RouteWeights
from routed_envs.errors import InputError, check_names, unknown_name

Cell = float | Literal["off"]
Given = torch.Tensor | Sequence[str] | Mapping[str, torch.Tensor | float]


class Routes:
    """Lets samples or tokens teach the parts of a network, each as its label says.

    Gradient routing in any network (Cloud et al., arXiv 2410.04332, section 3): the table says for
    each label with which weight the gradient of such a sample reaches each part. A weight that is
    not named is 1; `rest` is every channel of the parts' layers that belongs to no part. "off"
    switches a part off for such samples, forward and backward.

    ::

        routes = Routes(parts, {"forest": {"rest": 0.0}, "story": {"forest": "off"}})
        with routes(["forest", "story"]):  # Of two samples; or a tensor, see `__call__`.
            loss = cross_entropy(model(tokens), targets)
            loss.backward()

    The backward pass belongs inside the block: what activation checkpointing computes again has to
    see the labels too. Outside of it the network is as it was. With every weight 1 it is the
    network's own gradient, bit for bit.

    By default routes are at activations, as in the paper: a closed channel also keeps the gradient
    from everything below that feeds it, and the layer that reads the channel still learns to read
    it. With `exact` they are at parameters instead (selective gradient masking, arXiv 2512.05648):
    whatever a label closes gets a gradient of exactly zero from such samples, everything below
    learns in full, and `rest` is every other parameter of the network, embeddings and norms
    included. It needs no second batch, and a second forward pass of each layer.

    Attributes:
        parts: The network and its parts.
        labels: The table's labels, in its order: label 0 is the first.
        table: For each label the parts' weights, or "off".
        exact: Whether parameters are routed instead of activations.

    Raises:
        InputError: The table names a part that does not exist, or `exact` cannot be had in this
            network; the message says where.
    """

    def __init__(
        self,
        parts: Parts,
        table: Mapping[str, Mapping[str, Cell]],
        *,
        exact: bool = False,
    ) -> None:
        for row in table.values():
            check_names("part", row, (*parts.names, REST))
            _check_cells(row)
        if exact:
            check_exact(parts)
        self.parts, self.table, self.exact = parts, table, exact
        self.labels = tuple(table)
        self._current = Current()
        self._handles = [self._hook(layer) for layer in parts.layers]
        self._exact: list[nn.Module] = []
        if exact:
            self._make_exact()

    def _hook(self, layer: RoutedLayer) -> RemovableHandle:
        change = RouteChannels(self._current, layer.codes, self.exact)
        model, channels = self.parts.model, len(layer.codes)
        return ChannelHook.attach(model, layer.name, layer.side, channels, change)

    def _make_exact(self) -> None:
        for name, module in self.parts.model.named_modules():
            if module._parameters:
                module.forward = ExactForward.of(self.parts, self._current, name, module)
                self._exact.append(module)

    @contextmanager
    def __call__(
        self, labels: Given, off: Mapping[str, torch.Tensor] | None = None
    ) -> Iterator[None]:
        """Route what runs inside the block.

        Args:
            labels: Whose sample, or token, it is: int64 [B] or [B, T], the number of a label; the
                labels' names, one for each sample; or graded weights in place of the table, for
                parts by name, float [B] or [B, T] or a number; a part that is not named has 1.
            off: Parts that are off for some samples, or tokens, whatever their label says, and
                learn nothing from them: by name bool [B] or [B, T], as the labels are. The rest is
                no part.

        Raises:
            InputError: A label or a part is unknown, weights are of different shapes, what is off
                is not bool of the labels' shape, or the routes were removed.
        """
        if not self._handles:
            raise InputError("Nothing would be routed: these routes were removed, or have no part.")
        weights = self._weights(labels)
        if off:
            weights = weights.switched_off(self._off(off, weights.gradients))
        before, self._current.weights = self._current.weights, weights
        try:
            yield
        finally:
            self._current.weights = before

    def _weights(self, labels: Given) -> RouteWeights:
        names = (*self.parts.names, REST)
        if isinstance(labels, Mapping):
            check_names("part", labels, names)
            return RouteWeights.graded([labels.get(name, 1.0) for name in names])
        rows = [[self.table[label].get(name, 1.0) for name in names] for label in self.labels]
        return RouteWeights.of_table(rows, self._codes(labels))

    def _codes(self, labels: torch.Tensor | Sequence[str]) -> torch.Tensor:
        if isinstance(labels, torch.Tensor):
            return labels
        for label in labels:
            if label not in self.labels:
                raise unknown_name("label", label, self.labels)
        return torch.tensor([self.labels.index(label) for label in labels])

    def _off(self, off: Mapping[str, torch.Tensor], like: torch.Tensor) -> torch.Tensor:
        check_names("part", off, self.parts.names)
        found = torch.zeros_like(like, dtype=torch.bool)
        for name, samples in off.items():
            if samples.dtype != torch.bool or samples.shape != like.shape[:-1]:
                raise InputError(
                    f"off: {name} has {samples.dtype} of shape {tuple(samples.shape)}. Give "
                    f"torch.bool of shape {tuple(like.shape[:-1])}, as the labels are."
                )
            found[..., self.parts.names.index(name)] = samples
        return found

    def remove(self) -> None:
        """Leave the network as it was before there were routes."""
        for handle in self._handles:
            handle.remove()
        for module in self._exact:
            del module.forward
        self._handles, self._exact = [], []


def _check_cells(row: Mapping[str, Cell]) -> None:
    for name, cell in row.items():
        if not (cell == OFF or (isinstance(cell, int | float) and abs(cell) < float("inf"))):
            raise InputError(f"{name}: {cell!r} is no weight. Give a number or {OFF!r}.")
        if name == REST and cell == OFF:
            raise InputError(f"{REST} cannot be off: nothing else would be left to run.")
