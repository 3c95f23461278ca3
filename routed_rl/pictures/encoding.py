"""Pictures in a row as a film: animated GIF, or MP4 (extra `video`)."""

from __future__ import annotations

import io
from collections.abc import Sequence
from itertools import chain, repeat
from pathlib import Path

import numpy as np
from PIL import Image

from routed_envs.errors import InputError
from routed_rl.extras import need
from routed_rl.runs.run_folder import FILM_ENDINGS

FRAME_MS, LAST_FRAME_MS = 450, 1800
"""A moment is shown so long, and an episode's last one."""
MOST_EPISODES = 1_000
"""A film of more lasts an hour."""


def check_film(path: Path) -> None:
    """Refuse a film that could not be written.

    Raises:
        InputError: Another ending than `FILM_ENDINGS`, or an MP4 without its packages.
    """
    if path.suffix.lower() not in FILM_ENDINGS:
        raise InputError(f"--out {path}: a film is a GIF or an MP4; end its name in .gif or .mp4.")
    if path.suffix.lower() == ".mp4":
        need("video", "An MP4", ("imageio", "av"))


def check_length(episodes: int) -> None:
    """Refuse a film of so many episodes that nobody could look at, or keep in memory.

    Raises:
        InputError: There are fewer than 1, or more than `MOST_EPISODES`.
    """
    if not 1 <= episodes <= MOST_EPISODES:
        raise InputError(f"episodes={episodes}: give at least 1, and at most {MOST_EPISODES:,}.")


def film_bytes(
    path: Path,
    pictures: Sequence[Image.Image],
    last: Sequence[bool],
    milliseconds: int = FRAME_MS,
) -> bytes:
    """A film's content, in the format of its ending.

    Args:
        path: Says the format.
        pictures: RGB, of one size.
        last: Whether each is the last of an episode, which is shown longer.
        milliseconds: How long each other one is shown.
    """
    make = _mp4 if path.suffix.lower() == ".mp4" else _gif
    return make(pictures, last, milliseconds)


def _gif(pictures: Sequence[Image.Image], last: Sequence[bool], milliseconds: int) -> bytes:
    buffer = io.BytesIO()
    # One palette for all frames: the colours must not flicker.
    endings = [picture for picture, end in zip(pictures, last, strict=True) if end]
    others = pictures[:: -(-len(pictures) // 20)]
    palette = beside([*endings[:20], *others]).quantize(255)
    paletted = [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures]
    paletted[0].save(
        buffer,
        "GIF",
        save_all=True,
        append_images=paletted[1:],
        duration=[LAST_FRAME_MS if end else milliseconds for end in last],
        loop=0,
        disposal=1,
    )
    return buffer.getvalue()


def beside(pictures: Sequence[Image.Image]) -> Image.Image:
    """Pictures of one size next to each other, RGB, at least one."""
    width, height = pictures[0].size
    joined = Image.new("RGB", (width * len(pictures), height))
    for i, picture in enumerate(pictures):
        joined.paste(picture, (i * width, 0))
    return joined


def _mp4(pictures: Sequence[Image.Image], last: Sequence[bool], milliseconds: int) -> bytes:
    """An H.264 film; an episode's last picture is repeated."""
    import imageio.v3  # Optional.

    shown = (
        repeat(_even(picture), max(1, LAST_FRAME_MS // milliseconds) if end else 1)
        for picture, end in zip(pictures, last, strict=True)
    )
    frames = list(chain.from_iterable(shown))
    return imageio.v3.imwrite(
        "<bytes>",
        frames,
        extension=".mp4",
        plugin="pyav",
        codec="libx264",
        fps=1000 / milliseconds,
    )


def _even(picture: Image.Image) -> np.ndarray:
    """The picture with a white row and column more where their number is odd: H.264 wants even."""
    width, height = picture.size
    padded = Image.new("RGB", (width + width % 2, height + height % 2), "#ffffff")
    padded.paste(picture)
    return np.asarray(padded)
