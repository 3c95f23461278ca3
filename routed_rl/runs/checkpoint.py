"""All of a run's state in one file, so that a resumed run ends in the same weights."""

from __future__ import annotations

import dataclasses
import io
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from routed_agents.files import write_atomically
from routed_agents.methods.early_stopping import Selector
from routed_agents.policies.networks import PlaneNetwork, RoutedPolicyNetwork
from routed_envs.errors import InputError
from routed_rl.runs.run_folder import FORMAT, check_format

DAMAGED = (
    OSError,
    EOFError,
    pickle.UnpicklingError,
    RuntimeError,
    LookupError,
    TypeError,
    ValueError,
    AttributeError,
)
"""What reading a file raises that is truncated, corrupted or something else."""


@dataclass
class TrainingState:
    """What changes while a run trains.

    Attributes:
        policy: The policy network.
        baseline: The value network.
        optimizer: Over the parameters of both.
        generator: The run's own, on its device.
        worlds: The running environments, a dataclass of tensors.
        observation: What they show, int8 [N, *observation_shape].
        memory: What the method's `relabel` remembers.
        selector: Keeps the best policy; None if the method keeps the last.
        identity: What makes the run this run and no other.
        update: The gradient steps taken.
        labels: The endings on a target that the method was told of.
        seconds: The time they took.
        log_bytes: The log's length.
    """

    policy: RoutedPolicyNetwork
    baseline: PlaneNetwork
    optimizer: torch.optim.Optimizer
    generator: torch.Generator
    worlds: Any
    observation: torch.Tensor
    memory: dict[str, torch.Tensor]
    selector: Selector | None
    identity: str
    update: int = 0
    labels: int = 0
    seconds: float = 0.0
    log_bytes: int = 0


def save_checkpoint(state: TrainingState, path: Path) -> None:
    """Write the state, atomically.

    Args:
        state: A state between two updates.
        path: The file, in a folder that exists.

    Raises:
        OSError: It could not be written; the old checkpoint is untouched.
    """
    fields = {
        field.name: getattr(state.worlds, field.name) for field in dataclasses.fields(state.worlds)
    }
    content = {
        "format": FORMAT,
        "identity": state.identity,
        "device": state.observation.device.type,
        "policy": state.policy.state_dict(),
        "baseline": state.baseline.state_dict(),
        "optimizer": state.optimizer.state_dict(),
        "generator": state.generator.get_state(),
        "worlds": fields,
        "observation": state.observation,
        "memory": state.memory,
        "selector": state.selector.state_dict() if state.selector else None,
        "update": state.update,
        "labels": state.labels,
        "seconds": state.seconds,
        "log_bytes": state.log_bytes,
    }
    # Into memory first: torch's own file writer reports a full disk as something else.
    buffer = io.BytesIO()
    torch.save(content, buffer)
    write_atomically(path, buffer.getvalue())


def load_checkpoint(state: TrainingState, path: Path) -> None:
    """Continue from a saved state. Nothing in the file is executed.

    Args:
        state: The state with which the same run starts; it is changed to the saved one.
        path: The file.

    Raises:
        InputError: The file is truncated, corrupted, or another run's.
    """
    try:
        device = state.observation.device
        content = torch.load(path, map_location=device, weights_only=True)
        check_format(path, content["format"])
        if content["identity"] != state.identity:
            raise ValueError("it was saved by a run of another configuration")
        _restore(state, content)
    except InputError:
        raise
    except DAMAGED as error:
        reason = str(error).strip().splitlines()[0][:200] if str(error).strip() else repr(error)
        raise InputError(
            f"{path} is no checkpoint of this run, or it is damaged ({reason}). "
            "Start again with --overwrite, or give another folder."
        ) from None


def _restore(state: TrainingState, content: dict[str, Any]) -> None:
    """Change a state to what a checkpoint holds."""
    state.policy.load_state_dict(content["policy"])
    state.baseline.load_state_dict(content["baseline"])
    state.optimizer.load_state_dict(content["optimizer"])
    if content["device"] == state.observation.device.type:
        state.generator.set_state(content["generator"].cpu())
    else:  # Generators of another kind of device cannot be continued, only started anew.
        state.generator.manual_seed(state.generator.initial_seed() + content["update"])
    state.worlds = dataclasses.replace(state.worlds, **content["worlds"])
    if state.selector:
        state.selector.load_state_dict(content["selector"])
    for name in ("observation", "memory", "update", "labels", "seconds", "log_bytes"):
        setattr(state, name, content[name])
