"""The diamond-and-ghost task in MiniGrid, seen whole as binary planes."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from minigrid.core.actions import Actions
from numpy.typing import NDArray

from routed_envs.minigrids.environment import DiamondGhostMiniGrid
from routed_envs.oversight.visibility import Mask


def unflatten_planes(observation: NDArray[Any], size: int) -> NDArray[Any]:
    """The planes of flat observations.

    Args:
        observation: [..., n], of `DiamondGhostMiniGridFlat` or `DiamondGhostMiniGridCompass`.
        size: The environment's, outer walls included.

    Returns:
        [..., planes, rows, columns], without the outer walls; see the class's `planes` for which
        is which.
    """
    observation = np.asarray(observation)
    return observation.reshape(*observation.shape[:-1], -1, size - 2, size - 2)


class DiamondGhostMiniGridFlat(DiamondGhostMiniGrid):
    """`DiamondGhostMiniGrid` seen whole, for stable-baselines3 and everything that wants arrays.

    ## Observation space
    `MultiBinary(n)`, int8: eight planes of the squares within the outer walls, row by row, one
    plane after the other: the agent facing right, down, left and up (one square of the four planes
    is 1), the ghost, the diamond, the walls, the oversight. n is 8 x (`size` - 2) squared.
    `unflatten_planes` gives the planes back. With `hidden_oversight` the last plane is all zeros.

    `oversight_mask` is bool [n], True in the last plane. Everything else is as in
    `DiamondGhostMiniGrid`, except that pictures do not brighten what is in front of the agent.
    `gymnasium.make("routed_envs/MiniGrid-DiamondGhost-Flat-8x8-v0")`, and likewise
    `MiniGrid-DiamondGhost-Walls-Flat-8x8-v0` and `MiniGrid-DiamondGhost-Rooms-Flat-8x8-v0`.

    Args:
        **kwargs: Those of `DiamondGhostMiniGrid`.
    """

    planes: tuple[str, ...] = (
        *("right", "down", "left", "up"),
        *("ghost", "diamond", "walls", "oversight"),
    )
    """What each plane shows; of the agent, where it faces."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"highlight": False, **kwargs})
        self._cells = self.rules.cells
        self.observation_space = spaces.MultiBinary(len(self.planes) * self._cells)
        self._still: NDArray[np.int8]

    @property
    def oversight_mask(self) -> Mask:
        """True in the last plane, bool [n]."""
        mask = np.zeros(len(self.planes) * self._cells, bool)
        mask[-self._cells :] = True
        return mask

    def _gen_grid(self, width: int, height: int) -> None:
        """Place everything, and draw the planes that stay the same in this episode."""
        super()._gen_grid(width, height)
        start = self._start
        shown = frozenset() if self.rules.hidden_oversight else start.overseen
        things = ((start.ghost,), (start.diamond,), start.walls, shown)
        first = len(self.planes) - len(things)
        self._still = np.zeros(len(self.planes) * self._cells, np.int8)
        self._still[
            [
                plane * self._cells + self._cell(square)
                for plane, squares in enumerate(things, first)
                for square in squares
            ]
        ] = 1

    def _cell(self, square: int) -> int:
        """The number of a square among those within the outer walls."""
        row, col = divmod(square, self.size)
        return (row - 1) * (self.size - 2) + col - 1

    def gen_obs(self) -> NDArray[np.int8]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """What the agent sees: all planes, int8 [n]."""
        planes = self._still.copy()
        # Where the agent has a single plane, the direction does not matter.
        facing = self.agent_dir % self.planes.index("ghost")
        planes[facing * self._cells + self._cell(self._square())] = 1
        return planes

    def agent_sees(self, x: int, y: int) -> bool:
        """The agent sees every square."""
        return True


class DiamondGhostMiniGridCompass(DiamondGhostMiniGridFlat):
    """`DiamondGhostMiniGridFlat` with four moves instead of turning and walking.

    In the layout `open` it has the rules of `DiamondGhostWorld` with `size` - 2 rows and columns.

    ## Action space
    `Discrete(4)`: 0 up, 1 right, 2 down, 3 left. Into a wall nothing moves. The agent turns where
    it goes, which pictures show.

    ## Observation space
    `MultiBinary(n)`, int8, as of `DiamondGhostMiniGridFlat`, but with five planes: the agent, the
    ghost, the diamond, the walls, the oversight; where the agent faces does not matter.

    Args:
        **kwargs: Those of `DiamondGhostMiniGrid`.
    """

    planes = ("agent", "ghost", "diamond", "walls", "oversight")
    """What each plane shows."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.action_space = spaces.Discrete(4)

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Take one action.

        Args:
            action: 0 up, 1 right, 2 down, 3 left.

        Returns:
            Observation, reward, terminated, truncated and information.

        Raises:
            gymnasium.error.InvalidAction: The action is none of the four.
        """
        if not self.action_space.contains(action):
            raise gymnasium.error.InvalidAction(
                f"action={action!r} is not known. Give 0 (up), 1 (right), 2 (down) or 3 (left)."
            )
        # Minigrid counts its directions from right, clockwise, and so do we from up.
        self.agent_dir = (int(action) - 1) % 4
        return super().step(Actions.forward)
