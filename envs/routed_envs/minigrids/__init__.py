"""The diamond-and-ghost task in MiniGrid: walls, rooms and an egocentric view.

Loading this package loads Minigrid, and adds the task's objects to it (see `objects`).
"""

from routed_envs.minigrids.environment import DiamondGhostMiniGrid
from routed_envs.minigrids.flat import (
    DiamondGhostMiniGridCompass,
    DiamondGhostMiniGridFlat,
    unflatten_planes,
)
from routed_envs.minigrids.objects import Diamond, Ghost, OverseenFloor

__all__ = [
    "Diamond",
    "DiamondGhostMiniGrid",
    "DiamondGhostMiniGridCompass",
    "DiamondGhostMiniGridFlat",
    "Ghost",
    "OverseenFloor",
    "unflatten_planes",
]
