"""`routed-rl deploy-report`."""

from __future__ import annotations

from dataclasses import dataclass

import routed_rl
from routed_envs.errors import check_probability
from routed_rl.cli.options import OutFolder, OwnEnv, OwnWorld, RunArgument
from routed_rl.cli.terminal import working


@dataclass(frozen=True)
class DeployReport:
    """Report what a run would do once deployed, and whether it behaves only when it is watched.

    One HTML page with every figure and every number beside it: exact where the world is small, else
    from sampled episodes, as in every environment.

    Attributes:
        run_folder: The folder of a finished run.
        false_alarm_rate: The share of good episodes that its monitor may flag, 0 to 1.
        out: The page's folder. Left out, it is the folder deployment of the run's.
    """

    run_folder: RunArgument
    own_world: OwnWorld = None
    own_env: OwnEnv = None
    false_alarm_rate: float = 0.05
    out: OutFolder = None

    def run(self) -> None:
        """Write the page, then say where it is."""
        from routed_rl.cli.policies import environment_run, given_world
        from routed_rl.cli.printing import print_page
        from routed_rl.deployment.formats import deployment_folder

        check_probability("--false-alarm-rate", self.false_alarm_rate)
        run = environment_run(self.run_folder, self.own_world, self.own_env) or routed_rl.load_run(
            self.run_folder, world=given_world(self.run_folder, self.own_world)
        )
        folder = self.out or deployment_folder(self.run_folder)
        with working(f"Following episodes of {self.run_folder} to their end"):
            page = routed_rl.write_deployment_report(run, folder, self.false_alarm_rate)
        print_page(page)
