"""Choosing constants by the overseer's own score: hand-worked shares, order, and the command."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from helpers import tiny_with

from routed_envs import InputError
from routed_rl import EnvironmentConfig, TrainConfig, sweep
from routed_rl.cli.main import main
from routed_rl.sweeps.choosing import choice
from routed_rl.sweeps.choosing.choice import Candidate, candidates


def row(**changes: Any) -> dict[str, Any]:
    settings = {"env": "own_env:doors", "learning_rate": 1e-3, "seed": 0} | changes
    own = {k: v for k, v in settings.items() if k in EnvironmentConfig.__dataclass_fields__}
    about = {"good": ["left"], "exact": False, "overseer_left_share": None, "overseen": 0}
    return EnvironmentConfig(**own).to_json() | about | settings


def ranked(monkeypatch: pytest.MonkeyPatch, *rows: dict[str, Any]) -> list[Candidate]:
    monkeypatch.setattr(choice, "load_results", lambda folder: list(rows))
    return candidates("sweep")


def test_labels_count_and_not_seeds(monkeypatch: pytest.MonkeyPatch):
    """9 of 10 and 10 of 30 are 19 of 40; 1 of 2 is more than that."""
    many, few = ranked(
        monkeypatch,
        row(overseer_left_share=0.9, overseen=10),
        row(overseer_left_share=1 / 3, overseen=30, seed=1),
        row(overseer_left_share=0.5, overseen=2, learning_rate=2e-3),
        row(seed=1, learning_rate=2e-3),
    )[::-1]
    assert (many.score, many.labels, many.runs) == (pytest.approx(19 / 40), 40, 2)
    assert (few.score, few.labels, few.runs) == (0.5, 2, 2)
    assert few.setting == {"learning_rate": 2e-3}
    assert few.config["learning_rate"] == 2e-3
    assert EnvironmentConfig.from_json(few.config).env == "own_env:doors"


def test_a_run_that_is_judged_once_more_is_no_further_seed(monkeypatch: pytest.MonkeyPatch):
    (found,) = ranked(
        monkeypatch,
        row(overseer_left_share=0.9, overseen=10),
        row(overseer_left_share=0.8, overseen=20, evaluation_episodes=40, evaluate_every=3),
    )
    assert (found.score, found.labels, found.runs) == (pytest.approx(0.9), 10, 1)


def test_what_has_lost_touch_or_was_never_seen_comes_last(monkeypatch: pytest.MonkeyPatch):
    good = {"overseer_left_share": 1.0, "overseen": 50}
    found = ranked(
        monkeypatch,
        row(method="naive"),
        row(**good, learning_rate=3e-3, lost_touch=True, belief_agreement=0.5),
        row(**good, learning_rate=2e-3, belief_agreement=0.9),
        row(**good, learning_rate=2e-3, belief_agreement=0.7, seed=1),
    )
    assert [(one.method, one.score) for one in found] == [
        ("inferred", 1.0),
        ("naive", None),
        ("inferred", 1.0),
    ]
    assert found[0].agreement == pytest.approx(0.8)
    assert found[-1].lost_touch


@pytest.mark.slow
def test_the_command_names_the_best_and_writes_its_configuration(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    configs = [tiny_with(updates=2, learning_rate=rate, oversight=0.5) for rate in (1e-3, 1e-2)]
    assert not sweep(configs, tmp_path / "sweep").failed
    found = candidates(tmp_path / "sweep")
    assert all(math.isinf(one.labels) for one in found)
    assert main(["choose", str(tmp_path / "sweep")]) == 0
    shown = capsys.readouterr().out
    for part in ("learning_rate 0.01", "exact", "where it is watched", "train --config"):
        assert part in shown
    written = json.loads((tmp_path / "sweep" / "chosen.json").read_text())
    assert TrainConfig.from_json(written).learning_rate == found[0].setting["learning_rate"]
    with pytest.raises(InputError, match="is no sweep"):
        candidates(tmp_path)
