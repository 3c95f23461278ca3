"""All of a run's state in one file, so that a resumed run ends in the same weights."""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any, Protocol

import torch

from routed_agents.files import write_atomically
from routed_envs.errors import InputError
from routed_rl.runs.identity import differences, read_identity
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


class Resumable(Protocol):
    """A state that a checkpoint can hold, whatever is trained."""

    @property
    def identity(self) -> str:
        """What makes the run this run and no other."""
        ...

    @property
    def device(self) -> torch.device:
        """Where its tensors live."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """The state, as tensors, numbers, strings and containers of them."""
        ...

    def load_state_dict(self, content: dict[str, Any]) -> None:
        """Take over what `state_dict` gave."""
        ...


def save_checkpoint(state: Resumable, path: Path) -> None:
    """Write the state, atomically.

    Args:
        state: A state between two updates.
        path: The file, in a folder that exists.

    Raises:
        OSError: It could not be written; the old checkpoint is untouched.
    """
    content = {"format": FORMAT, "identity": state.identity, **state.state_dict()}
    # Into memory first: torch's own file writer reports a full disk as something else.
    buffer = io.BytesIO()
    torch.save(content, buffer)
    write_atomically(path, buffer.getvalue())


def load_checkpoint(state: Resumable, path: Path) -> None:
    """Continue from a saved state. Nothing in the file is executed.

    Args:
        state: The state with which the same run starts; it is changed to the saved one.
        path: The file.

    Raises:
        InputError: The file is truncated, corrupted, or another run's.
    """
    try:
        content = torch.load(path, map_location=state.device, weights_only=True)
        check_format(path, content["format"])
        if differences(read_identity(content["identity"]), read_identity(state.identity)):
            raise ValueError("it was saved by a run of another configuration")
        state.load_state_dict(content)
    except InputError:
        raise
    except DAMAGED as error:
        reason = str(error).strip().splitlines()[0][:200] if str(error).strip() else repr(error)
        raise InputError(
            f"{path} is no checkpoint of this run, or it is damaged ({reason}). "
            "Start again with --overwrite, or give another folder."
        ) from None
