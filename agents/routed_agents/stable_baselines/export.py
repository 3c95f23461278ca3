"""Saving a routed stable-baselines3 policy so that opening the file runs no code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3.common.torch_layers import (
    BaseFeaturesExtractor,
    CombinedExtractor,
    FlattenExtractor,
    NatureCNN,
)
from torch import nn

from routed_agents.described_file import described_bytes, read_described, refusing_damage
from routed_agents.files import write_atomically
from routed_agents.stable_baselines.actor_critic import RoutedActorCriticPolicy
from routed_agents.stable_baselines.extractor import SmallCnn, SmallCombinedExtractor
from routed_envs.errors import InputError, unknown_name

KEY = "routed_agents.stable_baselines"
FORMAT = 1
PLAIN = ("net_arch", "normalize_images", "experts", "gate", "acts", "shared", "routing")
"""These arguments of a policy are written as they are."""
EXTRACTORS: dict[str, type[BaseFeaturesExtractor]] = {
    extractor.__name__: extractor
    for extractor in (
        *(FlattenExtractor, SmallCnn, NatureCNN),
        *(CombinedExtractor, SmallCombinedExtractor),
    )
}
ACTIVATIONS: dict[str, type[nn.Module]] = {
    activation.__name__: activation for activation in (nn.Tanh, nn.ReLU, nn.GELU, nn.SiLU, nn.ELU)
}


def export_policy(policy: RoutedActorCriticPolicy, path: Path) -> None:
    """Write a policy's weights and what is needed to use them, atomically.

    Args:
        policy: The policy; its steering is not saved.
        path: The file, whose name ends in `.safetensors`; its folder is made.

    Raises:
        InputError: Another ending; a features extractor or activation that a file cannot name, or
            arguments of the extractor that JSON cannot hold.
    """
    if path.suffix != ".safetensors":
        raise InputError(f"{path}: give a name that ends in .safetensors.")
    try:
        content = described_bytes(policy.state_dict(), KEY, _describe(policy))
    except TypeError as error:
        raise InputError(
            f"The features extractor's arguments cannot be written as JSON ({error}). Give it "
            "numbers, texts and lists, or save the model with `save`."
        ) from None
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, content)


def load_exported(path: str | Path, device: str | torch.device = "cpu") -> RoutedActorCriticPolicy:
    """Load a policy that `export` wrote. Nothing in the file is executed.

    Args:
        path: The file.
        device: Where the weights shall live.

    Returns:
        The unsteered policy, for `predict` and `steer`.

    Raises:
        InputError: There is no such file, or it is damaged or something else.
    """
    if not Path(path).is_file():
        raise InputError(f"There is no file {path}. Give one that `model.export(path)` wrote.")
    with refusing_damage(path, "`export` wrote"):
        description, weights = read_described(path, KEY)
        policy = _build(description)
        policy.deploy = description.get("deploy")
        policy.load_state_dict(weights)
    policy.set_training_mode(False)
    return policy.to(device)


def _describe(policy: RoutedActorCriticPolicy) -> dict[str, Any]:
    """Everything that decides the networks, as plain values."""
    arguments = policy._get_constructor_parameters()
    return {
        "format": FORMAT,
        "observations": _describe_space(policy.observation_space),
        "actions": _describe_space(policy.action_space),
        "deploy": policy.deploy,
        "activation": _name(policy.activation_fn, ACTIVATIONS, "activation_fn"),
        "extractor": _name(policy.features_extractor_class, EXTRACTORS, "features extractor"),
        "extractor_arguments": policy.features_extractor_kwargs,
        **{name: arguments[name] for name in PLAIN},
    }


def _build(description: dict[str, Any]) -> RoutedActorCriticPolicy:
    """The policy that `_describe` described, with fresh weights."""
    if description["format"] > FORMAT:
        raise ValueError(f"format {description['format']}, this version reads up to {FORMAT}")
    with torch.random.fork_rng():
        return RoutedActorCriticPolicy(
            _space(description["observations"]),
            _space(description["actions"]),
            lambda progress: 0.0,
            activation_fn=ACTIVATIONS[description["activation"]],
            features_extractor_class=EXTRACTORS[description["extractor"]],
            features_extractor_kwargs=description["extractor_arguments"],
            ortho_init=False,
            # Files of before experts acted alone do not say who acts.
            **{name: description[name] for name in PLAIN if name in description},
        )


def _name(given: type, known: dict[str, Any], kind: str) -> str:
    if known.get(given.__name__) is not given:
        raise unknown_name(f"{kind} that a file can name", given.__name__, known)
    return given.__name__


def _describe_space(space: spaces.Space) -> dict[str, Any]:
    """A space as plain values; the bounds of a `Box` as numbers if they are the same everywhere."""
    if isinstance(space, spaces.Box):
        bounds = {"low": _bounds(space.low), "high": _bounds(space.high)}
        return {"kind": "Box", "shape": space.shape, "dtype": str(space.dtype)} | bounds
    if isinstance(space, spaces.Dict):
        # A list: the order of the parts is that of the features.
        parts = [[name, _describe_space(part)] for name, part in space.items()]
        return {"kind": "Dict", "parts": parts}
    if isinstance(space, spaces.MultiBinary):
        return {"kind": "MultiBinary", "shape": space.shape}
    if isinstance(space, spaces.MultiDiscrete):
        return {"kind": "MultiDiscrete", "counts": space.nvec.tolist()}
    assert isinstance(space, spaces.Discrete), "others are refused when a policy is made"
    return {"kind": "Discrete", "n": int(space.n)}


def _bounds(bounds: NDArray[Any]) -> float | list[Any]:
    return float(bounds.flat[0]) if (bounds == bounds.flat[0]).all() else bounds.tolist()


def _space(description: dict[str, Any] | int) -> spaces.Space:
    if isinstance(description, int):  # Files of before there were other actions.
        return spaces.Discrete(description)
    if description["kind"] == "Dict":
        return spaces.Dict([(name, _space(part)) for name, part in description["parts"]])
    if description["kind"] == "Box":
        shape, kind = tuple(description["shape"]), np.dtype(description["dtype"]).type
        low, high = (np.broadcast_to(description[end], shape) for end in ("low", "high"))
        return spaces.Box(low.astype(kind), high.astype(kind), shape, kind)
    if description["kind"] == "MultiBinary":
        sizes = description["shape"]
        return spaces.MultiBinary(sizes if len(sizes) > 1 else sizes[0])
    if description["kind"] == "MultiDiscrete":
        return spaces.MultiDiscrete(description["counts"])
    return spaces.Discrete(description["n"])
