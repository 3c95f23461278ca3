"""What several tests share: tiny configurations, states, networks, rollouts, waits, processes."""

from __future__ import annotations

import dataclasses
import functools
import os
import runpy
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from routed_agents import (
    NetworkSettings,
    Policy,
    RoutedPolicyNetwork,
    RoutingSettings,
)
from routed_agents.learner import LossSettings
from routed_agents.policies.networks import PlaneNetwork, initialise
from routed_agents.rollout import Rollout
from routed_envs import DiamondGhostWorld, GridState
from routed_envs.gridworld.world import OUTCOMES
from routed_rl import Experiment, TrainConfig

WORLD = DiamondGhostWorld(oversight=0.5)
SIZES: dict[str, Any] = {
    "updates": 4,
    "environments": 8,
    "rollout_steps": 8,
    "expert_widths": (16,),
    "gate_widths": (8,),
    "value_widths": (8,),
    "evaluate_every": 0,
    "device": "cpu",
}
ROUTING = RoutingSettings(overseen_weight=20.0, overseen_limit=0.36, advantage_offset=2.2)
"""Constants that matter, for several experts whose mixture acts."""
TINY = TrainConfig(
    method="routed",
    learning_rate=1.7e-3,
    final_learning_rate=5e-4,
    weight_decay=1.0,
    advantage_offset=ROUTING.advantage_offset,
    overseen_weight=ROUTING.overseen_weight,
    overseen_limit=ROUTING.overseen_limit,
    entropy_coefficient=0.55,
    final_entropy_coefficient=0.1,
    gate_coefficient=0.01,
    final_gate_coefficient=0.0,
    **SIZES,
)
"""Its constants are fixed here: another search for those of the preset changes no test."""


TINY_WORDS = [
    *("--environments", "8", "--rollout-steps", "8", "--expert-widths", "16", "--device", "cpu"),
    *("--gate-widths", "8", "--value-widths", "8", "--evaluate-every", "0"),
]
"""The tiny sizes on the command line, without the updates; constants are the preset's there."""
THREE_BY_THREE = {"rows": 3, "cols": 3}
"""A world that is judged in no time, where the size of the world does not matter."""


@functools.cache
def seconds_to_start() -> float:
    """How long a process that imports PyTorch takes on this machine, as busy as it is."""
    started = time.monotonic()
    subprocess.run([sys.executable, "-c", "import torch"], check=True)
    return max(1.0, time.monotonic() - started)


def patience(starts: float = 40) -> float:
    """Seconds to wait for a process, which grow with the time that starting one takes here."""
    return starts * seconds_to_start()


def wait_for(condition: Callable[[], object], starts: float = 40) -> None:
    """Wait until something holds."""
    end = time.monotonic() + patience(starts)
    while not condition():
        assert time.monotonic() < end, f"it did not come to pass within {patience(starts):.0f} s"
        time.sleep(0.02)


def environment(**changes: str) -> dict[str, str]:
    """The environment of a process that finds the packages where this one does."""
    return os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)} | changes


SCRIPTS = Path(__file__).parents[1] / "scripts"


def run_script(monkeypatch: pytest.MonkeyPatch, name: str, *words: str) -> int:
    """Run a program of scripts/ as Python does, but in this process, which has PyTorch loaded.

    Returns:
        Its exit code.
    """
    with monkeypatch.context() as patch:
        patch.setattr(sys, "argv", [str(SCRIPTS / name), *words])
        patch.syspath_prepend(SCRIPTS)
        try:
            runpy.run_path(str(SCRIPTS / name), run_name="__main__")
        except SystemExit as leaving:
            return int(leaving.code or 0)
    return 0


def tiny_with(**changes: Any) -> TrainConfig:
    """The tiny configuration with some fields changed."""
    return dataclasses.replace(TINY, **changes)


def small_with(**changes: Any) -> TrainConfig:
    """The tiny configuration in the small world, with some fields changed."""
    return tiny_with(**THREE_BY_THREE | changes)


def grid_state(
    world: DiamondGhostWorld,
    agent: int,
    ghost: int,
    diamond: int,
    watched: tuple[int, ...] = (),
    steps: int = 0,
    mistaken: bool = False,
) -> GridState:
    """One environment with everything in its place."""
    oversight = torch.zeros((1, world.cells), dtype=torch.int8)
    oversight[0, list(watched)] = 1
    return GridState(
        agent=torch.tensor([agent]),
        ghost=torch.tensor([ghost]),
        diamond=torch.tensor([diamond]),
        oversight=oversight,
        steps=torch.tensor([steps]),
        mistaken=torch.tensor([mistaken], dtype=torch.int8),
    )


def random_states(world: DiamondGhostWorld, count: int, seed: int = 0) -> GridState:
    """Fresh episodes."""
    generator = torch.Generator().manual_seed(seed)
    return world.place(torch.rand((count, world.random_numbers), generator=generator))


ROUTING_FIELDS = [field.name for field in dataclasses.fields(RoutingSettings)]
SETTINGS = NetworkSettings(("diamond", "ghost"), "learned", (4, 5, 5), 4, (16, 12), (8,), 4)


def network(settings: NetworkSettings = SETTINGS, seed: int = 0) -> RoutedPolicyNetwork:
    made = RoutedPolicyNetwork(settings)
    initialise(made, torch.Generator().manual_seed(seed))
    return made


def baseline(values: int = 1) -> PlaneNetwork:
    made = PlaneNetwork((4, 5, 5), 2, (8, values))
    initialise(made, torch.Generator().manual_seed(1))
    return made


def loss_settings(**changes: Any) -> LossSettings:
    """The reference experiment's constants with some changed, routing's among them."""
    routing = {name: changes.pop(name) for name in ROUTING_FIELDS if name in changes}
    reference = LossSettings(
        discount=0.97,
        trace_decay=1.0,
        bootstrap=False,
        normalise_advantages=False,
        entropy_coefficient=0.1,
        value_coefficient=0.5,
        routing=RoutingSettings(**routing),
    )
    return dataclasses.replace(reference, **changes)


def observations(count: int, seed: int = 0) -> torch.Tensor:
    return WORLD.observe(random_states(WORLD, count, seed))


def rollout_ending_as(label: str, steps: int = 3, count: int = 6) -> Rollout:
    """Episodes that all end at the last step with one label; `unfinished` does not end."""
    seen = observations((steps + 1) * count).unflatten(0, (steps + 1, count))
    ended = torch.zeros((steps, count), dtype=torch.bool)
    ended[-1] = label != "unfinished"
    code = OUTCOMES.labels.index(label)
    return Rollout(
        observations=seen,
        actions=torch.arange(steps * count).view(steps, count) % 4,
        rewards=ended.float() * (label != "timeout"),
        ended=ended,
        labels=torch.where(ended, code, OUTCOMES.unfinished),
        outcomes=OUTCOMES,
        action_count=4,
        oversight_mask=WORLD.oversight_mask,
        final_observations=seen[1:],
    )


def random_policy(seed: int = 0) -> Policy:
    experiment = Experiment.of(tiny_with(seed=seed, oversight=0.3, expert_widths=(64,)))
    state = experiment.start()
    with torch.no_grad():
        for parameter in state.policy.parameters():
            parameter.mul_(6)  # So that actions and gate are far from even.
    return experiment.policy(state)


def expert_logits(policy: RoutedPolicyNetwork, seen: torch.Tensor) -> torch.Tensor:
    """The action logits of each expert on its own, [B, K, A], layer by layer."""
    flat = seen.flatten(1).float()
    return torch.stack([policy.head(expert(flat)) for expert in policy.experts.values()], 1)
