"""The programs in scripts/, cut short: they run, and do what they say."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers import THREE_BY_THREE, run_script, tiny_with

from routed_agents import get_method
from routed_envs.gridworld.world import OUTCOMES
from routed_rl import exit_code, load_results, train
from scripts import custom_method, reproduce_paper, search_constants

pytestmark = pytest.mark.slow


def test_the_method_of_ones_own_lets_closed_paths_leak():
    place = "scripts.custom_method:soft_routing"
    rows = get_method(place, OUTCOMES).rows
    assert rows["diamond"].experts == (1.0, custom_method.LEAK)
    assert rows["ghost"].experts == (custom_method.LEAK, 1.0)
    assert rows["unknown"] == get_method("routed", OUTCOMES).rows["unknown"]


def test_the_papers_comparison_is_trained_reported_and_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    assert len(reproduce_paper.METHODS) == len(reproduce_paper.LEVELS) == 6
    monkeypatch.setattr(reproduce_paper, "METHODS", ("naive", "oracle"))
    monkeypatch.setattr(reproduce_paper, "LEVELS", (0.1,))
    assert reproduce_paper.main(seeds=1, updates=2, out=tmp_path / "paper") == 0
    assert (tmp_path / "paper" / "report" / "report.html").exists()
    rows = load_results(tmp_path / "paper")
    assert [(row["method"], row["gradient_steps"]) for row in rows] == [("naive", 2), ("oracle", 1)]
    reproduce_paper.main(seeds=1, updates=2, out=tmp_path / "paper")
    assert "2 runs, 2 of them finished" in capsys.readouterr().err


def test_the_search_tries_the_same_settings_for_every_method(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    assert len(search_constants.SETTINGS) == 8
    monkeypatch.setattr(search_constants, "METHODS", ("naive", "routed"))
    two = [setting | THREE_BY_THREE for setting in search_constants.SETTINGS[:2]]
    monkeypatch.setattr(search_constants, "SETTINGS", two)
    search_constants.main(updates=2, out=tmp_path / "search")
    assert {row["seed"] for row in load_results(tmp_path / "search")} == {1000}
    shown = capsys.readouterr().out
    assert shown.count("naive") == shown.count("routed") == 2


def test_deployment_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    pytest.importorskip("onnxruntime")
    pytest.importorskip("av")
    from scripts.benchmarks import deployment

    monkeypatch.setattr(deployment, "SECONDS", 0.05)
    monkeypatch.setattr(deployment, "EPISODES", 1)
    train(tiny_with(), tmp_path / "run")
    deployment.main(tmp_path / "run")
    shown = capsys.readouterr().out
    assert "decisions a second" in shown
    assert "1 rollouts as MP4, side by side" in shown


@pytest.mark.parametrize(
    ("program", "words", "code", "message"),
    [
        ("reproduce_paper", ["--seeds", "0"], 2, "seeds=0 cannot be used"),
        ("reproduce_paper", ["--updates", "0"], 2, "updates=0 cannot be used"),
        ("reproduce_paper", ["--out", "README.md"], 2, "README.md is a file"),
        ("search_constants", ["--updates", "0"], 2, "updates=0 cannot be used"),
        ("search_constants", ["--out", "tests"], 2, "tests is no sweep and not empty"),
    ],
)
def test_what_cannot_be_used_is_refused_in_words(
    program: str,
    words: list[str],
    code: int,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    monkeypatch.chdir(Path(__file__).parents[2])
    ended = run_script(monkeypatch, f"{program}.py", *words)
    shown = capsys.readouterr()
    assert (ended, shown.out) == (code, "")
    assert message in shown.err
    assert "Traceback" not in shown.err


def test_runs_that_fail_are_told_by_the_exit_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(reproduce_paper, "METHODS", ("own_methods:BREAKS",))
    monkeypatch.setattr(reproduce_paper, "LEVELS", (0.1,))
    out = tmp_path / "paper"
    assert exit_code(lambda: reproduce_paper.main(seeds=1, updates=8, out=out)) == 1
    assert "1 run failed: " in capsys.readouterr().err
