"""Files of a network without some of its parts."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save

from routed_agents.files import parsed, write_atomically
from routed_agents.parts.parts import Parts, Removed
from routed_agents.parts.surgery import ablate
from routed_envs.errors import InputError

KEY = "routed_rl"
"""The one entry of a file's metadata."""


def save_ablated(parts: Parts, path: str | Path) -> None:
    """Write a network's weights, and what was deleted from it.

    The file is in the safetensors format: it opens without running code, and its metadata say of
    every layer what is missing. Weights of deleted parts are not in it.

    Args:
        parts: What `ablate` returned.
        path: The file.

    Raises:
        InputError: Nothing was deleted from the network.
        OSError: It could not be written; an old file is untouched.
    """
    if not parts.removed:
        raise InputError("Nothing was deleted from this network. Give what `ablate` returned.")
    seen: dict[int, str] = {}
    tensors, same = {}, {}
    for name, tensor in parts.model.state_dict().items():
        first = seen.setdefault(tensor.data_ptr(), name)
        if first == name or tensor.numel() == 0:
            tensors[name] = tensor.detach().contiguous()
        else:
            same[name] = first
    about = {
        "removed": [vars(removed) for removed in parts.removed],
        "parts": _places(parts),
        "same": same,
    }
    write_atomically(Path(path), save(tensors, {KEY: json.dumps(about, sort_keys=True)}))


def load_ablated(parts: Parts, path: str | Path) -> Parts:
    """The network that `save_ablated` wrote.

    Args:
        parts: The same network before anything was deleted, with any weights, and its parts.
        path: The file.

    Returns:
        A network of its own, smaller, with the file's weights, and the parts that are left.

    Raises:
        InputError: The file is no such file, or of another network.
        OSError: It could not be read.
    """
    path = Path(path)
    try:
        with safe_open(path, "pt") as file:
            about = parsed(json.loads, (file.metadata() or {})[KEY])
        removed = tuple(Removed(**entry) for entry in about["removed"])
        tensors = load_file(path)
        tensors |= {name: tensors[first] for name, first in about["same"].items()}
    except (SafetensorError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path} holds no network of `save_ablated` ({error}).") from None
    names = tuple(dict.fromkeys(entry.part for entry in removed))
    smaller = ablate(parts, *names)
    if _places(smaller) != about["parts"]:
        raise InputError(
            f"{path} is without {', '.join(names)} of a network whose parts lie elsewhere: "
            f"{about['parts']} are left there, and {_places(smaller)} here."
        )
    try:
        smaller.model.load_state_dict(tensors)
    except RuntimeError as error:
        raise InputError(f"{path} is of another network: {error}") from None
    return dataclasses.replace(smaller, removed=removed)


def _places(parts: Parts) -> dict[str, list[list[Any]]]:
    """Where the parts lie, as plain values."""
    return {
        name: [[place.layer, list(place.items)] for _, place in parts.places[name]]
        for name in parts.names
    }
