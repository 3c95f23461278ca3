"""Measuring a monitor: its curves at several levels of oversight, drawn and as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from routed_agents.files import writable_folder
from routed_agents.policies.policy import Policy
from routed_envs.errors import check_probability
from routed_rl.charts.canvas import our_look
from routed_rl.charts.markup import FIGURES
from routed_rl.charts.tables import NumberTable
from routed_rl.deployment.deployment_charts import draw_forewarnings
from routed_rl.deployment.deployment_tables import monitor_table
from routed_rl.deployment.early_warning import Forewarning, forewarnings, watched_actors
from routed_rl.evaluation.sampled import check_episodes
from routed_rl.evaluation.steerings import deployed_actor, oversight_levels
from routed_rl.screen import More, counting, ignored
from routed_rl.training.run import AnyPolicy, EnvironmentRun

USUAL_LEVELS = 3
"""Nobody watches, as in training, and everybody."""


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
    progress: bool = True,
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
        progress: Show a bar if standard error is a terminal.

    Raises:
        InputError: The policy has no learned gate, or something else cannot be used.
    """
    check_probability("false_alarm_rate", false_alarm_rate)
    check_episodes(2 if episodes is None else episodes)
    asked = policy if isinstance(policy, Policy) else policy.policy
    with counting("Following episodes", curve_count(asked, oversight), progress) as more:
        found = curves_of(policy, oversight, expert, episodes, seed, more)
        folder, deployed = writable_folder(Path(out) / FIGURES), deployed_actor(asked)
        with our_look():
            draw_forewarnings(found, false_alarm_rate, deployed).save(folder)
    table = monitor_table(found, false_alarm_rate, deployed)
    table.save(folder)
    return MonitorMeasurement(found, table, folder / "monitor.png")


def curve_count(policy: AnyPolicy, oversight: Sequence[float] | None = None) -> int:
    """How many curves `curves_of` makes: for each level of oversight one for each actor."""
    levels = USUAL_LEVELS if oversight is None else len(oversight)
    return levels * len(watched_actors(policy))


def curves_of(
    policy: Policy | EnvironmentRun,
    oversight: Sequence[float] | None = None,
    expert: str | None = None,
    episodes: int | None = None,
    seed: int = 0,
    more: More = ignored,
) -> list[Forewarning]:
    """The curves of a policy in its world, or of a run in its environment.

    Args:
        policy: As in `measure_monitor`, and the following.
        oversight: The levels.
        expert: Whose weight is watched.
        episodes: Of each curve that is sampled.
        seed: Of the sample.
        more: Is told of each curve, as it is made.

    Raises:
        InputError: As `measure_monitor`; or what is to be foretold always or never happens.
    """
    for level in oversight or ():
        check_probability("oversight", level)
    named = None if oversight is None else {f"{level:g}": level for level in oversight}
    if not isinstance(policy, Policy):
        # Slow to import.
        from routed_rl.deployment.environment_warning import environment_forewarnings

        settings: dict[str, Any] = {"episodes": episodes, "seed": seed, "more": more}
        return environment_forewarnings(policy, named, expert, **settings)
    worlds = oversight_levels(policy.world)
    if named is not None:
        worlds = {name: policy.world.with_oversight(level) for name, level in named.items()}
    count = 10_000 if episodes is None else episodes
    return forewarnings(policy, worlds, expert, episodes=count, seed=seed, more=more)
