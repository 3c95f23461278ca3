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
    policy: Policy,
    out: str | Path,
    *,
    expert: str | None = None,
    oversight: Sequence[float] | None = None,
    false_alarm_rate: float = 0.05,
    episodes: int = 10_000,
    seed: int = 0,
) -> MonitorMeasurement:
    """Measure how well the gate's first word foretells that an episode ends badly.

    Args:
        policy: With a learned gate; its own steering does not matter.
        out: The folder in whose `figures` the curves and the tables go.
        expert: Whose weight is watched; that of the first unwanted target's if None.
        oversight: The levels of oversight, 0 to 1; nobody, as in training and everybody if None.
        false_alarm_rate: Of the table's thresholds, 0 to 1.
        episodes: Episodes that are sampled where the world is large, at least 2.
        seed: Of the sample.

    Raises:
        InputError: The policy has no learned gate, or something else cannot be used.
    """
    check_probability("false_alarm_rate", false_alarm_rate)
    check_episodes(episodes)
    worlds = oversight_levels(policy.world)
    if oversight is not None:
        worlds = {f"{level:g}": policy.world.with_oversight(level) for level in oversight}
    curves = forewarnings(policy, worlds, expert, episodes=episodes, seed=seed)
    deployed, folder = deployed_actor(policy), writable_folder(Path(out) / FIGURES)
    table = monitor_table(curves, false_alarm_rate, deployed)
    with our_look():
        draw_forewarnings(curves, false_alarm_rate, deployed).save(folder)
    table.save(folder)
    return MonitorMeasurement(curves, table, folder / "monitor.png")
