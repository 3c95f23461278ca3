"""The gate's memory: the last steps of overseen episodes, from which it learns where it judges."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from routed_agents.methods.record import GateMemory, Memory
from routed_agents.methods.table import Table
from routed_agents.rollout import Rollout


@dataclass(frozen=True)
class GateBatch:
    """What the gate learns from, where that is not the batch itself.

    Attributes:
        observations: [B, *observation_shape].
        targets: int64 [B], whom it should call on.
    """

    observations: torch.Tensor
    targets: torch.Tensor


def remember(
    rule: GateMemory, memory: Memory, rollout: Rollout, told: torch.Tensor, table: Table
) -> Memory:
    """The memory with a rollout's endings that have a target.

    Args:
        rule: How many are kept.
        memory: `observations`, int8 [M, *observation_shape], and `targets`, int64 [M]; at first
            empty.
        rollout: T steps of N environments.
        told: int64 [T, N], what the method is told where episodes ended.
        table: Says which labels have a target, and whom.
    """
    where = rollout.ended & table.has_target[told].bool()
    found = {
        "observations": rollout.seen(where),
        "targets": table.target[told[where]],
    }
    return {
        name: torch.cat((memory.get(name, new[:0]), new))[-rule.remembered :]
        for name, new in found.items()
    }


def draw(
    rule: GateMemory,
    memory: Memory,
    generator: torch.Generator,
    prepare: Callable[[torch.Tensor], torch.Tensor] = torch.Tensor.float,
) -> GateBatch | None:
    """A batch of remembered endings, with repetitions; None while there are none.

    Args:
        rule: How many, and how likely a channel is left out.
        memory: What `remember` keeps.
        generator: Draws both.
        prepare: Makes of remembered observations [B, ...] what the gate takes.
    """
    targets = memory["targets"]
    if len(targets) == 0:
        return None
    picked = torch.randint(len(targets), (rule.batch,), generator=generator, device=targets.device)
    seen = prepare(memory["observations"][picked])
    return GateBatch(drop_channels(seen, rule.dropout, generator), targets[picked])


def drop_channels(
    observations: torch.Tensor, dropout: float, generator: torch.Generator
) -> torch.Tensor:
    """Observations [B, C, ...] of which each channel is zeros with probability `dropout`.

    Of flat ones, [B, features], each number is a channel.
    """
    if dropout == 0:
        return observations
    shape, device = observations.shape[:2], observations.device
    kept = torch.rand(shape, generator=generator, device=device) >= dropout
    return observations * kept.view(*shape, *(1,) * (observations.dim() - 2))
