"""Saving a policy with all that is needed to use it, and loading it without running code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from routed_agents.files import write_atomically
from routed_agents.policies.networks import NetworkSettings, RoutedPolicyNetwork
from routed_agents.policies.policy import Policy
from routed_envs.errors import InputError
from routed_envs.gridworld.world import DiamondGhostWorld
from routed_envs.worlds import World
from routed_rl.runs.run_folder import FORMAT, RunFolder, check_format

KEY = "routed_rl"
"""The only metadata key; it holds JSON, so that equal content gives equal bytes."""
STABLE_BASELINES_KEY = "routed_agents.stable_baselines"
"""The key of a file that `RoutedPPO.export` wrote."""


def save_policy(policy: Policy, path: str | Path) -> None:
    """Write a policy's weights and description, atomically.

    Args:
        policy: The policy; a loaded one is steered as this one is.
        path: The file, in a folder that exists.
    """
    write_atomically(Path(path), policy_bytes(policy))


def policy_bytes(policy: Policy) -> bytes:
    """What `save_policy` writes.

    Args:
        policy: The policy, as it is steered.
    """
    weights = {
        name: w.detach().cpu().contiguous() for name, w in policy.network.state_dict().items()
    }
    return save(weights, {KEY: json.dumps(describe_policy(policy), sort_keys=True)})


def describe_policy(policy: Policy) -> dict[str, Any]:
    """All that is needed to use a policy's weights, as plain values.

    Args:
        policy: The policy, as it is steered.
    """
    description = {
        "format": FORMAT,
        "network": policy.network.settings.to_json(),
        "world": {"class": type(policy.world).__name__, "settings": policy.world.settings()},
        "deploy": policy.deploy,
        "seed": policy.seed,
    }
    return description if policy.steering is None else {**description, "steering": policy.steering}


def load_policy(
    path: str | Path, *, world: World[Any] | None = None, device: str | torch.device = "cpu"
) -> Policy:
    """Load a trained policy. Nothing in the file is executed.

    Args:
        path: A run's folder, or a policy file.
        world: The world of a policy that was trained in one of your own; ours is in the file.
        device: Where the weights shall live.

    Returns:
        The policy with its world, steered as the saved one was: a run's is unsteered.

    Raises:
        InputError: There is no such file, or it is truncated, corrupted or something else.
    """
    folder = RunFolder(Path(path))
    file = folder.policy if folder.path.is_dir() else folder.path
    if folder.config.is_file() and not file.is_file():
        state = "has lost its policy" if folder.result.exists() else "is not finished"
        raise InputError(f"The run in {path} {state}. Continue it with --resume.")
    if not file.is_file():
        raise InputError(
            f"There is no policy at {path}. Give the folder of a finished run, or the file "
            f"{folder.policy.name} in it."
        )
    try:
        with safe_open(file, "pt") as opened:
            metadata = opened.metadata() or {}
            if STABLE_BASELINES_KEY in metadata:
                raise InputError(
                    f"{file} holds a policy of stable-baselines3. Open it with "
                    "routed_agents.load_exported."
                )
            description = json.loads(metadata[KEY])
            names = opened.keys()
            weights = {name: opened.get_tensor(name) for name in names}
        check_format(file, description["format"])
        # Without storage at first: layers would draw their weights from the global generator.
        with torch.device("meta"):
            network = RoutedPolicyNetwork(NetworkSettings.from_json(description["network"]))
        network.load_state_dict(weights, assign=True)
        world = world if world is not None else _world(description["world"], file)
        deploy, steering = description["deploy"], description.get("steering")
        return Policy(network.to(device), world, deploy, steering, description["seed"])
    except InputError:
        raise
    except (SafetensorError, OSError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise InputError(
            f"{file} is no policy that routed-rl saved, or it is damaged ({error}). "
            "Give the folder of a finished run."
        ) from None


def _world(description: dict[str, Any], file: Path) -> World[Any]:
    """The world that the file describes, if it is ours."""
    if description["class"] != DiamondGhostWorld.__name__:
        raise InputError(
            f"The policy in {file} was trained in a {description['class']}, which the file cannot "
            "hold. Give it: load_policy(path, world=...)."
        )
    return DiamondGhostWorld(**description["settings"])
