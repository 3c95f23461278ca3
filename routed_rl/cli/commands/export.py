"""`routed-rl export`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

import routed_rl
from routed_rl.cli.options import File, OwnWorld, RunArgument, Steer, optional
from routed_rl.cli.terminal import working
from routed_rl.screen import say

if TYPE_CHECKING:
    from routed_rl.training.run import AnyPolicy


@dataclass(frozen=True)
class Export:
    """Write the steered policy alone, without the other experts' and the gate's weights.

    Beside it goes a model card: what it is, how it was trained, what it was told and what not, its
    figures and its limits. Its name is the file's with .md behind it.

    Attributes:
        run_folder: The folder of a finished run, or a policy file.
        steer: Who shall act.
        experts: Keep these experts only, before steering. The gate weighs them as before, relative
            to each other.
        format: safetensors for Python (load_policy, and after a run in an environment
            load_exported), onnx (pip install "routed-rl[export]") for any program, or torch-export
            for torch.export.load. Left out, the file's ending decides, else it is safetensors.
        out: The file. Left out, it is in the folder deployment of the run's.
    """

    run_folder: RunArgument
    steer: Steer = "deploy"
    own_world: OwnWorld = None
    experts: Annotated[tuple[str, ...] | None, optional("EXPERT [EXPERT ...]")] = None
    format: Annotated[
        Literal["safetensors", "onnx", "torch-export"] | None, tyro.conf.arg(help_behavior_hint="")
    ] = None
    out: File = None

    def run(self) -> None:
        """Export, then say what is in the file."""
        from routed_rl.cli.policies import environment_run, load_with_world, parse_steering
        from routed_rl.deployment.exports.formats import card_of, some_experts, steered_alone
        from routed_rl.deployment.exports.model_card import contents

        run = environment_run(self.run_folder, self.own_world, acts=False)
        policy = run.policy if run else load_with_world(self.run_folder, self.own_world)
        if self.experts is not None:
            policy = some_experts(policy, self.experts)
        steered = policy.steer(parse_steering(self.steer, policy.deploy, policy.experts))
        out = self.out or self._default_file(steered)
        with working(f"Writing {out}"):
            trained = self.run_folder if self.run_folder.is_dir() else None
            file = routed_rl.export_policy(steered, out, self.format, run=trained)
        say(f"{file}  {contents(steered_alone(steered))}")
        say(f"{card_of(file)}  says what it is, and what it was not told")

    def _default_file(self, steered: AnyPolicy) -> Path:
        """Where the policy goes: beside the run, named by who acts."""
        from routed_rl.deployment.exports.formats import FORMATS, deployment_folder

        name = "-".join(steered.experts) if self.experts else _actor(steered)
        ending, _ = FORMATS[self.format or "safetensors"]
        return deployment_folder(self.run_folder) / (name + ending)


def _actor(policy: AnyPolicy) -> str:
    """Who acts, as part of a file's name."""
    if len(policy.experts) == 1:
        return policy.experts[0]
    if policy.steering is None:
        return "mixture"
    return policy.steering if isinstance(policy.steering, str) else "steered"
