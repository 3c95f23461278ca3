"""`routed-rl report`."""

from __future__ import annotations

from dataclasses import dataclass

from routed_rl.cli.options import Flag, OutFolder, SweepArgument
from routed_rl.cli.terminal import working
from routed_rl.naming import counted
from routed_rl.screen import print_json, say


@dataclass(frozen=True)
class Report:
    """Compare a sweep's runs on one HTML page, with every figure and every number beside it.

    Attributes:
        sweep: The sweep's folder.
        out: The page's folder. Left out, it is the folder report in the sweep's.
        json: Print one JSON object instead of a table: the `page`, how many runs are `planned`, how
            many `finished`, the `missing` ones by method and oversight, and the `figures`, each
            with its mean and 95% interval over the seeds.
    """

    sweep: SweepArgument
    out: OutFolder = None
    json: Flag = False

    def run(self) -> None:
        """Write the page, then print the returns, where it is and what is missing."""
        from routed_rl.cli.printing import print_numbers, print_page
        from routed_rl.report.page import report_sweep

        with working(f"Comparing the runs in {self.sweep}"):
            report = report_sweep(self.sweep, self.out)
        if report.finished < report.planned:
            runs = counted(report.planned, "run")
            say(f"{report.planned - report.finished:,} of {runs} not finished yet.", error=True)
        if self.json:
            counts = {"planned": report.planned, "finished": report.finished}
            figures = [row for table in report.tables for row in table.rows()]
            tables = {"missing": report.missing.rows(), "figures": figures}
            print_json({"page": report.page, **counts, **tables})
            return
        print_numbers(report.tables[0], caption=report.caption)
        print_page(report.page)
