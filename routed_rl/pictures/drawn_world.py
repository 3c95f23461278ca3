"""A world that can draw itself, one episode at a time, as environments of Gymnasium are filmed."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from routed_envs.errors import InputError
from routed_envs.worlds import DrawableWorld, World
from routed_rl.evaluation.sampled import seeded


class DrawnWorld:
    """Episodes of a world, one after another.

    Args:
        world: Has the method `draw` of a `DrawableWorld`.

    Raises:
        InputError: It has none.
    """

    metadata: dict[str, Any]

    def __init__(self, world: World[Any]) -> None:
        if not isinstance(world, DrawableWorld):
            raise InputError(
                f"This policy lives in a {type(world).__name__}, which draws no pictures. Give it "
                "a method draw(state), as routed_envs.DrawableWorld describes it."
            )
        self.metadata = {}
        self._world, self._state = world, None
        self._generator = seeded(0)

    def reset(self, seed: int | None = None) -> tuple[np.ndarray, dict[str, Any]]:
        """Start an episode; a seed restarts the random numbers."""
        if seed is not None:
            self._generator = seeded(seed)
        numbers = torch.rand((1, self._world.random_numbers), generator=self._generator)
        self._state = self._world.place(numbers)
        unfinished = torch.tensor(self._world.outcomes.unfinished)
        return self._seen(), self._names(unfinished, unfinished)

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Take an action; a time-out truncates the episode."""
        self._state, ending = self._world.advance(self._state, torch.as_tensor([int(action)]))
        over = bool(ending.ended)
        timeout = int(ending.outcome) == self._world.outcomes.timeout
        info = self._names(ending.outcome, ending.label)
        return self._seen(), float(ending.reward), over and not timeout, over and timeout, info

    def render(self) -> np.ndarray:
        """What the world draws of the state."""
        return np.asarray(self._world.draw(self._state))[0]

    def close(self) -> None:
        """There is nothing to end."""

    def _seen(self) -> np.ndarray:
        return self._world.observe(self._state)[0].numpy()

    def _names(self, outcome: torch.Tensor, label: torch.Tensor) -> dict[str, Any]:
        names = self._world.outcomes.labels
        return {"hidden_outcome": names[int(outcome)], "label": names[int(label)]}
