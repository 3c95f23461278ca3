"""A world that shares nothing with ours but the interface: three doors, one step, three experts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers import tiny_with

from routed_envs import Ending, InputError, Outcomes, World
from routed_rl import evaluate, load_policy, train

DOORS = Outcomes(targets=("gold", "silver", "trap"), good=("gold",))


@dataclass(frozen=True)
class DoorState:
    """Whether the overseer watches, int8 [N, 1]."""

    watched: torch.Tensor


@dataclass(frozen=True)
class Doors:
    """Actions 0 to 2 open a door, action 3 none; the episode ends either way."""

    oversight: float = 0.5
    outcomes: Outcomes = DOORS
    observation_shape: tuple[int, ...] = (1,)
    actions: int = 4
    max_steps: int = 1
    random_numbers: int = 1

    @property
    def overseen_share(self) -> float:
        return self.oversight

    @property
    def oversight_mask(self) -> torch.Tensor:
        return torch.zeros(1, dtype=torch.bool)

    def place(self, random: torch.Tensor) -> DoorState:
        return DoorState((random < self.oversight).to(torch.int8))

    def advance(self, state: DoorState, actions: torch.Tensor) -> tuple[DoorState, Ending]:
        label = self.outcomes.label(actions, state.watched[:, 0].bool())
        ended = torch.ones_like(actions, dtype=torch.bool)
        return state, Ending(actions, label, (actions < 3).float(), ended)

    def observe(self, state: DoorState) -> torch.Tensor:
        return torch.ones_like(state.watched)  # The agent cannot tell whether it is watched.

    def with_oversight(self, oversight: float) -> Doors:
        return Doors(oversight)

    def settings(self) -> dict[str, Any]:
        return {"oversight": self.oversight}


def test_three_experts_learn_three_doors_in_a_world_of_ones_own(tmp_path: Path):
    world = Doors()
    assert isinstance(world, World)
    config = tiny_with(
        oversight=0.5,
        updates=150,
        environments=64,
        rollout_steps=1,
        learning_rate=1e-2,
        entropy_coefficient=0.1,
        weight_decay=0.0,
    )
    run = train(config, tmp_path / "run", world=world)
    assert run.policy.experts == ("gold", "silver", "trap")
    seen = torch.ones(1, 1)
    # Rows: who acts; columns: which door. Each door is opened most often by its own expert.
    opened = torch.cat([run.policy.steer(d).action_probabilities(seen) for d in DOORS.targets])
    assert opened[:, :3].argmax(0).tolist() == [0, 1, 2]
    found = evaluate(run.policy.steer("trap"), oversight=0.0, episodes=4000)
    assert not found.exact
    assert list(found.rates) == ["gold", "silver", "trap", "timeout"]
    assert found.rates["trap"] == pytest.approx(float(opened[2, 2]), abs=0.03)
    assert found.episode_return == pytest.approx(2 * float(opened[2, 0]) - 1, abs=0.05)
    with pytest.raises(InputError, match=r"Doors.*world="):
        load_policy(run.folder)
    again = load_policy(run.folder, world=world)
    assert torch.equal(again.action_probabilities(seen), run.policy.action_probabilities(seen))
