"""Writing files so that nobody ever sees half of one."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def write_atomically(path: Path, content: bytes) -> None:
    """Replace a file as a whole: readers see the old content or the new, never a part.

    Args:
        path: In a folder that exists.
        content: The new content.

    Raises:
        OSError: It could not be written (a full disk, say); the old file is untouched.
    """
    # Named by the process: two that write the same file do not write into each other's.
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
