"""Information of episodes, and of many at once in the form of Gymnasium's vector environments."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Infos = dict[str, Any]
RUNNING = {"label": "unfinished", "hidden_outcome": "unfinished"}
"""The information of an episode that runs says this."""


def masked(infos: Infos, mask: NDArray[np.bool_]) -> Infos:
    """Add to each key `x` the mask `_x`, bool [N], of the environments that have it."""
    return infos | {f"_{key}": mask.copy() for key in infos}


def running(mask: NDArray[np.bool_]) -> Infos:
    """What the information says of the environments of the mask, bool [N], whose episodes run."""
    infos = {key: np.full(len(mask), None, dtype=object) for key in RUNNING}
    for key, name in RUNNING.items():
        infos[key][mask] = name
    return masked(infos, mask)


def info_of(infos: Infos, index: int) -> Infos:
    """The information of one of N environments, without masks; a key without one belongs to all."""
    masks = {f"_{key}" for key in infos}
    return {
        key: info_of(values, index) if isinstance(values, dict) else values[index]
        for key, values in infos.items()
        if key not in masks and (f"_{key}" not in infos or infos[f"_{key}"][index])
    }
