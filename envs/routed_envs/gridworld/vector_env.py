"""The gridworld as a Gymnasium vector environment."""

from __future__ import annotations

from typing import Any, Unpack

import gymnasium
import numpy as np
import torch
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from routed_envs.episode_info import Infos, masked, running
from routed_envs.errors import InputError
from routed_envs.gridworld.base import (
    NAMES,
    RENDER_MODES,
    GridEnvironment,
    Observation,
    WorldSettings,
    split,
    uniform,
)
from routed_envs.table_world import TableWorld, as_tables
from routed_envs.worlds import Ending, restart


class DiamondGhostVectorEnv(
    GridEnvironment, VectorEnv[Observation, NDArray[np.int64], NDArray[Any]]
):
    """`DiamondGhostEnv` for many environments at once; see its docstring for the rules.

    ``gymnasium.make_vec("routed_envs/DiamondGhost-v0", num_envs=4096)``. Autoreset is SAME_STEP:
    the step that ends an episode returns the next episode's first observation; the ended one's last
    observation is in `infos["final_obs"]` and its information in `infos["final_info"]`, with the
    masks `infos["_final_obs"]` and `infos["_final_info"]`, as in Gymnasium's own vector
    environments. One environment follows the same episodes as `DiamondGhostEnv` with the same seed.

    Args:
        num_envs: The number of environments, at least 1.
        *values: Settings of `DiamondGhostWorld` by position.
        render_mode: `rgb_array` or `ansi`, one picture for each environment, or None.
        **settings: Settings of `DiamondGhostWorld` by name.

    Raises:
        InputError: A setting is unknown, or a value is outside its range.
    """

    metadata = {  # noqa: RUF012  (Gymnasium's own form)
        "render_modes": [mode for mode in RENDER_MODES if mode != "human"],
        "render_fps": 6,
        "autoreset_mode": AutoresetMode.SAME_STEP,
    }

    def __init__(
        self,
        num_envs: int = 1,
        *values: Any,
        render_mode: str | None = None,
        **settings: Unpack[WorldSettings],
    ) -> None:
        if num_envs < 1:
            raise InputError(f"num_envs={num_envs}: give at least 1.")
        self.num_envs = num_envs
        observation, action = self._set_up(values, settings, render_mode)
        self._dynamics = as_tables(self.world, by_entries=False)
        self._episodes: Any = None
        self.single_observation_space, self.single_action_space = observation, action
        self.observation_space = batch_space(observation, num_envs)
        self.action_space = batch_space(action, num_envs)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, Infos]:
        """Start an episode in every environment.

        Args:
            seed: Restarts the random numbers.
            options: Unused.

        Returns:
            int8 [N, 4, rows, cols], and the information.
        """
        super().reset(seed=seed)
        self._episodes = self._dynamics.place(uniform(self.np_random, self.num_envs, self.world))
        return self._observed(), running(np.ones(self.num_envs, bool))

    def step(
        self, actions: NDArray[np.int64]
    ) -> tuple[Observation, NDArray[Any], NDArray[Any], NDArray[Any], Infos]:
        """Take one action in every environment, and start anew where the episode ended.

        Args:
            actions: int [N].

        Returns:
            Observations, rewards, terminations, truncations and information, each for N.

        Raises:
            gymnasium.error.ResetNeeded: `reset` was never called.
            gymnasium.error.InvalidAction: An action is none of the four, or there are not N.
        """
        if self._episodes is None:
            raise gymnasium.error.ResetNeeded("No episode is running: call reset() first.")
        actions = np.asarray(actions)
        whole = np.issubdtype(actions.dtype, np.integer) and actions.shape == (self.num_envs,)
        if not whole or actions.min() < 0 or actions.max() > 3:
            raise gymnasium.error.InvalidAction(
                f"actions={actions!r}: give {self.num_envs} whole numbers from 0 to 3."
            )
        taken = torch.as_tensor(actions, dtype=torch.int64)
        self._episodes, ending = self._dynamics.advance(self._episodes, taken)
        ended = ending.ended.numpy()
        infos = running(np.ones(self.num_envs, bool))
        if ended.any():
            infos |= self._final_infos(ending, ended)
            random = uniform(self.np_random, int(ended.sum()), self.world)
            fresh = self._dynamics.place(random)
            self._episodes = restart(self._episodes, ending.ended, fresh)
        return self._observed(), ending.reward.double().numpy(), *split(ending), infos

    def _observed(self) -> Observation:
        """What the episodes show, int8 [N, 4, rows, cols]."""
        return self._dynamics.observe(self._episodes).numpy()

    def render(self) -> tuple[Any, ...] | None:
        """One picture, uint8 [height, width, 3], or text for each environment.

        Raises:
            gymnasium.error.ResetNeeded: There is nothing to show yet.
        """
        if self.render_mode is None:
            return None
        state, tables = self._episodes, self._dynamics
        self._state = tables.ruled(state) if state and isinstance(tables, TableWorld) else state
        return tuple(self._drawn(index) for index in range(self.num_envs))

    def _final_infos(self, ending: Ending, ended: NDArray[np.bool_]) -> Infos:
        """The last observation and information of the episodes that ended."""
        observations = np.full(self.num_envs, None, dtype=object)
        last = self._observed()
        for index in np.flatnonzero(ended):
            observations[index] = last[index]
        codes = {"label": ending.label, "hidden_outcome": ending.outcome}
        final = {key: NAMES[code.numpy()] for key, code in codes.items()}
        for values in final.values():
            values[~ended] = None
        return masked({"final_obs": observations, "final_info": masked(final, ended)}, ended)
