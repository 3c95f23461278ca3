"""What a routed policy can learn in, checked before the library meets it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnv

from routed_agents.methods.record import Method
from routed_envs.errors import InputError, unknown_name
from routed_envs.outcomes import Outcomes

Part = Literal["experts", "gate", "value"]
PARTS: tuple[Part, ...] = ("experts", "gate", "value")
ACTIONS = (spaces.Box, spaces.Discrete, spaces.MultiDiscrete, spaces.MultiBinary)
OBSERVATIONS = (spaces.Box, spaces.Discrete, spaces.MultiDiscrete, spaces.MultiBinary)


def check_env(env: Any) -> None:
    """Refuse an environment that the library could only fail on without saying why.

    Raises:
        InputError: A vector environment of Gymnasium, or spaces that the library does not take.
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


def check_oversight_mask(env: VecEnv, method: Method) -> None:
    """Refuse to tell a method which entries show oversight where the environment does not say.

    Args:
        env: With the observations that the policy sees.
        method: One that is not told may learn in any environment.

    Raises:
        InputError: There is no such mask, or one of other observations.
    """
    if not method.is_told_entries:
        return
    space, is_given = env.observation_space, env.has_attr("oversight_mask")
    mask = env.get_attr("oversight_mask")[0] if is_given else None
    fits = True  # Of numbers that count, one with a flag anywhere shows it.
    if isinstance(space, spaces.Dict):
        fits = isinstance(mask, Mapping)
    elif isinstance(space, spaces.Box | spaces.MultiBinary):
        fits = laid_over(mask, space.shape) is not None
    if not (is_given and fits):
        raise InputError(
            f"Method {method.name!r} is told which entries of an observation show oversight, and "
            f"the environment's oversight_mask is {_form(mask) if is_given else 'missing'}, for "
            f"observations {_form(space)}. Take a method that is not told, such as "
            "'reward-model-untold' or 'inferred-model'; one of your own says "
            "oversight_entries=False."
        )


def laid_over(mask: Any, shape: tuple[int, ...]) -> NDArray[np.bool_] | None:
    """A mask over the environment's observation, as the library passes observations on.

    Args:
        mask: bool, of one observation, or what else an environment gives.
        shape: Of an observation, pictures channels first.

    Returns:
        The mask, of a shape that spreads to the observation's: frames that are stacked along an
        axis of their own share one. None if it is no mask of such observations.
    """
    if mask is None or isinstance(mask, Mapping):
        return None
    given = np.atleast_1d(mask)
    return next((m for m in (given, np.moveaxis(given, -1, 0)) if _spreads(m.shape, shape)), None)


def _spreads(shape: tuple[int, ...], to: tuple[int, ...]) -> bool:
    """Whether an array of the shape can be broadcast to another."""
    pairs = zip(reversed(shape), reversed(to), strict=False)
    return len(shape) <= len(to) and all(own in (1, other) for own, other in pairs)


def _form(found: Any) -> str:
    """The form of a mask or a space, in words."""
    if found is None:
        return "None"
    return "in a dictionary" if isinstance(found, Mapping) else f"of shape {np.shape(found)}"


def check_spaces(observation_space: spaces.Space, action_space: spaces.Space) -> None:
    """Refuse spaces that the library's on-policy algorithms do not take.

    Raises:
        InputError: The actions or the observations are of another kind, or not counted from 0.
    """
    if not isinstance(action_space, ACTIONS):
        raise InputError(
            f"The action space is {action_space}; a policy's actions are Box, Discrete, "
            "MultiDiscrete or MultiBinary. Change it in a wrapper."
        )
    if isinstance(action_space, spaces.Box) and not action_space.is_bounded():
        raise InputError(
            f"The action space {action_space} has no bounds. Give it some, with "
            "gymnasium.wrappers.RescaleAction say."
        )
    if isinstance(action_space, spaces.Discrete) and action_space.start != 0:
        raise InputError(
            f"The action space {action_space} begins at {action_space.start}; the library counts "
            "actions from 0. Shift it in a wrapper."
        )
    parts = {"": observation_space}
    if isinstance(observation_space, spaces.Dict):
        parts = {f" of {name!r}": space for name, space in observation_space.items()}
    for place, space in parts.items():
        _check_observations(place, space)


def _check_observations(place: str, space: spaces.Space) -> None:
    """Refuse what a policy cannot see; the place says which part of a dictionary it is."""
    if not isinstance(space, OBSERVATIONS):
        raise InputError(
            f"The observation space{place} is {space}; a policy sees Box, Discrete, "
            "MultiDiscrete or MultiBinary, or a dictionary of these. Wrap the environment in "
            "gymnasium.wrappers.FlattenObservation, or for MiniGrid in "
            "minigrid.wrappers.ImgObsWrapper."
        )
    if isinstance(space, spaces.Discrete | spaces.MultiDiscrete) and np.any(space.start):
        raise InputError(
            f"The observation space{place} is {space}, which begins at {space.start}; the "
            "library counts observations from 0. Shift it in a wrapper."
        )


def check_mixed(action_space: spaces.Space) -> None:
    """Refuse actions that several experts cannot choose together.

    Raises:
        InputError: The actions are not `Discrete`.
    """
    if not isinstance(action_space, spaces.Discrete):
        raise InputError(
            f"The action space is {action_space}; a mixture of experts chooses among Discrete "
            "actions. Take a method whose experts act alone, such as 'inferred' (`routed-rl "
            "methods` says who acts), or discretise the actions in a wrapper."
        )


def check_policy_arguments(shared: Sequence[str], routing: str, others: dict[str, Any]) -> None:
    """Refuse arguments that mean nothing here; of the others `share_features_extractor` is taken.

    Raises:
        InputError: One of them does.
    """
    for part in shared:
        if part not in PARTS:
            raise unknown_name("part of the policy", part, PARTS)
    if routing not in ("activations", "parameters"):
        raise unknown_name("routing", routing, ("activations", "parameters"))
    if others.get("use_sde"):
        raise InputError(
            "use_sde=True: routed policies explore by their distribution of actions alone. Leave "
            "it out."
        )
    if not others.pop("share_features_extractor", True):
        raise InputError(
            "share_features_extractor=False: say which parts share it instead, such as "
            "policy_kwargs={'shared': ('experts', 'gate')}."
        )
