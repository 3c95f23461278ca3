"""A run, and everything that is made of it, in a world of one's own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers import tiny_with
from own_world import DOORS, Doors

from routed_envs import InputError, Outcomes, World
from routed_rl import (
    TrainConfig,
    evaluate,
    load_policy,
    load_results,
    sweep,
    train,
    write_sweep_report,
)
from routed_rl.cli.main import main


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


def named(**changes: Any) -> TrainConfig:
    settings = {"world": "own_world:Doors", "oversight": 0.25, "rollout_steps": 1, "updates": 3}
    return tiny_with(**settings | changes)


def test_a_world_that_a_configuration_names(tmp_path: Path):
    run = train(named(), tmp_path / "run")
    assert run.policy.world == Doors(oversight=0.25)
    saved = json.loads((run.folder / "config.json").read_text())
    assert saved["config"]["world"] == "own_world:Doors"
    assert saved["identity"]["world"] == "Doors"
    train(named(updates=5), tmp_path / "run", resume=True)
    assert "world" not in tiny_with().to_json()
    assert main(["evaluate", str(run.folder)]) == 2
    assert main(["evaluate", str(run.folder), "--world", "own_world:Doors", "--json"]) == 0
    assert main(["export", str(run.folder), "--world", "own_world:Doors"]) == 0
    assert (run.folder / "deployment" / "gold.safetensors").exists()


@pytest.mark.slow
def test_a_sweep_in_a_world_of_ones_own_is_reported_in_its_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    out = tmp_path / "sweep"
    assert not sweep([named(method=method) for method in ("inferred", "naive")], out).failed
    assert load_results(out)[0]["targets"] == ["gold", "silver", "trap"]
    page = write_sweep_report(out).read_text()
    assert "gold rate" in page
    assert "diamond rate" not in page


def test_an_outcome_with_a_settings_name_is_refused(tmp_path: Path):
    world = Doors(outcomes=Outcomes(("gold", "learning", "trap"), ("gold",)))
    with pytest.raises(InputError, match="call 'learning' otherwise"):
        train(named(world=None), tmp_path / "run", world=world)
    assert not (tmp_path / "run").exists()


class Entries(Doors):
    """It shows whole numbers of 64 bits, as one_hot gives them."""

    def observe(self, state: Any) -> torch.Tensor:
        return super().observe(state).long()


class Wide(Doors):
    """It shows more than it says."""

    def observe(self, state: Any) -> torch.Tensor:
        return super().observe(state).expand(-1, 3)


@pytest.mark.parametrize(
    ("world", "message"),
    [
        (Entries(), r"Entries shows torch.int64 of shape \(1, 1\).*torch.int8 of shape \(1, 1\)"),
        (Wide(), r"Wide shows torch.int8 of shape \(1, 3\).*torch.int8 of shape \(1, 1\)"),
    ],
)
def test_a_world_that_shows_something_else_is_refused(world: Doors, message: str, tmp_path: Path):
    with pytest.raises(InputError, match=message):
        train(named(world=None), tmp_path / "run", world=world)
    assert not (tmp_path / "run").exists()


class Mixture(Doors):
    """An outcome that is called as the unsteered actor is."""

    def with_oversight(self, oversight: float) -> Doors:
        return Mixture(oversight, Outcomes(("gold", "mixture", "trap"), ("gold",)))


def test_an_outcome_whose_name_results_have_already_is_refused(tmp_path: Path):
    config = named(world=f"{__name__}:Mixture")
    for begin in (lambda: train(config, tmp_path / "run"), lambda: sweep([config], tmp_path)):
        with pytest.raises(InputError, match=r"call 'mixture' otherwise.* learning, "):
            begin()
    assert list(tmp_path.rglob("*.*")) == []


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("own_world:Dors", "Did you mean 'Doors'"),
        ("own_world:annotation", "Known: dataclass, Any, Ending, Outcomes, DOORS"),
        ("own_world:DOORS", "is a Outcomes without outcomes, overseen_share, "),
        ("own_world:DoorState", "calling it failed: TypeError"),
        ("nowhere:Doors", "cannot be imported"),
        ("Doors", "give module:object, or None"),
    ],
)
def test_what_is_no_world_is_refused(place: str, message: str, tmp_path: Path):
    with pytest.raises(InputError, match=message):
        train(named(world=place), tmp_path / "run")
