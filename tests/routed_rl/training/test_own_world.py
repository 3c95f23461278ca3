"""A run, and everything that is made of it, in a world of one's own."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from helpers import tiny_with
from own_world import DOORS, Doors

from routed_envs import InputError, World
from routed_rl import evaluate, load_policy, train


@pytest.mark.slow
@pytest.mark.parametrize("method", ["routed", "inferred", "inferred-model-final"])
def test_three_experts_learn_three_doors_in_a_world_of_ones_own(method: str, tmp_path: Path):
    world = Doors()
    assert isinstance(world, World)
    config = tiny_with(
        method=method,
        advantage_offset=2.2 if method == "routed" else 0.0,
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
