"""Saving a policy with all that is needed to use it, and loading it without running code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from routed_agents.described_file import described_bytes, read_described, refusing_damage
from routed_agents.files import write_atomically
from routed_agents.policies.first_layers import FirstLayer
from routed_agents.policies.networks import NetworkSettings, RoutedPolicyNetwork, without_storage
from routed_agents.policies.policy import Policy
from routed_envs.errors import InputError
from routed_envs.gridworld.world import DiamondGhostWorld
from routed_envs.worlds import World
from routed_rl.runs.devices import usable_device
from routed_rl.runs.run_folder import FORMAT, RunFolder, check_format, read_disposable

KEY = "routed_rl"


def save_policy(policy: Policy, path: str | Path) -> None:
    """Write a policy's weights and description, atomically.

    Args:
        policy: The policy; a loaded one is steered as this one is.
        path: The file, in a folder that exists.
    """
    write_atomically(Path(path), policy_bytes(policy))


def policy_bytes(policy: Policy) -> bytes:
    """What `save_policy` writes."""
    return described_bytes(policy.network.state_dict(), KEY, describe_policy(policy))


def describe_policy(policy: Policy) -> dict[str, Any]:
    """All that is needed to use a policy's weights, as plain values."""
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
        InputError: There is no such file, or it is truncated, corrupted or something else; or the
            world has other observations or actions; or the device is not there.
    """
    file, place = _policy_at(path), usable_device(device)
    with refusing_damage(file, "routed-rl saved", " Give the folder of a finished run."):
        description, weights = read_described(file, KEY)
        check_format(file, description["format"])
        if any(weight.dtype != torch.float32 for weight in weights.values()):
            raise ValueError("not every weight is float32")
        with without_storage():
            network = RoutedPolicyNetwork(NetworkSettings.from_json(description["network"]))
        network.load_state_dict(weights, assign=True)
        for layer in network.modules():
            if isinstance(layer, FirstLayer):
                layer.lay_out()
        if world is None:
            world = _world(description["world"], file)
        _check_fit(network.settings, world, file)
        deploy, steering = description["deploy"], description.get("steering")
        return Policy(network.to(place), world, deploy, steering, description["seed"])


def _policy_at(path: str | Path) -> Path:
    """The policy file that a run's folder holds, or that the path names."""
    folder = RunFolder(Path(path))
    file = folder.policy if folder.path.is_dir() else folder.path
    config = read_disposable(folder.config).get("config") if folder.path.is_dir() else None
    if isinstance(config, dict) and "env" in config:
        raise InputError(
            f"{path} is a run in {config['env']}, and this needs the gridworld or a world of one's "
            "own. `routed-rl evaluate` judges the run, `render` films it, `load_run` loads it."
        )
    if isinstance(config, dict) and "study" in config:
        raise InputError(
            f"{path} is a run of the study {config['study']}, which trains a network and no "
            f"policy. `routed-rl study {config['study']}` trains and reports; load_study reads it."
        )
    if folder.config.is_file() and not file.is_file():
        state = "has lost its policy" if folder.result.exists() else "is not finished"
        raise InputError(f"The run in {path} {state}. Continue it with --resume.")
    if not file.is_file():
        raise InputError(
            f"There is no policy at {path}. Give the folder of a finished run, or the file "
            f"{folder.policy.name} in it."
        )
    return file


def _world(description: dict[str, Any], file: Path) -> World[Any]:
    """The world that the file describes, if it is ours."""
    if description["class"] != DiamondGhostWorld.__name__:
        raise InputError(
            f"The policy in {file} was trained in a {description['class']}, which the file cannot "
            "hold. Give it: load_policy(path, world=...), or --world module:object."
        )
    return DiamondGhostWorld(**description["settings"])


def _check_fit(network: NetworkSettings, world: World[Any], file: Path) -> None:
    """Refuse a world in which the policy could not act."""
    seen, offered = tuple(network.observation_shape), tuple(world.observation_shape)
    if (seen, network.actions) != (offered, world.actions):
        raise InputError(
            f"The policy in {file} sees observations of {seen} and has {network.actions} actions; "
            f"a {type(world).__name__} shows {offered} and takes {world.actions}. Give the world "
            "in which it was trained."
        )
