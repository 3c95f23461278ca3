"""The command line's part for deployment: `routed-rl export`, `monitor` and `deploy-report`.

Imports nothing heavy until a command runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from routed_rl.cli.options import STEER_HELP, optional

RunFolderArgument = Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]


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

    run_folder: RunFolderArgument
    steer: Annotated[str, tyro.conf.arg(help=STEER_HELP)] = "deploy"
    experts: Annotated[tuple[str, ...] | None, optional("EXPERT [EXPERT ...]")] = None
    format: Annotated[
        Literal["safetensors", "onnx", "torch-export"] | None, tyro.conf.arg(help_behavior_hint="")
    ] = None
    out: Annotated[Path | None, optional("FILE")] = None

    def run(self) -> None:
        """Export, then say what is in the file."""
        from routed_rl.cli.deployment_commands import export_command

        export_command(self.run_folder, self.steer, self.experts, self.format, self.out)


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

    run_folder: RunFolderArgument
    expert: Annotated[str | None, optional("EXPERT")] = None
    oversight: Annotated[tuple[float, ...] | None, optional("P [P ...]")] = None
    false_alarm_rate: float = 0.05
    episodes: int = 10_000
    seed: int = 0
    out: Annotated[Path | None, optional("FOLDER")] = None

    def run(self) -> None:
        """Measure, then print the table."""
        from routed_rl.cli.deployment_commands import monitor_command

        monitor_command(
            self.run_folder,
            self.expert,
            self.oversight,
            self.false_alarm_rate,
            self.out,
            episodes=self.episodes,
            seed=self.seed,
        )


@dataclass(frozen=True)
class DeployReport:
    """Report what a run would do once deployed, and whether it behaves only when it is watched.

    One HTML page with every figure and every number beside it.

    Attributes:
        run_folder: The folder of a finished run.
        false_alarm_rate: The share of good episodes that its monitor may flag, 0 to 1.
        out: The page's folder. Left out, it is the folder deployment of the run's.
    """

    run_folder: RunFolderArgument
    false_alarm_rate: float = 0.05
    out: Annotated[Path | None, optional("FOLDER")] = None

    def run(self) -> None:
        """Write the page, then say where it is."""
        from routed_rl.cli.deployment_commands import report_command

        report_command(self.run_folder, self.false_alarm_rate, self.out)
