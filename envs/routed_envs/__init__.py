"""Worlds with oversight: their rules, their Gymnasium environments and their pictures."""

import gymnasium

from routed_envs.drawing import draw_grid, draw_text
from routed_envs.errors import InputError
from routed_envs.gym_env import DiamondGhostEnv
from routed_envs.interface import Ending, EnumerableWorld, World, map_states, renew
from routed_envs.outcomes import Outcomes
from routed_envs.vector_env import DiamondGhostVectorEnv
from routed_envs.world import DiamondGhostWorld, GridState

gymnasium.register(
    id="routed_envs/DiamondGhost-v0",
    entry_point="routed_envs.gym_env:DiamondGhostEnv",
    vector_entry_point="routed_envs.vector_env:DiamondGhostVectorEnv",
)

__all__ = [
    "DiamondGhostEnv",
    "DiamondGhostVectorEnv",
    "DiamondGhostWorld",
    "Ending",
    "EnumerableWorld",
    "GridState",
    "InputError",
    "Outcomes",
    "World",
    "draw_grid",
    "draw_text",
    "map_states",
    "renew",
]
