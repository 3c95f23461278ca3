"""Products of narrower numbers, for a processor that has them."""

from __future__ import annotations

import torch

from routed_envs.errors import InputError
from routed_rl.config import Precision

CPU_PRODUCTS = ("avx512_bf16", "amx_bf16", "bf16", "sve_bf16")
"""What a processor may have, by PyTorch's names, of which each means products of bfloat16."""


def products(precision: Precision, device: torch.device) -> torch.autocast:
    """A context in which matrices are multiplied in that precision, weights staying float32.

    bfloat16 has the range of float32 with eight bits of precision, and products are summed in
    float32: no loss has to be scaled (Kalamkar et al., arXiv 1905.12322, section 3).
    """
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16")


def check_precision(precision: Precision, device: torch.device) -> None:
    """Refuse bfloat16 where it would be imitated, which takes longer than float32.

    Raises:
        InputError: PyTorch finds no such products on the device.
    """
    if precision == "float32":
        return
    if device.type == "cuda":
        there = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        # PyTorch tells of a processor since 2.10; before, nothing is known of it.
        capable = getattr(torch.cpu, "get_capabilities", dict)()
        there = any(capable.get(name) for name in CPU_PRODUCTS)
    if not there:
        raise InputError(
            f"precision='bfloat16', but PyTorch finds that device {device.type!r} of this machine "
            "does not multiply such numbers itself; imitated they take longer. Give float32."
        )
