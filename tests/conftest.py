"""What several tests share."""

from __future__ import annotations

import dataclasses
import os
from typing import Any

import pytest
import torch

from routed_envs import DiamondGhostWorld, GridState
from routed_rl import TrainConfig

os.environ.setdefault("SDL_VIDEODRIVER", "dummy")  # `human` rendering without a display.
torch.set_num_threads(1)

TINY = TrainConfig(
    updates=4,
    environments=8,
    rollout_steps=8,
    expert_widths=(16,),
    gate_widths=(8,),
    value_widths=(8,),
    evaluate_every=0,
    device="cpu",
)


@pytest.fixture
def tiny() -> TrainConfig:
    """A configuration that trains in a moment, and learns nothing."""
    return TINY


def tiny_with(**changes: Any) -> TrainConfig:
    """The tiny configuration with some fields changed."""
    return dataclasses.replace(TINY, **changes)


def grid_state(
    world: DiamondGhostWorld,
    agent: int,
    ghost: int,
    diamond: int,
    watched: tuple[int, ...] = (),
    steps: int = 0,
) -> GridState:
    """One environment with everything in its place."""
    oversight = torch.zeros((1, world.cells), dtype=torch.int8)
    oversight[0, list(watched)] = 1
    return GridState(
        agent=torch.tensor([agent]),
        ghost=torch.tensor([ghost]),
        diamond=torch.tensor([diamond]),
        oversight=oversight,
        steps=torch.tensor([steps]),
    )


def random_states(world: DiamondGhostWorld, count: int, seed: int = 0) -> GridState:
    """Fresh episodes."""
    generator = torch.Generator().manual_seed(seed)
    return world.place(torch.rand((count, world.random_numbers), generator=generator))
