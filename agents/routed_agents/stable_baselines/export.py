"""Saving a routed stable-baselines3 policy so that opening the file runs no code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor, FlattenExtractor, NatureCNN
from torch import nn

from routed_agents.described_file import described_bytes, read_described, refusing_damage
from routed_agents.files import write_atomically
from routed_agents.stable_baselines.actor_critic import RoutedActorCriticPolicy
from routed_agents.stable_baselines.extractor import SmallCnn
from routed_envs.errors import InputError, unknown_name

KEY = "routed_agents.stable_baselines"
FORMAT = 1
PLAIN = ("net_arch", "normalize_images", "experts", "gate", "shared", "routing")
"""These arguments of a policy are written as they are."""
EXTRACTORS: dict[str, type[BaseFeaturesExtractor]] = {
    extractor.__name__: extractor for extractor in (FlattenExtractor, SmallCnn, NatureCNN)
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
        policy.load_state_dict(weights)
    policy.set_training_mode(False)
    return policy.to(device)


def _describe(policy: RoutedActorCriticPolicy) -> dict[str, Any]:
    """Everything that decides the networks, as plain values."""
    arguments = policy._get_constructor_parameters()
    return {
        "format": FORMAT,
        "observations": _describe_space(policy.observation_space),
        "actions": int(policy.action_space.n),  # pyright: ignore[reportAttributeAccessIssue]
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
            spaces.Discrete(description["actions"]),
            lambda progress: 0.0,
            activation_fn=ACTIVATIONS[description["activation"]],
            features_extractor_class=EXTRACTORS[description["extractor"]],
            features_extractor_kwargs=description["extractor_arguments"],
            ortho_init=False,
            **{name: description[name] for name in PLAIN},
        )


def _name(given: type, known: dict[str, Any], kind: str) -> str:
    if known.get(given.__name__) is not given:
        raise unknown_name(f"{kind} that a file can name", given.__name__, known)
    return given.__name__


def _describe_space(space: spaces.Space) -> dict[str, Any]:
    """A space as plain values; of a `Box` only the shape, the type and the bounds' extremes."""
    if isinstance(space, spaces.Box):
        bounds = {"low": float(space.low.min()), "high": float(space.high.max())}
        return {"kind": "Box", "shape": space.shape, "dtype": str(space.dtype)} | bounds
    if isinstance(space, spaces.MultiBinary):
        return {"kind": "MultiBinary", "shape": space.shape}
    assert isinstance(space, spaces.Discrete), "others are refused when a policy is made"
    return {"kind": "Discrete", "n": int(space.n)}


def _space(description: dict[str, Any]) -> spaces.Space:
    if description["kind"] == "Box":
        low, high = description["low"], description["high"]
        return spaces.Box(
            low, high, tuple(description["shape"]), np.dtype(description["dtype"]).type
        )
    if description["kind"] == "MultiBinary":
        return spaces.MultiBinary(description["shape"])
    return spaces.Discrete(description["n"])
