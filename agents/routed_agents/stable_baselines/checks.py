"""What a routed policy can learn in, checked before the library meets it."""

from __future__ import annotations

from typing import Any

import gymnasium
from gymnasium import spaces
from stable_baselines3.common.vec_env import VecEnv

from routed_envs.errors import InputError
from routed_envs.outcomes import Outcomes


def check_env(env: Any) -> None:
    """Refuse an environment that the library could only fail on without saying why.

    Raises:
        InputError: A vector environment of Gymnasium, or one that shows dictionaries.
    """
    if isinstance(env, gymnasium.vector.VectorEnv):
        raise InputError(
            f"{env} is a vector environment of Gymnasium, which stable-baselines3 does not take. "
            "Give a DummyVecEnv or SubprocVecEnv of environments, or a WorldVecEnv."
        )
    if isinstance(env, gymnasium.Env):
        check_spaces(env.observation_space, env.action_space)


def oversight_of(env: VecEnv) -> tuple[Outcomes, float]:
    """An environment's outcomes, and the share that is overseen.

    Raises:
        InputError: It does not tell how its episodes end.
    """
    if not (env.has_attr("outcomes") and env.has_attr("overseen_share")):
        raise InputError(
            "Labels tell how episodes end, and this environment gives none. Wrap it in "
            "routed_envs.Overseen, or use one of routed_envs."
        )
    return env.get_attr("outcomes")[0], float(env.get_attr("overseen_share")[0])


def check_spaces(observation_space: spaces.Space, action_space: spaces.Space) -> None:
    """Refuse spaces that a routed policy does not support.

    Raises:
        InputError: The actions are not `Discrete`, or the observations are a dictionary or a tuple.
    """
    if not isinstance(action_space, spaces.Discrete):
        raise InputError(
            f"The action space is {action_space}; routed policies choose among Discrete actions. "
            "Continuous actions are out of scope; discretise them in a wrapper."
        )
    if not isinstance(observation_space, spaces.Box | spaces.MultiBinary | spaces.Discrete):
        raise InputError(
            f"The observation space is {observation_space}; routed policies take Box, MultiBinary "
            "or Discrete. Wrap the environment in gymnasium.wrappers.FlattenObservation, or for "
            "MiniGrid in minigrid.wrappers.ImgObsWrapper."
        )
