"""A policy's numbers as text for a page: its weights or its tables, whichever is smaller."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import numpy as np
import torch

from routed_agents.policies.networks import RoutedPolicyNetwork
from routed_agents.policies.policy import Policy
from routed_envs.errors import InputError
from routed_envs.gridworld.world import DiamondGhostWorld
from routed_rl.pictures.explorer.sources import Source, Stage

MOST_BYTES = 2_500_000
"""How large a page may be for each policy in it."""
PAGE_BYTES = 150_000
"""What of that is kept for the page itself."""

Form = Literal["weights", "tables"]


def pack(source: Source[DiamondGhostWorld]) -> dict[str, Any]:
    """Put a policy's stages into the smaller of the two exact forms.

    Weights are what the network computes from. Tables hold each expert's logits, and the gate's,
    for everything that the agent can see; every steering is a mixture of them.

    Args:
        source: The policy and its stages. If they are too many, the last one is kept, and of the
            others as many as fit, evenly spaced.

    Returns:
        What the page reads: `form`; `tensors`, names and shapes of the parts of each stage's
        numbers, in order; `stages`, each with its `update`, the gradient steps if known, and its
        float32 `numbers` in base 64; `leftOut`, how many stages were too many for the page.

    Raises:
        InputError: Not even the finished policy fits, or a stage is another network than it.
    """
    form, count = _smaller_form(source.policy, source.world)
    each = 4 * -(-4 * count // 3)  # Base 64 writes three bytes with four letters.
    fitting = (MOST_BYTES - PAGE_BYTES) // each
    if fitting < 1:
        raise InputError(_too_large(source, each))
    stages = evenly(source.stages, fitting)
    return {
        "form": form,
        "tensors": [
            [n, list(part.shape)] for n, part in _numbers(source.policy, source.world, form)
        ],
        "stages": [
            {"update": stage.update, "numbers": _stage_text(source, stage, form)}
            for stage in stages
        ],
        "leftOut": len(source.stages) - len(stages),
    }


def _stage_text(source: Source[DiamondGhostWorld], stage: Stage, form: Form) -> str:
    """A stage's numbers, if it is the same network as the finished policy."""
    policy = stage.policy()
    if policy.network.settings != source.policy.network.settings:
        raise InputError(
            f"{stage.kept} holds another network than the finished policy of {source.name}. "
            "Remove the folder snapshots, or train again with --overwrite."
        )
    return numbers_text([part for _, part in _numbers(policy, source.world, form)])


def evenly(stages: Sequence[Stage], most: int) -> list[Stage]:
    """At most so many of the stages: the last one, and of the others evenly spaced ones."""
    if len(stages) <= most:
        return list(stages)
    if most == 1:
        return [stages[-1]]
    last = len(stages) - 1
    return [stages[index * last // (most - 1)] for index in range(most)]


def observation_count(world: DiamondGhostWorld) -> int | None:
    """How many different things the agent can see; None if oversight may be anywhere."""
    if world.spurious_oversight > 0 and not world.hidden_oversight:
        return None
    placements = world.cells * (world.cells - 1) * (world.cells - 2)
    return placements * (1 if world.hidden_oversight else 4)


def _smaller_form(policy: Policy, world: DiamondGhostWorld) -> tuple[Form, int]:
    """The form that takes fewer numbers, and how many."""
    weights = sum(weight.numel() for weight in policy.network.state_dict().values())
    experts, observations = len(policy.experts), observation_count(world)
    if observations is not None:
        tables = observations * (experts * world.actions + experts - 1)
        if tables < weights:
            return "tables", tables
    return "weights", weights


def _numbers(
    policy: Policy, world: DiamondGhostWorld, form: Form
) -> Iterator[tuple[str, torch.Tensor]]:
    """The parts of a policy's numbers, by name."""
    if form == "weights":
        yield from policy.network.state_dict().items()
    else:
        yield from _tables(policy.network, world)


@torch.no_grad()
def _tables(
    network: RoutedPolicyNetwork, world: DiamondGhostWorld
) -> Iterator[tuple[str, torch.Tensor]]:
    """The logits of each expert, float [O, A], and of the gate, float [O, K - 1].

    The O observations are in the order of the world's states: oversight of the ghost's square, of
    the diamond's, then the cells of agent, ghost and diamond.
    """
    plain = DiamondGhostWorld(world.rows, world.cols, hidden_oversight=world.hidden_oversight)
    seen = plain.observe(plain.enumerate_states())[: observation_count(world)]
    seen = seen.to(network.head.weight.device)
    experts = len(network.settings.experts)
    for index, name in enumerate(network.settings.experts):
        weights = [float(other == index) for other in range(experts)]
        yield f"experts.{name}", network.steered_logits(seen, weights)
    if experts > 1:
        yield "gate", network.gate_logits(seen)[:, :-1]


def numbers_text(parts: Sequence[torch.Tensor]) -> str:
    """Tensors one after the other as float32, little end first, in base 64."""
    flat = torch.cat([part.detach().cpu().float().flatten() for part in parts]).numpy()
    return base64.b64encode(np.ascontiguousarray(flat, dtype="<f4").tobytes()).decode("ascii")


def _too_large(source: Source[DiamondGhostWorld], needed: int) -> str:
    """Why a policy cannot be put into a page, and what can be done instead."""
    world = source.world
    path = source.path or "RUN"
    return (
        f"{source.name} is too large to explore: in its world of {world.rows} x {world.cols} cells "
        f"the weights of its network, the smaller exact form, take {needed / 1e6:.1f} MB, and a "
        f"page holds {(MOST_BYTES - PAGE_BYTES) / 1e6:.2f} MB for each policy. `routed-rl render "
        f"{path}` draws what each expert would do in every cell, and films rollouts."
    )
