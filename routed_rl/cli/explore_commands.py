"""What the commands for looking inside policies do and print."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from routed_envs.errors import InputError
from routed_rl.pictures.explorer.page_writer import explore


def explore_command(runs: Sequence[Path], experts: Sequence[str] | None, out: Path | None) -> None:
    """Write an explorer, then say where it is.

    Args:
        runs: One or two run folders or policy files.
        experts: The ends of the dial, or None for the usual ones.
        out: The page; in the first run's folder if None.

    Raises:
        InputError: Something cannot be used; nothing was written.
    """
    if not runs:
        raise InputError(
            "Say which policy to look at: routed-rl explore RUN, or two: RUN RUN2. A RUN is the "
            "folder that `routed-rl train --out` made."
        )
    with Console(stderr=True).status("Writing the page"):
        page = explore(*runs, out=out, experts=experts)
    print(f"{page}  open it in a browser ({page.stat().st_size / 1e6:.1f} MB, needs nothing else)")
