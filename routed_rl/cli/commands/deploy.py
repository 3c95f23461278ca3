"""`routed-rl export`, `routed-rl monitor` and `routed-rl deploy-report`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

import routed_rl
from routed_envs.errors import check_probability
from routed_rl.cli.options import OutFile, OutFolder, RunArgument, Steer, optional
from routed_rl.cli.terminal import working

if TYPE_CHECKING:
    from routed_agents import Policy


@dataclass(frozen=True)
class Export:
    """Write the steered policy alone, without the other experts' and the gate's weights.

    Attributes:
        run_folder: The folder of a finished run, or a policy file.
        steer: Who shall act.
        experts: Keep these experts only, before steering. The gate weighs them as before, relative
            to each other.
        format: safetensors for routed-rl itself, onnx (pip install "routed-rl[export]") for any
            program, or torch-export for torch.export.load. Left out, the file's ending decides,
            else it is safetensors.
        out: The file. Left out, it is in the folder deployment of the run's.
    """

    run_folder: RunArgument
    steer: Steer = "deploy"
    experts: Annotated[tuple[str, ...] | None, optional("EXPERT [EXPERT ...]")] = None
    format: Annotated[
        Literal["safetensors", "onnx", "torch-export"] | None, tyro.conf.arg(help_behavior_hint="")
    ] = None
    out: OutFile = None

    def run(self) -> None:
        """Export, then say what is in the file."""
        from routed_rl.cli.policies import parse_steering
        from routed_rl.deployment.formats import steered_alone

        policy = routed_rl.load_policy(self.run_folder)
        if self.experts is not None:
            policy = policy.with_experts(*self.experts)
        steered = policy.steer(parse_steering(self.steer, policy))
        out = self.out or self._default_file(steered)
        with working(f"Writing {out}"):
            file = routed_rl.export_policy(steered, out, self.format)
        print(f"{file}  {_described(steered_alone(steered))}")

    def _default_file(self, steered: Policy) -> Path:
        """Where the policy goes: beside the run, named by who acts."""
        from routed_rl.deployment.formats import FORMATS, deployment_folder

        name = "-".join(steered.experts) if self.experts else _actor(steered)
        ending, _ = FORMATS[self.format or "safetensors"]
        return deployment_folder(self.run_folder) / (name + ending)


def _actor(policy: Policy) -> str:
    """Who acts, as part of a file's name."""
    if len(policy.experts) == 1:
        return policy.experts[0]
    if policy.steering is None:
        return "mixture"
    return policy.steering if isinstance(policy.steering, str) else "steered"


def _described(policy: Policy) -> str:
    gates = {"learned": "its gate", "even": "no learned gate", "none": "no gate"}
    count = sum(weight.numel() for weight in policy.network.parameters())
    gate = gates[policy.network.settings.gate]
    return f"{' + '.join(policy.experts)}, {gate}: {count:,} weights"


@dataclass(frozen=True)
class Monitor:
    """Measure a monitor: how well the gate's first word foretells that an episode ends badly.

    Prints the area under the ROC curve at each level of oversight, and the threshold that keeps to
    a rate of false alarms. Exact where the world is small.

    Attributes:
        run_folder: The folder of a finished run, or a policy file with a gate.
        expert: Whose weight is watched. Left out, that of the first target that is not wanted.
        oversight: The levels of oversight. Left out: nobody watches, as in training, everybody.
        false_alarm_rate: The share of good episodes that may be flagged, 0 to 1.
        episodes: Episodes that are sampled where the world is large.
        seed: Seed of the sample.
        out: The folder of figure and tables. Left out, it is the folder deployment of the run's.
    """

    run_folder: RunArgument
    expert: Annotated[str | None, optional("EXPERT")] = None
    oversight: Annotated[tuple[float, ...] | None, optional("P [P ...]")] = None
    false_alarm_rate: float = 0.05
    episodes: int = 10_000
    seed: int = 0
    out: OutFolder = None

    def run(self) -> None:
        """Measure, then print the table and where the figure is."""
        from rich.console import Console

        from routed_rl.cli.printing import plain_table
        from routed_rl.deployment.formats import deployment_folder

        check_probability("--false-alarm-rate", self.false_alarm_rate)
        with working("Following every start to its end"):
            measurement = routed_rl.measure_monitor(
                routed_rl.load_policy(self.run_folder),
                self.out or deployment_folder(self.run_folder),
                expert=self.expert,
                oversight=self.oversight,
                false_alarm_rate=self.false_alarm_rate,
                episodes=self.episodes,
                seed=self.seed,
            )
        how = "exact" if measurement.exact else f"{self.episodes:,} sampled episodes"
        table = plain_table(*measurement.table.header, caption=how)
        for row in measurement.table.texts:
            table.add_row(*row)
        Console().print(table)
        print(f"{measurement.picture}  the curves, also as SVG; their numbers as CSV")


@dataclass(frozen=True)
class DeployReport:
    """Report what a run would do once deployed, and whether it behaves only when it is watched.

    One HTML page with every figure and every number beside it.

    Attributes:
        run_folder: The folder of a finished run.
        false_alarm_rate: The share of good episodes that its monitor may flag, 0 to 1.
        out: The page's folder. Left out, it is the folder deployment of the run's.
    """

    run_folder: RunArgument
    false_alarm_rate: float = 0.05
    out: OutFolder = None

    def run(self) -> None:
        """Write the page, then say where it is."""
        from routed_rl.cli.printing import print_page
        from routed_rl.deployment.formats import deployment_folder

        check_probability("--false-alarm-rate", self.false_alarm_rate)
        run = routed_rl.load_run(self.run_folder)
        folder = self.out or deployment_folder(self.run_folder)
        with working(f"Following every start of {self.run_folder} to its end"):
            page = routed_rl.write_deployment_report(run, folder, self.false_alarm_rate)
        print_page(page)
