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


def usable_device(device: str | torch.device) -> torch.device:
    """A device on which tensors can live here.

    Args:
        device: As PyTorch names it.

    Raises:
        InputError: There is no such device here.
    """
    try:
        return torch.empty(0, device=device).device
    except (RuntimeError, AssertionError) as error:  # The latter where PyTorch is for CPUs alone.
        reason = str(error).splitlines()[0]
        raise InputError(
            f"device={str(device)!r} cannot be used here: {reason} Give cpu, or cuda where there "
            "is a CUDA device."
        ) from None
