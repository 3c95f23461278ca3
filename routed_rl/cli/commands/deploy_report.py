"""`routed-rl deploy-report`."""

from __future__ import annotations

from dataclasses import dataclass

import routed_rl
from routed_envs.errors import check_probability
from routed_rl.cli.options import Flag, OutFolder, OwnEnv, OwnWorld, RunArgument
from routed_rl.screen import print_json


@dataclass(frozen=True)
class DeployReport:
    """Report what a run would do once deployed, and whether it behaves only when it is watched.

    One HTML page with every figure and every number beside it: exact where the world is small, else
    from sampled episodes, as in every environment.

    Attributes:
        run_folder: The folder of a finished run.
        false_alarm_rate: The share of good episodes that its monitor may flag, 0 to 1.
        out: The page's folder. Left out, it is the folder deployment of the run's.
        json: Print one JSON object instead of words: the `page`, and the rows of its tables:
            everyone's `figures`, the `changes` unwatched, and where they are known the `starts`
            and the `monitor`.
    """

    run_folder: RunArgument
    own_world: OwnWorld = None
    own_env: OwnEnv = None
    false_alarm_rate: float = 0.05
    out: OutFolder = None
    json: Flag = False

    def run(self) -> None:
        """Write the page, then print what changes unwatched, and where the page is."""
        from routed_rl.cli.policies import environment_run, given_world
        from routed_rl.cli.printing import print_numbers, print_page
        from routed_rl.deployment.deployment_report import report_deployment
        from routed_rl.deployment.exports.formats import deployment_folder

        check_probability("--false-alarm-rate", self.false_alarm_rate)
        run = environment_run(self.run_folder, self.own_world, self.own_env) or routed_rl.load_run(
            self.run_folder, world=given_world(self.run_folder, self.own_world)
        )
        folder = self.out or deployment_folder(self.run_folder)
        report = report_deployment(run, folder, self.false_alarm_rate)
        if self.json:
            tables = {name: table.rows() for name, table in report.tables.items()}
            print_json({"page": report.page, **tables})
            return
        print_numbers(report.tables["changes"], caption="unwatched minus watched")
        print_page(report.page)
