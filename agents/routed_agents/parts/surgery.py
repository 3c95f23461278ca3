"""Adding units and heads to a network, and deleting them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn

from routed_agents.parts.parts import Parts, Removed
from routed_agents.parts.places import Place, Selection
from routed_agents.parts.sharing import own_copy
from routed_agents.parts.writers import other_readers
from routed_envs.errors import InputError

COUNTS = ("num_heads", "n_head", "num_attention_heads", "num_key_value_heads")
"""Numbers of heads that attention layers keep, which follow what is added or deleted."""


@torch.no_grad()
def expand(
    model: nn.Module,
    where: Mapping[str, Selection],
    *,
    fresh: bool = False,
    generator: torch.Generator | None = None,
) -> Parts:
    """Add units or heads to a network, as many as each selection has `last`, and name them.

    The network is changed in place, and its new parameters need a new optimizer. What makes the new
    units starts as random as the old ones are. Nothing reads them at first, so that a trained
    network computes what it did before.

    Args:
        model: The network.
        where: For each part `Units` or `Heads` with `last`.
        fresh: Whether what reads the new units starts random too, for training from scratch.
        generator: Draws the new weights, on the CPU.

    Returns:
        The parts.

    Raises:
        InputError: A selection has no `last`, finds nothing, is of dimensions, or nobody is known
            who makes what it reads; or several layers may read it.
    """
    places: list[tuple[str, Place]] = []
    for name, selection in where.items():
        if not selection.last:
            raise InputError(f"{name}: new units come last. Say how many: last=64, for example.")
        found = _any_item(selection).find(model)
        places += [(name, place) for place in found]
        for place in found:
            _check_shares(place, selection.last)
    _check_surgery(model, places)
    added: dict[str, list[Selection]] = {name: [] for name in where}
    for name, selection in where.items():
        for place in _any_item(selection).find(model):
            _grow(model, place, selection.last, fresh, generator)
            items = tuple(range(place.count, place.count + selection.last))
            added[name].append(selection.of_layer(place.layer, items))
    return Parts(model, added)


@torch.no_grad()
def ablate(parts: Parts, *names: str) -> Parts:
    """A smaller network without some of its parts: the weights of their units are deleted.

    Source: the ablation of expand, route, ablate (Cloud et al., arXiv 2410.04332, section 4.2.2).
    The smaller network computes what `without` computes.

    Args:
        parts: A network and its parts, which stay as they are.
        names: Those to delete.

    Returns:
        A network of its own with the parts that are left; `removed` says what was deleted.

    Raises:
        InputError: No name is given, or an unknown one; or a part cannot be deleted: dimensions of
            a stream, units of which nobody is known who makes them or that several layers may
            read, heads that share their keys with heads that stay.
    """
    if not names:
        raise InputError(f"Name the parts to delete, of {', '.join(parts.names)}.")
    names = tuple(dict.fromkeys(names))
    model, removed = own_copy(parts.model), list(parts.removed)
    gone: dict[str, set[int]] = {}
    places = {}
    _check_surgery(model, parts.places_of(names))
    for name, place in parts.places_of(names):
        gone.setdefault(place.layer, set()).update(place.items)
        removed.append(Removed(name, place.layer, len(place.items), place.count))
        places[place.layer] = place
    for layer, place in places.items():
        _delete(model, place, tuple(sorted(gone[layer])))
    left = {
        name: [
            selection.of_layer(place.layer, _moved(place, gone.get(place.layer, set())))
            for selection, place in parts.places[name]
        ]
        for name in parts.names
        if name not in names
    }
    return Parts(model, left, tuple(removed))


def _check_surgery(model: nn.Module, places: Sequence[tuple[str, Place]]) -> None:
    """Refuse places, each with the name of its part, whose items cannot be added or deleted."""
    readers: dict[str, str] = {}
    for name, place in places:
        if place.side == "output":
            raise InputError(f"{name}: the dimensions of a stream cannot be added or deleted.")
        if not place.writers:
            raise InputError(
                f"{name}: nobody is found who makes what {place.layer} reads. Say which layers "
                "beside it do: made_by=(...)."
            )
        others = set(other_readers(model, place.layer, place.writers))
        others |= {readers.setdefault(writer.name, place.layer) for writer in place.writers}
        if others - {place.layer}:
            raise InputError(
                f"{name}: {', '.join(sorted(others | {place.layer}))} may read the same units, "
                "which can be added or deleted only where one layer reads them. To switch a part "
                f"off, use without(parts, {name!r})."
            )


def _check_shares(place: Place, number: int) -> None:
    for writer in place.writers:
        if number % writer.share:
            raise InputError(
                f"{writer.name} makes each of its heads for {writer.share}: add a multiple of "
                f"{writer.share} heads instead of {number}."
            )


def _any_item(selection: Selection) -> Selection:
    """The same layers, however few items they have."""
    return selection.of_layer(selection.layers, (0,))


def _moved(place: Place, gone: set[int]) -> tuple[int, ...]:
    """The numbers that a place's items have when others are gone."""
    return tuple(item - sum(other < item for other in gone) for item in place.items)


def _grow(
    model: nn.Module, place: Place, number: int, fresh: bool, generator: torch.Generator | None
) -> None:
    """Add items at the end of what a layer reads."""
    reader = _linear(model, place.layer)
    columns = _like(reader.weight, (reader.out_features, number * place.width), generator)
    _set(reader, torch.cat([reader.weight, columns if fresh else columns.zero_()], 1), reader.bias)
    groups = {}
    for writer in place.writers:
        layer = _linear(model, writer.name)
        groups[writer.groups] = writer.groups + number // writer.share

        def grown(values: torch.Tensor, writer=writer) -> torch.Tensor:
            blocks = writer.blocks(values)
            more = (writer.kinds, number // writer.share, *blocks.shape[2:])
            together = torch.cat([blocks, _like(values, more, generator)], 1)
            return together.reshape(-1, *values.shape[1:])

        _set(layer, grown(layer.weight), None if layer.bias is None else grown(layer.bias))
    _count_heads(model, place, {place.count: place.count + number, **groups})


def _delete(model: nn.Module, place: Place, items: tuple[int, ...]) -> None:
    """Delete items of what a layer reads."""
    reader = _linear(model, place.layer)
    channels = torch.ones(place.count, place.width, dtype=torch.bool)
    channels[list(items)] = False
    _set(reader, reader.weight[:, channels.flatten()], reader.bias)
    counts = {}
    for writer in place.writers:
        groups = writer.groups_of(items)
        if len(groups) * writer.share != len(items):
            raise InputError(
                f"{place.layer}: heads {', '.join(map(str, items))} share rows of {writer.name} "
                f"with heads that stay. Delete all {writer.share} that share."
            )
        kept = [group for group in range(writer.groups) if group not in groups]
        counts[writer.groups] = len(kept)
        layer = _linear(model, writer.name)
        bias = None if layer.bias is None else writer.blocks(layer.bias)[:, kept].flatten()
        _set(layer, writer.blocks(layer.weight)[:, kept].flatten(0, 2), bias)
    _count_heads(model, place, {place.count: place.count - len(items), **counts})


def _linear(model: nn.Module, name: str) -> nn.Linear:
    layer = model.get_submodule(name)
    assert isinstance(layer, nn.Linear), "a place was found by it"
    return layer


def _like(values: torch.Tensor, shape: tuple[int, ...], generator: Any) -> torch.Tensor:
    """Random numbers that spread as given ones do."""
    drawn = torch.randn(shape, generator=generator).to(values)
    spread = values.std() if values.numel() > 1 else 0.0
    return drawn * spread + values.mean()


def _set(layer: nn.Linear, weight: torch.Tensor, bias: torch.Tensor | None) -> None:
    """Give a linear layer another size."""
    learns = layer.weight.requires_grad
    layer.weight = nn.Parameter(weight.clone(), requires_grad=learns)
    if bias is not None:
        layer.bias = nn.Parameter(bias.clone(), requires_grad=learns)
    layer.out_features, layer.in_features = weight.shape


def _count_heads(model: nn.Module, place: Place, counts: Mapping[int, int]) -> None:
    """Tell an attention layer how many heads it has now."""
    if place.width == 1:
        return
    attention = model.get_submodule(place.layer.rpartition(".")[0])
    for name in COUNTS:
        if getattr(attention, name, None) in counts:
            setattr(attention, name, counts[getattr(attention, name)])
