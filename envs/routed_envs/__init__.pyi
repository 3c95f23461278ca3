from .data.digits import Digits, load_digits
from .data.passages import load_passages
from .errors import InputError
from .gridworld.drawing import draw_grid, draw_text
from .gridworld.env import DiamondGhostEnv
from .gridworld.states import GridState
from .gridworld.vector_env import DiamondGhostVectorEnv
from .gridworld.world import DiamondGhostWorld
from .minigrids import (
    DiamondGhostMiniGrid,
    DiamondGhostMiniGridCompass,
    DiamondGhostMiniGridFlat,
    unflatten_planes,
)
from .outcomes import Outcomes
from .oversight.labels import Labels
from .oversight.overseen import Overseen
from .oversight.overseen_vector import OverseenVector
from .oversight.overseer import FinalStep, Step
from .stable_baselines import WorldVecEnv
from .worlds import (
    DrawableWorld,
    Ending,
    EnumerableWorld,
    NamingWorld,
    NumberingWorld,
    World,
    map_states,
    renew,
)

__all__ = [
    "DiamondGhostEnv",
    "DiamondGhostMiniGrid",
    "DiamondGhostMiniGridCompass",
    "DiamondGhostMiniGridFlat",
    "DiamondGhostVectorEnv",
    "DiamondGhostWorld",
    "Digits",
    "DrawableWorld",
    "Ending",
    "EnumerableWorld",
    "FinalStep",
    "GridState",
    "InputError",
    "Labels",
    "NamingWorld",
    "NumberingWorld",
    "Outcomes",
    "Overseen",
    "OverseenVector",
    "Step",
    "World",
    "WorldVecEnv",
    "draw_grid",
    "draw_text",
    "load_digits",
    "load_passages",
    "map_states",
    "renew",
    "unflatten_planes",
]
