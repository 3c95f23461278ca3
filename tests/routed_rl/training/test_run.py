"""Runs that are read: finished ones only."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from helpers import small_with

from routed_envs import InputError
from routed_rl import load_run, read_log, train
from routed_rl.training.run import belief_sentences

SMALL = small_with()


def test_unfinished_and_damaged_runs_are_refused(tmp_path: Path):
    with pytest.raises(InputError, match="is no run"):
        load_run(tmp_path)
    train(SMALL, tmp_path / "run")
    (tmp_path / "run" / "result.json").unlink()
    with pytest.raises(InputError, match=r"not finished.*--resume"):
        load_run(tmp_path / "run")
    (tmp_path / "run" / "result.json").write_text("[]")
    with pytest.raises(InputError, match="no JSON object"):
        load_run(tmp_path / "run")


def test_a_run_says_what_the_overseer_can_check_of_its_belief(tmp_path: Path):
    run = train(small_with(method="inferred", oversight=0.5, updates=20), tmp_path / "run")
    assert run.belief is not None
    assert run.belief.keys() == {"agreement", "sureness", "labels", "without_label", "lost_touch"}
    assert 0 <= run.belief["agreement"] <= 1
    assert run.belief["labels"] > 50
    assert run.belief["without_label"] == []
    (entry,) = [
        entry for entry in read_log(tmp_path / "run" / "log.jsonl") if entry["update"] == 10
    ]
    assert entry["belief"]["labels"] < run.belief["labels"]
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    assert result["told"] == "labels"
    naive = train(small_with(method="naive", oversight=0.5, updates=2), tmp_path / "naive")
    assert naive.belief is None


def test_a_target_without_a_label_is_named(tmp_path: Path):
    config = small_with(method="inferred", oversight=0.5, oversight_diamond=0.0, updates=6)
    run = train(config, tmp_path / "run")
    assert run.belief is not None
    assert run.belief["without_label"] == ["diamond"]
    assert "No label of diamond arrived" in belief_sentences(run.belief)[1]


def test_a_belief_is_told_in_words():
    belief = {"agreement": 0.6, "sureness": 0.95, "labels": 2000.0, "without_label": []}
    (words,) = belief_sentences(belief | {"lost_touch": False})
    assert words.startswith("Its belief said 60.0% of the last 2,000 labels")
    assert "has lost touch" in belief_sentences(belief | {"lost_touch": True})[1]
    assert belief_sentences(None) == []
