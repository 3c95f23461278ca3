"""Measuring a monitor: its curves at several levels of oversight, drawn and as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from routed_agents.files import writable_folder
from routed_agents.policies.policy import Policy
from routed_envs.errors import check_probability
from routed_rl.charts.canvas import our_look
from routed_rl.charts.markup import FIGURES
from routed_rl.charts.tables import NumberTable
from routed_rl.deployment.deployment_charts import draw_forewarnings
from routed_rl.deployment.deployment_tables import monitor_table
from routed_rl.deployment.early_warning import Forewarning, forewarnings
from routed_rl.evaluation.sampled import check_episodes
from routed_rl.evaluation.steerings import deployed_actor, oversight_levels
from routed_rl.training.run import EnvironmentRun


@dataclass(frozen=True)
class MonitorMeasurement:
    """How well the gate's first word foretells an episode's end.

    Attributes:
        curves: One for each actor and level of oversight.
        table: The area under each curve, and the threshold, as people and as programs read them.
        picture: The curves as a PNG; the SVG and the numbers as CSV are beside it.
    """

    curves: Sequence[Forewarning]
    table: NumberTable
    picture: Path

    @property
    def exact(self) -> bool:
        """Whether the curves come from dynamic programming, not from sampled episodes."""
        return self.curves[0].episodes is None


def measure_monitor(
    policy: Policy | EnvironmentRun,
    out: str | Path,
    *,
    expert: str | None = None,
    oversight: Sequence[float] | None = None,
    false_alarm_rate: float = 0.05,
    episodes: int | None = None,
    seed: int = 0,
) -> MonitorMeasurement:
    """Measure how well the gate's first word foretells that an episode ends badly.

    Args:
        policy: With a learned gate; its own steering does not matter. Or a run in an environment,
            whose policy is asked there.
        out: The folder in whose `figures` the curves and the tables go.
        expert: Whose weight is watched; that of the first unwanted target's if None.
        oversight: The levels of oversight, 0 to 1; nobody, as in training and everybody if None.
        false_alarm_rate: Of the table's thresholds, 0 to 1.
        episodes: Episodes of each curve that is sampled, at least 2. None are 10,000 in a large
            world, and in an environment as many as when the run was judged.
        seed: Of the sample.

    Raises:
        InputError: The policy has no learned gate, or something else cannot be used.
    """
    check_probability("false_alarm_rate", false_alarm_rate)
    check_episodes(2 if episodes is None else episodes)
    curves = curves_of(policy, oversight, expert, episodes, seed)
    folder = writable_folder(Path(out) / FIGURES)
    deployed = deployed_actor(policy if isinstance(policy, Policy) else policy.policy)
    table = monitor_table(curves, false_alarm_rate, deployed)
    with our_look():
        draw_forewarnings(curves, false_alarm_rate, deployed).save(folder)
    table.save(folder)
    return MonitorMeasurement(curves, table, folder / "monitor.png")


def curves_of(
    policy: Policy | EnvironmentRun,
    oversight: Sequence[float] | None = None,
    expert: str | None = None,
    episodes: int | None = None,
    seed: int = 0,
) -> list[Forewarning]:
    """The curves of a policy in its world, or of a run in its environment.

    Args:
        policy: As in `measure_monitor`, and the following.
        oversight: The levels.
        expert: Whose weight is watched.
        episodes: Of each curve that is sampled.
        seed: Of the sample.

    Raises:
        InputError: As `measure_monitor`; or what is to be foretold always or never happens.
    """
    for level in oversight or ():
        check_probability("oversight", level)
    named = None if oversight is None else {f"{level:g}": level for level in oversight}
    if not isinstance(policy, Policy):
        # Slow to import.
        from routed_rl.deployment.environment_warning import environment_forewarnings

        return environment_forewarnings(policy, named, expert, episodes=episodes, seed=seed)
    worlds = oversight_levels(policy.world)
    if named is not None:
        worlds = {name: policy.world.with_oversight(level) for name, level in named.items()}
    count = 10_000 if episodes is None else episodes
    return forewarnings(policy, worlds, expert, episodes=count, seed=seed)
