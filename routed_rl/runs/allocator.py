"""What training asks of the C library's allocator."""

from __future__ import annotations

import ctypes
import sys

MMAP_THRESHOLD, TRIM_THRESHOLD = -3, -1
"""Names of settings in glibc's `malloc.h`."""
KEPT = 1 << 30
"""Bytes: larger than any tensor of a run of usual size."""


def keep_memory() -> None:
    """Let freed memory be used again instead of giving it back to the system at once.

    Else every tensor of a few hundred kilobytes is new pages, which the system clears first: up to
    a tenth of an update. Only glibc can be asked; elsewhere nothing happens.
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(MMAP_THRESHOLD, KEPT)
        mallopt(TRIM_THRESHOLD, KEPT)
