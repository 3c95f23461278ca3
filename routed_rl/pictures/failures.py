"""Failures to look at: episodes that ended on the ghost although the diamond could be reached."""

from __future__ import annotations

import torch

from routed_agents.policies.policy import Policy
from routed_envs.errors import InputError
from routed_envs.gridworld.grid import next_cells
from routed_envs.gridworld.world import DiamondGhostWorld, GridState
from routed_rl.evaluation.sampled import seeded
from routed_rl.pictures.episodes import Frame, frames_of, walk

BATCH, SEARCHED = 1000, 20_000
"""So many episodes are searched for failures at a time, and at most."""


def record_failures(
    policy: Policy,
    world: DiamondGhostWorld,
    episodes: int,
    seed: int = 0,
    deterministic: bool = False,
    start: GridState | None = None,
) -> list[Frame]:
    """The first episodes that end on the ghost although the diamond could be reached.

    Args:
        policy: Steered or not.
        world: Where it acts.
        episodes: At most so many are returned.
        seed: Decides the starts and the actions.
        deterministic: Take the likeliest action instead of sampling.
        start: Where every episode starts (N = 1); by chance if None.

    Raises:
        InputError: None of `SEARCHED` episodes fails.
    """
    generator, frames, count = seeded(seed), [], 0
    for _ in range(SEARCHED // BATCH):
        found = walk(policy, world, BATCH, generator, deterministic, start)
        (ghost,) = (world.outcomes.targets.index(name) for name in world.outcomes.unwanted)
        failed = (found.endings == ghost) & diamond_reachable(world, found.states[0])
        chosen = failed.nonzero().squeeze(1).tolist()[: episodes - count]
        frames += frames_of(found, policy, world, chosen, count)
        count += len(chosen)
        if count == episodes:
            break
    if not frames:
        raise InputError(
            f"None of {SEARCHED:,} episodes ended on the ghost where the diamond could be reached. "
            "Give another --steer, --start or oversight, or leave --failures out."
        )
    return frames


def diamond_reachable(world: DiamondGhostWorld, state: GridState) -> torch.Tensor:
    """Whether some way leads to the diamond around the ghost, in time, from N starts: bool [N]."""
    neighbours = next_cells(world.rows, world.cols, state.agent.device).view(world.cells, -1)
    cells = torch.arange(world.cells)
    free, reached = (
        cells != state.ghost.unsqueeze(1),
        cells == state.agent.unsqueeze(1),
    )
    for _ in range(world.max_steps):
        # Every move can be taken back, so a cell is reached from any neighbour that is.
        reached = free & (reached | reached[:, neighbours].any(2))
    return reached.gather(1, state.diamond.unsqueeze(1)).squeeze(1)
