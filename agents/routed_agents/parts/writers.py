"""Which rows of which layers make the channels that another layer reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import torch
from torch import nn

from routed_envs.errors import InputError, check_names

GATED = 2
"""The layers that make the units of a gated MLP."""


@dataclass(frozen=True)
class Writer:
    """A linear layer that makes the items of a place, some rows of its weight for each.

    The rows are `kinds` blocks of `groups` times `height` rows; an item has the same group in each
    block. A group serves `share` items: more than one where heads share their keys and values.

    Attributes:
        name: The layer's, in the network.
        kinds: 3 where queries, keys and values lie one after the other, otherwise 1.
        groups: How many groups there are.
        height: Rows of a group in one block.
        share: Items that a group serves.
    """

    name: str
    kinds: int
    groups: int
    height: int
    share: int

    def group_of_rows(self) -> torch.Tensor:
        """int64 [rows], the group that each row belongs to."""
        return torch.arange(self.groups).repeat_interleave(self.height).repeat(self.kinds)

    def groups_of(self, items: tuple[int, ...]) -> tuple[int, ...]:
        """The groups that serve these items and no others, ascending."""
        mine = set(items)
        served = range(self.share)
        return tuple(
            group
            for group in range(self.groups)
            if all(group * self.share + item in mine for item in served)
        )

    def blocks(self, weight: torch.Tensor) -> torch.Tensor:
        """A weight [rows, ...] as [kinds, groups, height, ...]."""
        return weight.view(self.kinds, self.groups, self.height, *weight.shape[1:])


def writers_of(
    model: nn.Module,
    reader: str,
    names: tuple[str, ...] | None,
    items: int,
    width: int,
    fused: str = "by head",
) -> tuple[Writer, ...]:
    """The layers that make what a layer reads.

    Args:
        model: The network.
        reader: The name of the layer that reads.
        names: Those of the layers that make it, in the same module as the reader; looked for there
            if None.
        items: How many items it reads.
        width: Channels of an item.
        fused: The order of rows where a layer makes three kinds at once (`Heads`).

    Returns:
        Nothing if none is named, and none found.

    Raises:
        InputError: A name is unknown, the layer of this name cannot make such items, or several
            layers might make them.
    """
    above, _, own = reader.rpartition(".")
    parent = model.get_submodule(above)
    beside = {name: layer for name, layer in parent.named_children() if name != own}
    check_names(f"layer beside {reader}", names or (), beside)
    wanted = tuple(_nearest(parent, own)) if names is None else names
    prefix = f"{above}." if above else ""
    found = {name: _writer(prefix + name, beside[name], items, width, fused) for name in wanted}
    fitting = {name: writer for name, writer in found.items() if writer is not None}
    unfit = next((name for name in names or () if name not in fitting), None)
    if unfit is not None:
        raise InputError(
            f"{unfit} cannot make the {items} items of {width} channels that {reader} reads: it is "
            f"{beside[unfit]}."
        )
    if names is None and width == 1:
        _refuse_doubt(reader, {name: beside[name] for name in fitting})
    return tuple(fitting.values())


def other_readers(model: nn.Module, reader: str, writers: Sequence[Writer]) -> tuple[str, ...]:
    """The linear layers beside a reader that may read the same channels, by their sizes.

    Args:
        model: The network.
        reader: The name of the layer that reads.
        writers: Those that make what it reads.

    Returns:
        The names of those that take as many channels and for which nothing else is found to read.
    """
    above, _, own = reader.rpartition(".")
    parent, makers = model.get_submodule(above), [writer.name for writer in writers]
    if isinstance(parent, nn.Sequential):
        return ()
    prefix = f"{above}." if above else ""
    beside = {
        prefix + name: layer
        for name, layer in parent.named_children()
        if isinstance(layer, nn.Linear)
    }
    size = beside[prefix + own].in_features
    square = any(beside[name].in_features == size for name in makers)
    makes = {n for n, layer in beside.items() if layer.out_features == size and n not in makers}

    def reads_another(name: str) -> bool:
        """Whether it may follow the reader, or lie before the writers, or have another writer."""
        if reader in makes or (square and name in makes):
            return True
        # Where the writers read as many channels, others of that number are made for them.
        return not square and bool(makes - {name})

    return tuple(
        name
        for name, layer in beside.items()
        if name not in (reader, *makers) and layer.in_features == size and not reads_another(name)
    )


def _refuse_doubt(reader: str, fitting: Mapping[str, nn.Module]) -> None:
    """Refuse layers that fit by their size alone: units are made by one, or by two from one input.

    Raises:
        InputError: There are more, or they read different things.
    """
    reads = {layer.in_features for layer in fitting.values() if isinstance(layer, nn.Linear)}
    if len(fitting) > GATED or len(reads) > 1:
        raise InputError(
            f"{', '.join(fitting)}: each has as many rows as {reader} reads, and no more than two "
            "that read the same can make its units. Say which do: made_by=(...)."
        )


def _nearest(parent: nn.Module, own: str) -> Iterator[str]:
    """Layers that may make what their neighbour reads; in a sequence the one before it alone."""
    layers = dict(parent.named_children())
    if not isinstance(parent, nn.Sequential):
        yield from (name for name in layers if name != own)
        return
    before = list(layers)[: list(layers).index(own)]
    # A layer between that has parameters, such as a norm, has some for each unit.
    learning = (name for name in reversed(before) if any(True for _ in layers[name].parameters()))
    yield from islice(learning, 1)


def _writer(name: str, layer: nn.Module, items: int, width: int, fused: str) -> Writer | None:
    """The layer as a writer of such items; None if its size does not fit."""
    if not isinstance(layer, nn.Linear) or layer.out_features % width:
        return None
    made = layer.out_features // width
    if made == items:
        return Writer(name, 1, items, width, 1)
    if width > 1 and made == 3 * items:
        by_head = fused == "by head"
        return Writer(name, 1 if by_head else 3, items, width * (3 if by_head else 1), 1)
    if width > 1 and items % made == 0:
        return Writer(name, 1, made, width, items // made)
    return None
