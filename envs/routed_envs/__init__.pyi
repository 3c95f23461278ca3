from .drawing import draw_grid, draw_text
from .errors import InputError
from .gym_env import DiamondGhostEnv
from .interface import Ending, EnumerableWorld, World, map_states, renew
from .minigrids import (
    DiamondGhostMiniGrid,
    DiamondGhostMiniGridCompass,
    DiamondGhostMiniGridFlat,
    unflatten_planes,
)
from .outcomes import Outcomes
from .overseen import Overseen
from .overseen_vector import OverseenVector
from .overseer import FinalStep
from .states import GridState
from .vector_env import DiamondGhostVectorEnv
from .world import DiamondGhostWorld
from .world_vec_env import WorldVecEnv

__all__ = [
    "DiamondGhostEnv",
    "DiamondGhostMiniGrid",
    "DiamondGhostMiniGridCompass",
    "DiamondGhostMiniGridFlat",
    "DiamondGhostVectorEnv",
    "DiamondGhostWorld",
    "Ending",
    "EnumerableWorld",
    "FinalStep",
    "GridState",
    "InputError",
    "Outcomes",
    "Overseen",
    "OverseenVector",
    "World",
    "WorldVecEnv",
    "draw_grid",
    "draw_text",
    "map_states",
    "renew",
    "unflatten_planes",
]
