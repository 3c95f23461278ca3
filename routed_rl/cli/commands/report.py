"""`routed-rl report`."""

from __future__ import annotations

import sys
from dataclasses import dataclass

import routed_rl
from routed_rl.cli.options import OutFolder, SweepArgument
from routed_rl.cli.terminal import working
from routed_rl.naming import counted


@dataclass(frozen=True)
class Report:
    """Compare a sweep's runs on one HTML page, with every figure and every number beside it.

    Attributes:
        sweep: The sweep's folder.
        out: The page's folder. Left out, it is the folder report in the sweep's.
    """

    sweep: SweepArgument
    out: OutFolder = None

    def run(self) -> None:
        """Write the page, then say where it is and what is missing."""
        from routed_rl.cli.printing import print_page
        from routed_rl.sweeps.survey import survey

        with working(f"Comparing the runs in {self.sweep}"):
            page = routed_rl.write_sweep_report(self.sweep, self.out)
        status = survey(self.sweep)
        missing = len(status.runs) - len(status.of("finished"))
        if missing:
            runs = counted(len(status.runs), "run")
            print(f"{missing:,} of {runs} not finished yet.", file=sys.stderr)
        print_page(page)
