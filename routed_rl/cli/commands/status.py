"""`routed-rl status`."""

from __future__ import annotations

from dataclasses import dataclass

from routed_rl.cli.options import SweepArgument
from routed_rl.screen import screen


@dataclass(frozen=True)
class Status:
    """Say where a sweep stands, from any terminal: what is done, what runs, and what failed.

    Attributes:
        sweep: The sweep's folder.
    """

    sweep: SweepArgument

    def run(self) -> None:
        """Print the status, and the last lines of what failed."""
        from routed_rl.sweeps.display import picture
        from routed_rl.sweeps.survey import survey
        from routed_rl.sweeps.sweep_folder import SweepFolder

        status, console = survey(self.sweep), screen()
        console.print(picture(status))
        failures = SweepFolder(self.sweep).failures()
        for run in status.of("failed"):
            console.print(
                f"\n{run.words} ({run.name}) failed: {run.failure}",
                *(f"    {line}" for line in failures[run.name]["lines"]),
                sep="\n",
            )
