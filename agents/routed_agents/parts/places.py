"""Where a part of a network lies: hidden units, heads, dimensions of the residual stream."""

from __future__ import annotations

import dataclasses
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal, Self

import torch
from torch import nn

from routed_agents.parts.writers import Writer, writers_of
from routed_envs.errors import InputError, unknown_name

Side = Literal["input", "output"]


MOST_NAMES = 20
"""Of a network with more layers an error tells those that differ by a number once."""


@dataclass(frozen=True)
class Place:
    """A layer of a network, some of whose channels belong to a part.

    A channel is an index of the last axis of the layer's input or output. Channels come in items: a
    hidden unit and a dimension have one channel each, a head has several.

    Attributes:
        layer: The layer's name in the network.
        side: Whose last axis is meant, that of the layer's input or that of its output.
        count: How many items there are.
        width: Channels of an item.
        items: Those of the part, ascending.
        writers: The layers that make the channels; none for an output.
    """

    layer: str
    side: Side
    count: int
    width: int
    items: tuple[int, ...]
    writers: tuple[Writer, ...] = ()

    @property
    def size(self) -> int:
        """How many channels the layer has there, those of the part and all others."""
        return self.count * self.width

    def channels(self) -> torch.Tensor:
        """int64, the channels of the part, ascending."""
        items = torch.tensor(self.items)
        return (items[:, None] * self.width + torch.arange(self.width)).flatten()


@dataclass(frozen=True)
class Selection(ABC):
    """Which layers, and which of their items: what the three kinds of place have in common.

    Attributes:
        layers: Names of layers, where * stands for any text and [0-4] for any of these characters.
        last: How many items, counted from the last one.
        first: How many items, counted from the first one.
        at: The items by number, from 0 on, in place of the two above.

    Raises:
        InputError: Not exactly one of `last`, `first` and `at` is given, or a number is negative.
    """

    layers: str
    last: int = 0
    first: int = 0
    at: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        given = [name for name in ("last", "first", "at") if getattr(self, name)]
        if len(given) != 1 or min(self.last, self.first, *self.at) < 0:
            raise InputError(
                f"last={self.last}, first={self.first}, at={self.at}: give one of the three, a "
                "number of items counted from either end, or the items themselves from 0 on."
            )

    def find(self, model: nn.Module) -> tuple[Place, ...]:
        """The place in every layer whose name fits, in the network's order.

        Raises:
            InputError: No name fits, or a layer has no such place; the message says what is there.
        """
        names = [name for name, _ in model.named_modules() if fnmatchcase(name, self.layers)]
        if not names:
            known = [name for name, _ in model.named_modules() if name]
            if len(known) > MOST_NAMES:
                known = [re.sub(r"(^|\.)\d+(?=\.|$)", r"\1*", name) for name in known]
            raise unknown_name("layer", self.layers, dict.fromkeys(known))
        return tuple(self.place(model, name) for name in names)

    @abstractmethod
    def place(self, model: nn.Module, name: str) -> Place:
        """The place in one layer.

        Raises:
            InputError: The layer has none of this kind, or not so many items.
        """

    def of_layer(self, name: str, items: tuple[int, ...]) -> Self:
        """The same kind of place in one layer, with these items."""
        return dataclasses.replace(self, layers=name, last=0, first=0, at=items)

    def _items(self, name: str, count: int) -> tuple[int, ...]:
        """The items that are meant, of so many."""
        wanted = max(self.last, self.first, max(self.at, default=-1) + 1)
        if wanted > count:
            kind = type(self).__name__.lower()
            raise InputError(f"{name} has {count} {kind}, and at least {wanted} are needed.")
        if self.last:
            return tuple(range(count - self.last, count))
        return tuple(range(self.first)) or tuple(sorted(set(self.at)))


@dataclass(frozen=True)
class Units(Selection):
    """Hidden units, named by the linear layers that read them.

    In a transformer's MLP that is the down projection, also where the MLP is gated:
    ``Units("model.layers.[0-4].mlp.down_proj", last=64)``.

    Attributes:
        made_by: Names of the layers beside the reader that make the units, a row each, such as
            ("gate_proj", "up_proj"). Found by their sizes if None, and asked for where more layers
            beside the reader have as many rows than can have made them.
    """

    made_by: tuple[str, ...] | None = None

    def place(self, model: nn.Module, name: str) -> Place:
        """The units that one layer reads."""
        count = _reader(model, name).in_features
        writers = writers_of(model, name, self.made_by, count, 1)
        return Place(name, "input", count, 1, self._items(name, count), writers)


@dataclass(frozen=True)
class Heads(Selection):
    """Attention heads, named by the output projections that read them.

    ``Heads("model.layers.*.self_attn.o_proj", last=1, width=64)`` is the last head of each layer.

    Attributes:
        width: Channels of a head.
        made_by: Names of the layers beside the reader that make queries, keys and values. Found by
            their sizes if None. One that makes fewer heads makes each of them for several.
        fused: How a layer that makes queries, keys and values at once orders its rows: the three
            one after the other for each head (`by head`, as in GPT-NeoX), or all queries, all keys,
            all values (`by kind`, as in GPT-2).
    """

    width: int = 0
    made_by: tuple[str, ...] | None = None
    fused: Literal["by head", "by kind"] = "by head"

    def place(self, model: nn.Module, name: str) -> Place:
        """The heads that one layer reads."""
        channels = _reader(model, name).in_features
        if self.width < 1 or channels % self.width:
            raise InputError(
                f"width={self.width}: {name} reads {channels} channels, which are no whole number "
                "of heads of that width."
            )
        count = channels // self.width
        writers = writers_of(model, name, self.made_by, count, self.width, self.fused)
        return Place(name, "input", count, self.width, self._items(name, count), writers)


@dataclass(frozen=True)
class Dimensions(Selection):
    """Dimensions of the residual stream, named by the blocks whose output they are.

    ``Dimensions("model.layers.[0-9]", at=(0,), size=512)``. Of a block that returns several things
    the first is meant. Everything before a block writes its dimensions, so they can be routed,
    measured and switched off, but not routed parameter by parameter, added or deleted.

    Attributes:
        size: How many dimensions there are.
    """

    size: int = 0

    def place(self, model: nn.Module, name: str) -> Place:
        """The dimensions of one block's output."""
        return Place(name, "output", self.size, 1, self._items(name, self.size))


def _reader(model: nn.Module, name: str) -> nn.Linear:
    """The layer that reads the channels."""
    layer = model.get_submodule(name)
    if not isinstance(layer, nn.Linear):
        below = layer.named_modules(prefix=name)
        inside = ", ".join(name for name, found in below if isinstance(found, nn.Linear))
        raise InputError(
            f"{name} is no linear layer but a {type(layer).__name__}. Name the nn.Linear that "
            f"reads what is meant{f': one of {inside}' if inside else ''}."
        )
    return layer
