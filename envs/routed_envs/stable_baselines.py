"""A world as a stable-baselines3 vector environment."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnv
from stable_baselines3.common.vec_env.base_vec_env import VecEnvIndices, VecEnvStepReturn

from routed_envs.episode_info import RUNNING
from routed_envs.errors import InputError
from routed_envs.table_world import as_tables
from routed_envs.worlds import Ending, World, restart


class WorldVecEnv(VecEnv):
    """Many environments of one world, stepped together, for stable-baselines3.

    Stepping is that of `World`: thousands of environments cost little more than one. The
    information of each environment has its `label` (what the overseer knows) and `hidden_outcome`
    (the truth, which nothing that learns under oversight may read), and at an episode's end also
    `terminal_observation` and `TimeLimit.truncated`.

    Args:
        world: The rules, such as `DiamondGhostWorld(oversight=0.1)`.
        num_envs: The number of environments, at least 1.
        seed: Seeds the starts; drawn at random if None. `seed()`, and every algorithm with a seed
            of its own, seeds them anew at the next reset.

    Attributes:
        world: The rules.

    Raises:
        InputError: There is no environment.
    """

    def __init__(self, world: World[Any], num_envs: int, seed: int | None = None) -> None:
        if num_envs < 1:
            raise InputError(f"num_envs={num_envs}: give at least 1.")
        self.world = world
        self._dynamics = as_tables(world, by_entries=False)
        self._generator = torch.Generator()
        self._generator.seed() if seed is None else self._generator.manual_seed(seed)
        self._names = np.array(world.outcomes.labels, dtype=object)
        self._actions = torch.zeros(num_envs, dtype=torch.int64)
        super().__init__(
            num_envs,
            spaces.MultiBinary(world.observation_shape),
            spaces.Discrete(world.actions),
        )
        self._state = self._place(num_envs)

    def reset(self) -> NDArray[np.int8]:
        """Start an episode in every environment.

        Returns:
            int8 [N, *observation_shape].
        """
        if self._seeds[0] is not None:
            self._generator.manual_seed(self._seeds[0])
        self._reset_seeds()
        self._reset_options()
        self._state = self._place(self.num_envs)
        self.reset_infos = [RUNNING.copy() for _ in range(self.num_envs)]
        return self._dynamics.observe(self._state).numpy()

    def step_async(self, actions: NDArray[Any]) -> None:
        """Keep the actions, int [N], for `step_wait`."""
        self._actions = torch.as_tensor(actions, dtype=torch.int64)

    def step_wait(self) -> VecEnvStepReturn:
        """Take the step, and start anew where an episode ended.

        Returns:
            Observations int8 [N, ...], rewards float32 [N], ends bool [N] and N dictionaries.
        """
        after, ending = self._dynamics.advance(self._state, self._actions)
        infos = [RUNNING.copy() for _ in range(self.num_envs)]
        if ending.ended.any():
            self._describe_ends(infos, after, ending)
            after = restart(after, ending.ended, self._place(int(ending.ended.sum())))
        self._state = after
        observations = self._dynamics.observe(after).numpy()
        return observations, ending.reward.numpy().copy(), ending.ended.numpy(), infos

    def _describe_ends(self, infos: list[dict[str, Any]], after: Any, ending: Ending) -> None:
        last = self._dynamics.observe(after).numpy()
        labels, outcomes = (self._names[codes.numpy()] for codes in (ending.label, ending.outcome))
        for index in np.flatnonzero(ending.ended.numpy()):
            infos[index] = {
                "label": labels[index],
                "hidden_outcome": outcomes[index],
                "terminal_observation": last[index],
                "TimeLimit.truncated": outcomes[index] == "timeout",
            }

    def _place(self, count: int) -> Any:
        """So many fresh episodes."""
        shape = (count, self.world.random_numbers)
        return self._dynamics.place(torch.rand(shape, generator=self._generator))

    def close(self) -> None:
        """Nothing is open."""

    def get_attr(self, attr_name: str, indices: VecEnvIndices = None) -> list[Any]:
        """An attribute of the world, which all environments share, once for each of them."""
        value = None if attr_name == "render_mode" else getattr(self.world, attr_name)
        return [value for _ in self._get_indices(indices)]

    def has_attr(self, attr_name: str) -> bool:
        """Whether the world has such an attribute."""
        return attr_name == "render_mode" or hasattr(self.world, attr_name)

    def set_attr(self, attr_name: str, value: Any, indices: VecEnvIndices = None) -> None:
        """Refused: a world does not change.

        Raises:
            InputError: Always.
        """
        raise InputError(
            f"{attr_name}={value!r}: a world does not change. Make another WorldVecEnv, such as "
            "WorldVecEnv(world.with_oversight(0.3), num_envs)."
        )

    def env_method(
        self,
        method_name: str,
        *method_args: Any,
        indices: VecEnvIndices = None,
        **method_kwargs: Any,
    ) -> list[Any]:
        """Call a method of the world once for each environment."""
        method = getattr(self.world, method_name)
        return [method(*method_args, **method_kwargs) for _ in self._get_indices(indices)]

    def env_is_wrapped(self, wrapper_class: type, indices: VecEnvIndices = None) -> list[bool]:
        """No environment is wrapped."""
        return [False for _ in self._get_indices(indices)]
