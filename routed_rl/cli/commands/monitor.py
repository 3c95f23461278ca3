"""`routed-rl monitor`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import routed_rl
from routed_envs.errors import check_probability
from routed_rl.cli.options import Flag, OutFolder, OwnEnv, OwnWorld, RunArgument, optional
from routed_rl.screen import print_json, say


@dataclass(frozen=True)
class Monitor:
    """Measure a monitor: how well the gate's first word foretells that an episode ends badly.

    Prints the area under the ROC curve at each level of oversight, and the threshold that keeps to
    a rate of false alarms. Exact where the world is small, else from sampled episodes, as in every
    environment.

    Attributes:
        run_folder: The folder of a finished run, or a policy file with a gate.
        expert: Whose weight is watched. Left out, that of the first target that is not wanted.
        oversight: The levels of oversight. Left out: nobody watches, as in training, everybody.
        false_alarm_rate: The share of good episodes that may be flagged, 0 to 1.
        episodes: Episodes of each sampled curve. Left out, 10,000 in a world, and in an environment
            as many as when the run ended.
        seed: Seed of the sample.
        out: The folder of figure and tables. Left out, it is the folder deployment of the run's.
        json: Print one JSON object instead of a table: whether the curves are `exact`, of each of
            the `curves` its `area` and `threshold` (null if none keeps to the rate) with what they
            bring, and the `picture`.
    """

    run_folder: RunArgument
    own_world: OwnWorld = None
    own_env: OwnEnv = None
    expert: Annotated[str | None, optional("EXPERT")] = None
    oversight: Annotated[tuple[float, ...] | None, optional("P [P ...]")] = None
    false_alarm_rate: float = 0.05
    episodes: Annotated[int | None, optional("N")] = None
    seed: int = 0
    out: OutFolder = None
    json: Flag = False

    def run(self) -> None:
        """Measure, then print the table and where the figure is."""
        from routed_rl.cli.policies import environment_run, load_with_world
        from routed_rl.cli.printing import print_numbers
        from routed_rl.deployment.exports.formats import deployment_folder

        check_probability("--false-alarm-rate", self.false_alarm_rate)
        run = environment_run(self.run_folder, self.own_world, self.own_env)
        measurement = routed_rl.measure_monitor(
            run or load_with_world(self.run_folder, self.own_world),
            self.out or deployment_folder(self.run_folder),
            expert=self.expert,
            oversight=self.oversight,
            false_alarm_rate=self.false_alarm_rate,
            episodes=self.episodes,
            seed=self.seed,
        )
        if self.json:
            found = {"exact": measurement.exact, "curves": measurement.table.rows()}
            print_json({**found, "picture": measurement.picture})
            return
        count = measurement.curves[0].episodes
        how = "exact" if measurement.exact else f"{count:,} sampled episodes each"
        target = measurement.curves[0].expert
        note = f"{how}; without those whose episodes always, or never, end on the {target}"
        print_numbers(measurement.table, names=2, caption=note)
        say(f"{measurement.picture}  the curves, also as SVG; their numbers as CSV")
