"""The command line's part for pictures: `routed-rl render`.

Imports nothing heavy until a command runs.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from routed_rl.cli.options import STEER_HELP, Flag, Oversight, WorldOptions, optional


@dataclass(frozen=True)
class Render:
    """Draw a trained policy: films of rollouts, a contact sheet, and what each expert would do.

    The film and the sheet show who was asked for with --steer; another film shows the mixture and
    every expert side by side, from the same starts.

    Attributes:
        run_folder: The folder of a finished run, or a policy file.
        steer: Who acts in the film.
        world: The world's oversight.
        episodes: Episodes of the film.
        start: Where every episode starts, as rows and columns from 0, with the squares that are
            watched: agent=4,0 diamond=0,4 ghost=2,2 watched=0,4. Left out, by chance.
        failures: Show episodes that end on the ghost although the diamond could be reached.
        deterministic: Take the likeliest action instead of sampling.
        seed: Decides the starts and the actions.
        out: The film's file, a GIF, or an MP4 (pip install "routed-rl[video]"). Everything else
            goes beside it.
    """

    run_folder: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]
    steer: Annotated[str, tyro.conf.arg(help=STEER_HELP)] = "deploy"
    world: WorldOptions = field(default_factory=Oversight)
    episodes: int = 4
    start: Annotated[tuple[str, ...] | None, optional("THING=ROW,COL [...]")] = None
    failures: Flag = False
    deterministic: Flag = False
    seed: int = 0
    out: Annotated[Path | None, optional("FILE")] = None

    def run(self) -> None:
        """Draw, then print where the pictures are."""
        from routed_rl.cli.render_commands import render_command

        render_command(
            self.run_folder,
            self.steer,
            asdict(self.world),
            self.out,
            start=self.start,
            failures=self.failures,
            episodes=self.episodes,
            deterministic=self.deterministic,
            seed=self.seed,
        )
