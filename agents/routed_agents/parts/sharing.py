"""Copies of a routed network that are routed no more, and a network without some of its parts."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import nn

from routed_agents.parts.exact import ExactForward
from routed_agents.parts.hooks import Change, ChannelHook, RouteChannels, SilenceChannels
from routed_agents.parts.parts import Parts
from routed_agents.parts.places import Place
from routed_envs.errors import InputError


def own_copy(model: nn.Module, *, share: bool = False) -> nn.Module:
    """A copy of a network to which no routes apply.

    Args:
        model: The network.
        share: Whether the copy has the network's own parameters and buffers.
    """
    tensors = [*model.parameters(), *model.buffers()] if share else []
    copied = copy.deepcopy(model, {id(tensor): tensor for tensor in tensors})
    for module in copied.modules():
        for hooks in (module._forward_pre_hooks, module._forward_hooks):
            for key in [key for key, hook in hooks.items() if _routes(hook)]:
                del hooks[key]
        if isinstance(module.__dict__.get("forward"), ExactForward):
            del module.forward
    return copied


def without(parts: Parts, *names: str) -> nn.Module:
    """The network with some parts switched off: it shares the weights, so it costs no memory.

    Access control: one training serves as many profiles as there are sets of parts. What has to
    leave the house is `ablate`'s network, in which the weights do not exist.

    Args:
        parts: A network and its parts.
        names: Those to switch off; nobody, and it is the network itself, unrouted.

    Raises:
        InputError: A name is unknown.
    """
    guarded = own_copy(parts.model, share=True)
    for _, place in parts.places_of(names):
        silence = SilenceChannels(place.channels())
        ChannelHook.attach(guarded, place.layer, place.side, place.size, silence)
    return guarded


@torch.no_grad()
def usage(parts: Parts, *inputs: Any, **options: Any) -> dict[str, torch.Tensor]:
    """How strongly each part acts: the mean size of its activations, over its layers and channels.

    Args:
        parts: A network and its parts.
        inputs: What the network takes.
        options: The same by name.

    Returns:
        For each part float [B, ...], all axes of its activations but the last.

    Raises:
        InputError: A part's layers have activations of different shapes, or do not run.
    """
    found: dict[str, list[torch.Tensor]] = {name: [] for name in parts.names}
    handles = [
        ChannelHook.attach(
            parts.model, place.layer, place.side, place.size, _listener(place, found[name])
        )
        for name, place in parts.places_of(parts.names)
    ]
    try:
        parts.model(*inputs, **options)
    finally:
        for handle in handles:
            handle.remove()
    return {name: _mean(name, sizes) for name, sizes in found.items()}


def _routes(hook: object) -> bool:
    return isinstance(hook, ChannelHook) and isinstance(hook.change, RouteChannels)


def _listener(place: Place, found: list[torch.Tensor]) -> Change:
    channels = place.channels()

    def listen(values: torch.Tensor) -> None:
        found.append(values.index_select(-1, channels.to(values.device)).abs().mean(-1))

    return listen


def _mean(name: str, sizes: list[torch.Tensor]) -> torch.Tensor:
    if len({size.shape for size in sizes}) != 1:
        shapes = sorted({tuple(size.shape) for size in sizes})
        raise InputError(f"{name}: its layers gave activations of shapes {shapes}, not of one.")
    return torch.stack(sizes).mean(0)
