"""What the gridworld's Gymnasium environments share: settings, attributes and numbers for NumPy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypedDict

import gymnasium
import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray

from routed_envs.errors import InputError, check_names
from routed_envs.gridworld.drawing import draw_grid, draw_text
from routed_envs.gridworld.world import OUTCOMES, DiamondGhostWorld, GridState
from routed_envs.outcomes import Outcomes
from routed_envs.worlds import Ending

Observation = NDArray[np.int8]
NAMES = np.array(OUTCOMES.labels, dtype=object)
"""The outcome or label with code i is named by entry i."""
RENDER_MODES = ("rgb_array", "human", "ansi")
SETTINGS = (*(field.name for field in fields(DiamondGhostWorld)), "render_mode")
"""Both environments know these settings."""


class WorldSettings(TypedDict, total=False):
    """The settings of a `DiamondGhostWorld`, which explains and checks them."""

    rows: int
    cols: int
    oversight: float
    spurious_oversight: float
    max_steps: int
    oversight_diamond: float | None
    oversight_ghost: float | None
    oversight_falloff: float
    label_noise: float
    hidden_oversight: bool
    tempting_starts: bool


class GridEnvironment:
    """What the single environment and the vector share.

    Attributes:
        world: The rules, which answer what learners ask of an environment.
        render_mode: One of the `render_modes` of the metadata, or None.
    """

    metadata: dict[str, Any]
    world: DiamondGhostWorld
    render_mode: str | None

    def _set_up(
        self, values: tuple[Any, ...], settings: Mapping[str, Any], render_mode: str | None
    ) -> tuple[spaces.MultiBinary, spaces.Discrete]:
        """Take the world's settings; returns the spaces of one observation and one action.

        Raises:
            InputError: A setting or the render mode is unknown, or a value is outside its range.
        """
        modes = self.metadata["render_modes"]
        if render_mode not in (None, *modes):
            raise InputError(
                f"render_mode={render_mode!r} is not known here. Give None, "
                f"{', '.join(map(repr, modes))}."
            )
        check_names("setting", settings, SETTINGS)
        self.world = DiamondGhostWorld(*values, **settings)
        self.render_mode = render_mode
        self._state: GridState | None = None
        shape, actions = self.world.observation_shape, self.world.actions
        return spaces.MultiBinary(shape), spaces.Discrete(actions)

    def _drawn(self, index: int) -> Any:
        """One environment as text for the mode `ansi`, else as uint8 [height, width, 3].

        Raises:
            gymnasium.error.ResetNeeded: There is nothing to show yet.
        """
        if self._state is None:
            raise gymnasium.error.ResetNeeded("There is nothing to render: call reset() first.")
        if self.render_mode == "ansi":
            return draw_text(self.world, self._state, index)
        return np.asarray(draw_grid(self.world, self._state, index))

    @property
    def outcomes(self) -> Outcomes:
        """`diamond`, which is good, and `ghost`."""
        return self.world.outcomes

    @property
    def overseen_share(self) -> float:
        """How likely a target has oversight, on average over the starts and both targets."""
        return self.world.overseen_share

    @property
    def oversight_mask(self) -> NDArray[np.bool_]:
        """True in the plane that shows oversight, bool [4, rows, cols]."""
        return self.world.oversight_mask.numpy()


def uniform(generator: np.random.Generator, count: int, world: DiamondGhostWorld) -> torch.Tensor:
    """The random numbers of `count` placements, float32 [count, random_numbers]."""
    return torch.from_numpy(generator.random((count, world.random_numbers), dtype=np.float32))


def split(ending: Ending) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which episodes terminated on a target, and which were truncated, each bool [N]."""
    terminated = ending.outcome < OUTCOMES.timeout
    return terminated.numpy(), (ending.outcome == OUTCOMES.timeout).numpy()
