"""Where a run learns."""

from __future__ import annotations

import torch

from routed_envs.errors import InputError


def device_named(name: str) -> torch.device:
    """The device of that name; `auto` takes a CUDA device if there is one.

    Raises:
        InputError: `cuda` was asked for and there is none.
    """
    available = torch.cuda.is_available()
    if name == "cuda" and not available:
        raise InputError("device='cuda', but PyTorch finds no CUDA device here. Give cpu or auto.")
    return torch.device("cuda" if available and name != "cpu" else "cpu")
