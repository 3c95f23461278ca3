"""`routed-rl explore`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

import routed_rl
from routed_envs.errors import InputError
from routed_rl.cli.options import File, OwnWorld, optional
from routed_rl.cli.terminal import working
from routed_rl.screen import say


@dataclass(frozen=True)
class Explore:
    """Write one HTML page that holds a policy, or two side by side, and opens without a server.

    Move the agent and the targets, switch oversight, turn the dial from one expert through the
    learned gate to the other, step through the training's snapshots (`train --snapshots 5`), and
    read the exact figures of any placement. Of a world of one's own whose states can be listed,
    walk from state to state: who would do what, and how episodes end.

    Attributes:
        runs: One or two folders of finished runs, or policy files.
        experts: The experts at the left and the right end of the gridworld's dial. Left out, the
            second and the first one: ghost and diamond.
        out: The page, a name that ends in .html. Left out, it is explorer.html in the first run's
            folder.
    """

    runs: Annotated[tuple[Path, ...], tyro.conf.Positional, optional("RUN [RUN2]")] = ()
    own_world: OwnWorld = None
    experts: Annotated[tuple[str, str] | None, optional("LEFT RIGHT")] = None
    out: File = None

    def run(self) -> None:
        """Write the page, then say where it is.

        Raises:
            InputError: No policy was named.
        """
        if not self.runs:
            raise InputError(
                "Say which policy to look at: routed-rl explore RUN, or two: RUN RUN2. A RUN is "
                "the folder that `routed-rl train --out` made."
            )
        from routed_rl.training.own_world import own_world

        world = None if self.own_world is None else own_world(self.own_world)
        with working("Writing the page"):
            page = routed_rl.explore(*self.runs, out=self.out, experts=self.experts, world=world)
        size = page.stat().st_size / 1e6
        say(f"{page}  open it in a browser ({size:.1f} MB, needs nothing else)")
