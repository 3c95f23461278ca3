"""The network of the study `unlearn`: where the units of topics lie in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from fnmatch import fnmatch

import torch
from torch import nn

from routed_agents import Parts, Units, expand
from routed_rl.studies.language.small_gpt import SmallGPT
from routed_rl.studies.unlearn.unlearn_methods import CORE, UNLEARN_METHODS
from routed_rl.study_configs.unlearn_config import UnlearnConfig

READERS = "blocks.*.mlp.down"
"""The layers that read hidden units."""


def make_network(config: UnlearnConfig, vocabulary: int) -> SmallGPT:
    """A network with fresh weights, the units of topics among them."""
    network = SmallGPT(
        vocabulary, config.context, config.width, config.layers, config.heads, config.hidden
    )
    added = added_units(config)
    if added:
        expand(network, {"added": Units(READERS, last=added * len(config.topics))}, fresh=True)
    return network


def added_units(config: UnlearnConfig) -> int:
    """Units that each topic has in each MLP."""
    kind = UNLEARN_METHODS[config.method].parts
    return {"none": 0, "some": config.part_units, "experts": config.hidden}[kind]


def unlearn_network(config: UnlearnConfig, weights: Mapping[str, torch.Tensor]) -> SmallGPT:
    """The network of a run for weights of it, by name."""
    return make_network(config, weights["tokens.weight"].shape[0])


@contextmanager
def hidden_units(model: nn.Module) -> Iterator[list[torch.Tensor]]:
    """What the layers that read hidden units read inside the block, float [B, T, hidden] each."""
    found: list[torch.Tensor] = []

    def listen(_: nn.Module, inputs: tuple[torch.Tensor]) -> None:
        found.append(inputs[0])

    readers = [module for name, module in model.named_modules() if fnmatch(name, READERS)]
    handles = [module.register_forward_pre_hook(listen) for module in readers]
    try:
        yield found
    finally:
        for handle in handles:
            handle.remove()


def topic_parts(model: nn.Module, config: UnlearnConfig) -> Parts:
    """The units of the topics, and of everybody where topics have experts."""
    first, added = config.hidden, added_units(config)
    where = {
        topic: Units(READERS, at=tuple(range(first + i * added, first + (i + 1) * added)))
        for i, topic in enumerate(config.topics)
        if added
    }
    if UNLEARN_METHODS[config.method].parts == "experts":
        where[CORE] = Units(READERS, first=first)
    return Parts(model, where)
