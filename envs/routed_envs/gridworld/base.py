"""What the gridworld's Gymnasium environments share: settings, attributes and numbers for NumPy."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, TypedDict

import numpy as np
import torch
from numpy.typing import NDArray

from routed_envs.errors import check_names
from routed_envs.gridworld.world import OUTCOMES, DiamondGhostWorld
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


def make_world(*values: Any, **settings: Any) -> DiamondGhostWorld:
    """The world with these settings, by position or by name.

    Raises:
        InputError: There is no setting of that name, or a value is outside its range.
    """
    check_names("setting", settings, SETTINGS)
    return DiamondGhostWorld(*values, **settings)


class WorldAttributes:
    """What learners ask of an environment, answered by its world.

    Attributes:
        world: The rules.
    """

    world: DiamondGhostWorld

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
