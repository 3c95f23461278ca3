"""The random numbers of a run that draws from the global generators, as stable-baselines3 does."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from routed_rl.evaluation.sampled import seeded

Numbers = dict[str, Any]
"""Where the three global generators stand, as tensors and plain values."""


def read_generators() -> Numbers:
    """Where PyTorch's, NumPy's and Python's generators stand."""
    kind, keys, place, has_gauss, gauss = np.random.get_state(legacy=True)  # noqa: NPY002
    version, state, gauss_next = random.getstate()
    found = {
        "torch": torch.get_rng_state(),
        "numpy": torch.from_numpy(np.asarray(keys).astype(np.int64)),
        "numpy_rest": [str(kind), int(place), int(has_gauss), float(gauss)],
        "python": torch.tensor(state),
        "python_rest": [version, gauss_next],
    }
    if torch.cuda.is_initialized():
        found["cuda"] = torch.cuda.get_rng_state_all()
    return found


def write_generators(numbers: Numbers) -> None:
    """Let the generators go on from where `read_generators` found them."""
    torch.set_rng_state(numbers["torch"])
    kind, *rest = numbers["numpy_rest"]
    np.random.set_state((kind, numbers["numpy"].numpy().astype(np.uint32), *rest))  # noqa: NPY002
    version, gauss_next = numbers["python_rest"]
    random.setstate((version, tuple(numbers["python"].tolist()), gauss_next))
    if "cuda" in numbers and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(numbers["cuda"])


@contextmanager
def generators_kept() -> Iterator[None]:
    """Whatever is drawn inside, outside the generators stand where they stood."""
    before = read_generators()
    try:
        yield
    finally:
        write_generators(before)


@contextmanager
def drawn_from(seed: int) -> Iterator[None]:
    """What is drawn inside follows from a seed; outside the generators stand where they stood.

    Raises:
        InputError: The seed is negative or too large.
    """
    seeded(seed)
    with generators_kept():
        torch.manual_seed(seed)
        yield
