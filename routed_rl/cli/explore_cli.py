"""The command line's part for looking inside policies: `routed-rl explore`.

Imports nothing heavy until a command runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro


@dataclass(frozen=True)
class Explore:
    """Write one HTML page that holds a policy, or two side by side, and opens without a server.

    Move the agent and the targets, switch oversight, turn the dial from one expert through the
    learned gate to the other, step through the training's snapshots (`train --snapshots 5`), and
    read the exact figures of any placement.

    Attributes:
        runs: One or two folders of finished runs, or policy files.
        experts: The experts at the left and the right end of the dial. Left out, the second and
            the first one: ghost and diamond.
        out: The page, a name that ends in .html. Left out, it is explorer.html in the first run's
            folder.
    """

    runs: Annotated[
        tuple[Path, ...],
        tyro.conf.Positional,
        tyro.conf.arg(metavar="RUN [RUN2]", help_behavior_hint=""),
    ] = ()
    experts: Annotated[
        tuple[str, str] | None, tyro.conf.arg(metavar="LEFT RIGHT", help_behavior_hint="")
    ] = None
    out: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="")] = None

    def run(self) -> None:
        """Write the page, then say where it is."""
        from routed_rl.cli.explore_commands import explore_command

        explore_command(self.runs, self.experts, self.out)
