"""What the commands for deployment do and print."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib import rc_context
from rich import box
from rich.console import Console
from rich.table import Table

from routed_agents.files import writable_folder
from routed_agents.policies.policy import Policy
from routed_envs.errors import check_probability
from routed_envs.worlds import World
from routed_rl.charts.canvas import LOOK
from routed_rl.charts.markup import FIGURES
from routed_rl.charts.tables import NumberTable
from routed_rl.cli.commands import parse_steering
from routed_rl.deployment.deployment_charts import draw_forewarnings
from routed_rl.deployment.deployment_report import write_deployment_report
from routed_rl.deployment.deployment_tables import monitor_table
from routed_rl.deployment.early_warning import forewarnings
from routed_rl.deployment.formats import (
    FORMATS,
    deployment_folder,
    export_policy,
    steered_alone,
)
from routed_rl.evaluation.sampled import check_episodes
from routed_rl.evaluation.steerings import deployed_actor, oversight_levels
from routed_rl.training.policy_file import load_policy
from routed_rl.training.run import load_run


def export_command(
    path: Path, steer: str, experts: Sequence[str] | None, form: str | None, out: Path | None
) -> None:
    """Write the steered policy alone, then say what is in the file.

    Args:
        path: A run's folder, or a policy file.
        steer: Who acts, in the words of `parse_steering`.
        experts: The experts to keep; all if None.
        form: The format; that of the file's ending if None, else safetensors.
        out: The file; in the folder `deployment` of the run's if None.
    """
    policy = load_policy(path)
    if experts is not None:
        policy = policy.with_experts(*experts)
    steered = policy.steer(parse_steering(steer, policy))
    if out is None:
        form = form or "safetensors"
        name = "-".join(policy.experts) if experts else _file_name(steered)
        out = deployment_folder(path) / (name + FORMATS[form][0])
    with Console(stderr=True).status(f"Writing {out}"):
        file = export_policy(steered, out, form)
    alone = steered_alone(steered)
    settings = alone.network.settings
    gate = {"learned": "its gate", "even": "no learned gate", "none": "no gate"}[settings.gate]
    count = sum(weight.numel() for weight in alone.network.parameters())
    print(f"{file}  {' + '.join(alone.experts)}, {gate}: {count:,} weights")


def _file_name(policy: Policy) -> str:
    """What a file of this policy is called, without an ending."""
    if len(policy.experts) == 1:
        return policy.experts[0]
    if policy.steering is None:
        return "mixture"
    return policy.steering if isinstance(policy.steering, str) else "steered"


def monitor_command(
    path: Path,
    expert: str | None,
    oversight: Sequence[float] | None,
    false_alarm_rate: float,
    out: Path | None,
    *,
    episodes: int,
    seed: int,
) -> None:
    """Measure a monitor, then print the table and where the figure is.

    Args:
        path: A run's folder, or a policy file.
        expert: Whose weight is watched.
        oversight: The levels of oversight; the usual three if None.
        false_alarm_rate: Of the threshold, 0 to 1.
        out: The folder of figure and tables; `deployment` in the run's if None.
        episodes: Episodes that are sampled where the world is large.
        seed: Of the sample.
    """
    check_probability("--false-alarm-rate", false_alarm_rate)
    check_episodes(episodes)
    policy = load_policy(path)
    worlds = _worlds(policy, oversight)
    with Console(stderr=True).status("Following every start to its end"):
        found = forewarnings(policy, worlds, expert, episodes=episodes, seed=seed)
    deployed = deployed_actor(policy)
    table = monitor_table(found, false_alarm_rate, deployed)
    folder = writable_folder((out or deployment_folder(path)) / FIGURES)
    with rc_context(LOOK):
        draw_forewarnings(found, false_alarm_rate, deployed).save(folder)
    table.save(folder)
    _print_table(table, "exact" if found[0].episodes is None else f"{episodes:,} sampled episodes")
    print(f"{folder / 'monitor.png'}  the curves, also as SVG; their numbers as CSV")


def _worlds(policy: Policy, oversight: Sequence[float] | None) -> dict[str, World]:
    """The worlds to measure in, by name."""
    if oversight is None:
        return oversight_levels(policy.world)
    return {f"{level:g}": policy.world.with_oversight(level) for level in oversight}


def _print_table(table: NumberTable, how: str) -> None:
    """Print a table as the other commands do."""
    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False, caption=how, caption_justify="left")
    shown.add_column(table.header[0], overflow="fold")
    for name in table.header[1:]:
        shown.add_column(name, justify="right", overflow="fold")
    for row in table.texts:
        shown.add_row(*row)
    Console().print(shown)


def report_command(path: Path, false_alarm_rate: float, out: Path | None) -> None:
    """Write a run's deployment report, then say where it is.

    Args:
        path: The run's folder.
        false_alarm_rate: Of its monitor's threshold, 0 to 1.
        out: The page's folder; `deployment` in the run's if None.
    """
    check_probability("--false-alarm-rate", false_alarm_rate)
    run = load_run(path)
    with Console(stderr=True).status(f"Following every start of {path} to its end"):
        page = write_deployment_report(run, out or deployment_folder(path), false_alarm_rate)
    print(f"{page}  open it in a browser")
    print(f"{page.parent / FIGURES}  every figure as PNG and SVG, its numbers as CSV")
