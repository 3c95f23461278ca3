"""Named parts of any network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import nn

from routed_agents.parts.places import Place, Selection, Side
from routed_envs.errors import InputError, check_names

REST = "rest"
"""The name of what belongs to no part."""


@dataclass(frozen=True)
class RoutedLayer:
    """A layer, and which of its channels belong to which part.

    Attributes:
        name: The layer's, in the network.
        side: Whose last axis is meant, that of its input or that of its output.
        codes: int64 [channels], the number of the part in `Parts.names`; the number of parts is
            the rest.
    """

    name: str
    side: Side
    codes: torch.Tensor


@dataclass(frozen=True)
class Removed:
    """What `ablate` took away from a layer.

    Attributes:
        part: The part that had it.
        layer: The layer that read it, by name.
        items: Units or heads that it had.
        of: How many of them the layer read before.
    """

    part: str
    layer: str
    items: int
    of: int


@dataclass(frozen=True, eq=False)
class Parts:
    """A network whose pieces have names, so that data can be routed to them.

    ::

        Parts(model, {"forest": Units("blocks.*.mlp.down", last=64)})
        Parts(model, {"sea": [Units("blocks.*.mlp.down", first=32), Heads(...)], "forest": ...})

    Whatever belongs to no part is the `rest`.

    Attributes:
        model: The network; it is not changed.
        where: For each part, one selection or several.
        removed: What `ablate` took away.

    Raises:
        InputError: A part is called `rest`, two have a channel in common, a layer's
            channels are counted in units and in heads, or a selection finds nothing.
    """

    model: nn.Module
    where: Mapping[str, Selection | Sequence[Selection]]
    removed: tuple[Removed, ...] = ()
    places: Mapping[str, tuple[tuple[Selection, Place], ...]] = field(init=False, repr=False)
    layers: tuple[RoutedLayer, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if REST in self.where:
            raise InputError(f"No part can be called {REST!r}: that is what belongs to none.")
        places = {
            name: tuple((one, place) for one in _several(wheres) for place in one.find(self.model))
            for name, wheres in self.where.items()
        }
        object.__setattr__(self, "places", places)
        object.__setattr__(self, "layers", self._find_layers())

    @property
    def names(self) -> tuple[str, ...]:
        """The parts' names, without the rest."""
        return tuple(self.where)

    def check(self, names: Sequence[str]) -> None:
        """Refuse names that are no parts.

        Raises:
            InputError: A name is unknown.
        """
        check_names("part", names, self.names)

    def places_of(self, names: Sequence[str]) -> list[tuple[str, Place]]:
        """The places of some parts, each with the name of its part."""
        self.check(names)
        return [(name, place) for name in names for _, place in self.places[name]]

    def _find_layers(self) -> tuple[RoutedLayer, ...]:
        found: dict[tuple[str, Side], RoutedLayer] = {}
        widths: dict[tuple[str, Side], int] = {}
        for name, place in self.places_of(self.names):
            key = (place.layer, place.side)
            rest = torch.full((place.size,), len(self.names))
            layer = found.setdefault(key, RoutedLayer(*key, rest))
            if widths.setdefault(key, place.width) != place.width:
                raise InputError(f"{place.layer} is counted in units and in heads. Choose one.")
            taken = layer.codes[place.channels()]
            if (taken != len(self.names)).any():
                other = self.names[int(taken.min())]
                raise InputError(f"{name} and {other} have channels of {place.layer} in common.")
            layer.codes[place.channels()] = self.names.index(name)
        return tuple(found.values())


def _several(where: Selection | Sequence[Selection]) -> Sequence[Selection]:
    return (where,) if isinstance(where, Selection) else where
