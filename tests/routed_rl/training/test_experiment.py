"""An experiment: what its settings become, in any world and with any method."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from helpers import TINY, tiny_with

from routed_agents import get_method
from routed_envs import DiamondGhostWorld, InputError
from routed_envs.gridworld.world import OUTCOMES
from routed_rl import Experiment, train


@pytest.mark.parametrize(
    ("oversight", "weight", "offset"),
    [(0.0, 5.0, 2.0), (0.1, 5.0, 1.8), (0.5, 1.0, 1.0), (0.8, 0.25, 0.4), (1.0, 0.1, 0.0)],
)
def test_overseen_episodes_count_for_less_where_there_are_many(
    oversight: float, weight: float, offset: float
):
    """By hand: at a limit of one half, weight x share equals what is not overseen."""
    config = tiny_with(
        oversight=oversight, overseen_weight=5.0, overseen_limit=0.5, advantage_offset=2.0
    )
    experiment = Experiment.of(config)
    assert experiment.routing.overseen_weight == pytest.approx(weight)
    assert experiment.table.weight[0].item() == pytest.approx(weight)
    assert experiment.loss_settings(0.0).routing.advantage_offset == pytest.approx(offset)
    unlimited = Experiment.of(dataclasses.replace(config, overseen_limit=1.0))
    assert unlimited.routing.overseen_weight == 5.0


def test_the_configuration_tells_of_ones_own_world(tmp_path: Path):
    run = train(TINY, tmp_path / "run", world=DiamondGhostWorld(rows=2, cols=3, oversight=0.7))
    assert (run.config.rows, run.config.cols, run.config.oversight) == (2, 3, 0.7)
    assert {e.oversight for e in run.evaluations["training"].values()} == {0.7}


def test_a_world_with_a_seed_of_its_own_leaves_the_runs_seed_alone():
    class Maze(DiamondGhostWorld):
        def settings(self) -> dict[str, Any]:
            return {"oversight": self.oversight, "seed": 3}

    first, second = (
        Experiment.of(dataclasses.replace(TINY, seed=seed), world=Maze()) for seed in (1, 2)
    )
    assert (first.config.seed, second.config.seed) == (1, 2)
    assert first.identity()["seed"] != second.identity()["seed"]
    assert first.identity()["world.seed"] == 3


def test_any_world_with_our_interface_and_any_method_train(tmp_path: Path):
    @dataclasses.dataclass(frozen=True)
    class Mine(DiamondGhostWorld):
        pass

    world = Mine(rows=2, cols=3, oversight=0.5)
    method = dataclasses.replace(get_method("naive", OUTCOMES), name="mine")
    run = train(TINY, tmp_path / "run", world=world, method=method)
    assert run.policy.experts == ("policy",)
    assert run.policy.world == world
    assert list(run.evaluations) == ["unwatched", "training", "watched"]
    other = Mine(rows=2, cols=4, oversight=0.5)
    with pytest.raises(InputError, match="cols: there 3, here 4"):
        train(TINY, tmp_path / "run", world=other, method=method, resume=True)


def test_experts_that_act_alone_need_an_environment_each():
    with pytest.raises(InputError, match=r"environments=1: .*diamond, ghost.* Give at least 2"):
        Experiment.of(tiny_with(method="inferred", environments=1))
    Experiment.of(tiny_with(method="routed", environments=1))
