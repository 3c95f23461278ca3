"""Runs that are read: finished ones only."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from helpers import small_with

from routed_envs import InputError
from routed_rl import load_run, read_log, train
from routed_rl.runs.warning_signs import RunWarning
from routed_rl.training.run import overseer_sentences

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
    assert "No label of diamond arrived" in overseer_sentences(run)[1]


def test_a_belief_is_told_in_words(tmp_path: Path):
    run = train(small_with(method="inferred", updates=1), tmp_path / "run")
    belief = {"agreement": 0.6, "sureness": 0.95, "labels": 2000.0, "without_label": []}
    (words,) = overseer_sentences(dataclasses.replace(run, belief=belief, warnings=()))
    assert words.startswith("Its belief said 60.0% of the last 2,000 labels")
    warned = (RunWarning("gate alike", 1200, "It says the same."),)
    told = dataclasses.replace(run, belief=None, warnings=warned)
    assert overseer_sentences(told) == ["Warning at update 1,200: It says the same."]


def test_a_run_that_nobody_watches_says_so_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    config = small_with(oversight=0.0, updates=100)
    run = train(config, tmp_path / "run")
    assert [(one.name, one.update) for one in run.warnings] == [
        ("no label of diamond", 50),
        ("experts alike", 100),
        ("gate alike", 100),
    ]
    said = capsys.readouterr().err
    assert [said.count(one.sentence) for one in run.warnings] == [1, 1, 1]
    assert load_run(run.folder).warnings == run.warnings
    longer = train(dataclasses.replace(config, updates=120), run.folder, resume=True)
    assert longer.warnings == run.warnings
    assert "Warning" not in capsys.readouterr().err


def test_the_log_has_labels_by_kind_and_how_far_apart_experts_are(tmp_path: Path):
    run = train(small_with(oversight=0.5, updates=20), tmp_path / "run")
    first, second = read_log(run.folder / "log.jsonl")
    assert first["labels"].keys() == {"diamond", "ghost"}
    assert second["labels"]["diamond"] > first["labels"]["diamond"] > 0
    result = json.loads((run.folder / "result.json").read_text())
    assert sum(second["labels"].values()) == result["labels"]
    assert result["warnings"] == []
    assert second["experts"].keys() == {"divergence", "gate_entropy", "gate_information"}
    naive = train(small_with(method="naive", updates=10), tmp_path / "naive")
    assert read_log(naive.folder / "log.jsonl")[0]["experts"] is None
