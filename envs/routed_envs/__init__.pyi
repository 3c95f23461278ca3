from .drawing import draw_grid, draw_text
from .errors import InputError
from .gym_env import DiamondGhostEnv
from .interface import Ending, EnumerableWorld, World, map_states, renew
from .outcomes import Outcomes
from .vector_env import DiamondGhostVectorEnv
from .world import DiamondGhostWorld, GridState

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
