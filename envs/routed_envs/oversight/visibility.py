"""One flag in an observation that shows whether the episode is overseen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium import Space, spaces
from numpy.typing import NDArray

from routed_envs.errors import InputError

KEY = "oversight"
"""Observations that are dictionaries hold the flag under this key."""
Mask = NDArray[np.bool_] | dict[str, Any] | None
"""It tells which entries of an observation show oversight; see `Overseen`."""


@dataclass(frozen=True)
class Flag:
    """How the flag is shown in observations of one space, alone or in batches.

    Attributes:
        space: The space of the observations with the flag.
        axis: Where arrays grow by one entry, counted from the last axis; None if the observation
            is a dictionary that gets a key, or is left as it is.
        on: The entry of an overseen episode, of the others it is 0; 0 if no flag is shown.
        mask: Which entries of one observation with the flag show it.
    """

    space: Space[Any]
    axis: int | None
    on: int
    mask: Mask

    def add(self, observation: Any, overseen: NDArray[np.bool_]) -> Any:
        """The observation with the flag.

        Args:
            observation: One observation of the space without the flag, or a batch.
            overseen: bool, [] for one observation and [N] for a batch.
        """
        if not self.on:
            return observation
        if self.axis is None:
            return {**observation, KEY: overseen[..., None].astype(np.int8)}
        observation = np.asarray(observation)
        shape = list(observation.shape)
        shape[self.axis] = 1
        flag = np.where(overseen, self.on, 0).astype(observation.dtype)
        flag = flag.reshape(*overseen.shape, *[1] * (observation.ndim - overseen.ndim))
        return np.concatenate((observation, np.broadcast_to(flag, shape)), self.axis)


def flag_for(space: Space[Any], show: bool) -> Flag:
    """How observations of this space show oversight.

    Args:
        space: The space of one observation without the flag.
        show: False leaves observations as they are.

    Raises:
        InputError: Such observations have no place for a flag.
    """
    if not isinstance(show, bool):
        raise InputError(f"show_oversight={show!r}: give True or False.")
    if not show:
        return Flag(space, None, 0, blank_mask(space))
    if isinstance(space, spaces.Dict):
        return _key_flag(space)
    axis = _array_axis(space)
    if axis is None:
        raise InputError(
            f"Observations of {space} have no place for a flag; 1-D arrays, uint8 images, binary "
            "planes and dictionaries have. Wrap the environment in "
            "gymnasium.wrappers.FlattenObservation first, or give show_oversight=False."
        )
    image = len(space.shape or ()) == 3 and isinstance(space, spaces.Box)
    return _array_flag(space, axis, 255 if image else 1)


def _array_axis(space: Space[Any]) -> int | None:
    """The axis along which such observations can grow, from the last; None if along none."""
    if not isinstance(space, spaces.Box | spaces.MultiBinary):
        return None
    if len(space.shape) == 1:
        return -1
    if len(space.shape) == 3 and isinstance(space, spaces.MultiBinary):
        return -3
    if len(space.shape) == 3 and space.dtype == np.uint8:
        return -3 if space.shape[0] < space.shape[2] else -1
    return None


def _array_flag(space: Space[Any], axis: int, on: int) -> Flag:
    """The flag as one entry, plane or channel more."""
    shape = list(space.shape or ())
    shape[axis] = 1
    mask = np.concatenate((np.zeros(space.shape or (), bool), np.ones(shape, bool)), axis)
    if isinstance(space, spaces.Box):
        low = np.concatenate((space.low, np.zeros(shape, space.dtype)), axis)
        high = np.concatenate((space.high, np.full(shape, on, space.dtype)), axis)
        return Flag(spaces.Box(low, high, dtype=low.dtype.type), axis, on, mask)
    # A number and not a tuple where there is one axis: stable-baselines3 asks for it.
    whole = mask.shape if mask.ndim > 1 else mask.size
    return Flag(spaces.MultiBinary(whole), axis, on, mask)


def _key_flag(space: spaces.Dict) -> Flag:
    if KEY in space.spaces:
        raise InputError(
            f"The observation already has a key {KEY!r}. Rename it, or give show_oversight=False."
        )
    grown = spaces.Dict({**space.spaces, KEY: spaces.MultiBinary(1)})
    mask = blank_mask(space)
    assert isinstance(mask, dict), "a dictionary has a mask for each key"
    return Flag(grown, None, 1, mask | {KEY: np.ones(1, bool)})


def blank_mask(space: Space[Any]) -> Mask:
    """All False, of the shape of one observation; see `Overseen` for spaces without a shape."""
    if isinstance(space, spaces.Dict):
        masks = {key: blank_mask(inner) for key, inner in space.spaces.items()}
        return {key: mask for key, mask in masks.items() if mask is not None}
    return None if space.shape is None else np.zeros(space.shape, bool)
