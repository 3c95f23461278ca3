"""Saving a routed stable-baselines3 policy, or a part of it, so that opening runs no code."""

from __future__ import annotations

from collections.abc import Sequence
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
from routed_agents.files import writable, write_atomically
from routed_agents.policies.experts import checked_experts, gate_rows, restricted_steering
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
        policy: The policy; a loaded one is steered as this one is.
        path: The file, whose name ends in `.safetensors`; its folder is made.

    Raises:
        InputError: Another ending; a features extractor or activation that a file cannot name, or
            arguments of the extractor that JSON cannot hold.
    """
    if path.suffix != ".safetensors":
        raise InputError(f"{path}: give a name that ends in .safetensors.")
    content = policy_bytes(policy)
    write_atomically(writable(path), content)


def policy_bytes(policy: RoutedActorCriticPolicy) -> bytes:
    """What `export_policy` writes.

    Raises:
        InputError: As `export_policy`, but for the file's name.
    """
    try:
        return described_bytes(policy.state_dict(), KEY, describe_policy(policy))
    except TypeError as error:
        raise InputError(
            f"The features extractor's arguments cannot be written as JSON ({error}). Give it "
            "numbers, texts and lists, or save the model with `save`."
        ) from None


def load_exported(path: str | Path, device: str | torch.device = "cpu") -> RoutedActorCriticPolicy:
    """Load a policy that `export` wrote. Nothing in the file is executed.

    Args:
        path: The file.
        device: Where the weights shall live.

    Returns:
        The policy, for `predict` and `steer`, steered as the saved one was: a run's is unsteered.

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
        policy = policy.steer(description.get("steering"))
    policy.set_training_mode(False)
    return policy.to(device)


def keep_experts(
    policy: RoutedActorCriticPolicy, names: Sequence[str], keep_gate: bool = True
) -> RoutedActorCriticPolicy:
    """A smaller policy that holds only some experts, with weights of its own.

    The gate weighs those that stay as it did before, relative to each other.

    Args:
        policy: Stays as it is.
        names: The experts to keep, in any order; the policy's order stays.
        keep_gate: Leave out the gate's weights if False; it then weighs every expert the same.

    Raises:
        InputError: No name, a repeated one, or one that is no expert; or a features extractor or
            activation that a file cannot name.
    """
    kept = checked_experts(names, policy.experts)
    alone, gated = len(kept) == 1, keep_gate or policy.gate_kind == "none"
    smaller = _build(
        describe_policy(policy)
        | {"experts": kept, "gate": "none" if alone else policy.gate_kind if gated else "even"}
        | ({"acts": "mixture"} if alone else {})
    )
    rows = [policy.experts.index(name) for name in kept]
    smaller.load_state_dict(_kept_weights(policy, smaller, rows))
    deploy, steering = (
        restricted_steering(own, policy.experts, kept) for own in (policy.deploy, policy.steering)
    )
    smaller.deploy = deploy
    smaller.set_training_mode(False)
    return smaller.to(policy.device).steer(steering)


def _kept_weights(
    policy: RoutedActorCriticPolicy, smaller: RoutedActorCriticPolicy, rows: Sequence[int]
) -> dict[str, torch.Tensor]:
    """A smaller policy's weights, from those of one with more experts.

    Args:
        policy: With all experts.
        smaller: With those of the rows alone.
        rows: The experts that it has, by their places.
    """
    wanted, found = smaller.state_dict(), {}
    for name, weight in policy.state_dict().items():
        if name not in wanted:
            continue  # Another expert's, or the gate's.
        if weight.shape == wanted[name].shape:
            found[name] = weight
        elif name.startswith("mixture.gate."):
            found[name] = gate_rows(weight, rows)
        else:  # The spread of the actions, and the last layer of the values: a row for each.
            found[name] = weight[list(rows)]
    return found


def describe_policy(policy: RoutedActorCriticPolicy) -> dict[str, Any]:
    """Everything that decides the networks, as plain values.

    Raises:
        InputError: A features extractor or activation that a file cannot name.
    """
    arguments = policy._get_constructor_parameters()
    steered = {} if policy.steering is None else {"steering": policy.steering}
    return steered | {
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
    """The policy that `describe_policy` described, with fresh weights."""
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
