"""Weights with a description in one safetensors file, which opens without running code."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from routed_agents.files import parsed
from routed_envs.errors import InputError

WHO_OPENS = {
    "routed_rl": "a policy of routed-rl. Open it with load_policy.",
    "routed_agents.stable_baselines": "a policy of stable-baselines3. Open it with "
    "routed_agents.load_exported.",
    "routed_rl.studies": "the network of a study. Open its run with load_study.",
}
"""What a file holds, and what opens it, by the key of its description."""


def described_bytes(
    weights: Mapping[str, torch.Tensor], key: str, description: Mapping[str, Any]
) -> bytes:
    """The content of a file. Equal weights and descriptions give equal bytes.

    Args:
        weights: By name, on any device.
        key: The only metadata key, one of `WHO_OPENS`; it holds the description as JSON.
        description: What is needed to use the weights, as plain values.

    Raises:
        TypeError: JSON cannot hold the description.
    """
    content = {name: weight.detach().cpu().contiguous() for name, weight in weights.items()}
    return save(content, {key: json.dumps(description, sort_keys=True)})


def read_described(path: str | Path, key: str) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    """The description and the weights that `described_bytes` put into a file.

    Args:
        path: The file; call this within `refusing_damage`.
        key: The key that it must have.

    Raises:
        InputError: It is one of the other files of `WHO_OPENS`.
    """
    with safe_open(path, "pt") as opened:
        metadata = opened.metadata() or {}
        for other, holds in WHO_OPENS.items():
            if other != key and other in metadata:
                raise InputError(f"{path} holds {holds}")
        names = opened.keys()
        return parsed(json.loads, metadata[key]), {name: opened.get_tensor(name) for name in names}


@contextmanager
def refusing_damage(
    path: str | Path, writer: str, cure: str = "", what: str = "policy"
) -> Iterator[None]:
    """Turn whatever goes wrong while a file is read and its policy built into a refusal.

    Args:
        path: The file.
        writer: Who should have written it and in which words, such as "`export` wrote".
        cure: What to do, appended to the message.
        what: What the file should hold.

    Raises:
        InputError: The file is damaged or something else.
    """
    try:
        yield
    except InputError:
        raise
    except (SafetensorError, OSError, LookupError, TypeError, ValueError, RuntimeError) as error:
        raise InputError(
            f"{path} is no {what} that {writer}, or it is damaged ({error}).{cure}"
        ) from None
