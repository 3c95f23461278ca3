"""What the commands print: whole words in narrow terminals, and one JSON object for programs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from helpers import TINY_WORDS, small_with

from routed_rl import load_results, sweep, train
from routed_rl.cli.main import main

AGAIN = ["train", "--rows", "3", "--cols", "3", *TINY_WORDS, "--updates", "4", "--resume"]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the finished `run` that `AGAIN` names, and a `sweep` of eight."""
    path = tmp_path_factory.mktemp("printed")
    assert main([*AGAIN, "--out", str(path / "run")]) == 0
    levels, rates = (0.01, 0.1, 0.3, 0.5), (0.001, 0.002)
    sweep(
        [small_with(oversight=o, learning_rate=r, updates=2) for o in levels for r in rates],
        path / "sweep",
        jobs=2,
        progress=False,
    )
    return path


def shown(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    assert main(words) == 0
    return capsys.readouterr().out


COMMANDS = (
    [*AGAIN, "--out", "run"],
    ["evaluate", "run", "--monte-carlo", "--episodes", "20"],
    ["methods", "inferred", "activation-masked", "reward-model"],
    ["monitor", "run"],
    ["deploy-report", "run"],
    ["status", "sweep"],
    ["report", "sweep"],
    ["choose", "sweep"],
    ["explore", "run"],
)


@pytest.mark.slow
@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words[0])
@pytest.mark.parametrize("width", [60, 80])
def test_no_word_and_no_command_is_broken(
    words: list[str],
    width: int,
    place: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    monkeypatch.chdir(place)
    whole = shown(words, capsys)
    monkeypatch.setenv("COLUMNS", str(width))
    narrow = shown(words, capsys)
    assert set(narrow.replace("─", "").split()) == set(whole.replace("─", "").split())
    copied = ("  python -m routed_rl", "  --")
    commands = [line for line in whole.splitlines() if line.startswith(copied)]
    assert [line for line in narrow.splitlines() if line in commands] == commands
    folded = [line.rstrip() for line in narrow.splitlines() if line not in commands]
    assert [line for line in folded if len(line) > width and " " in line] == []


def parsed(words: list[str], capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    (line,) = shown([*words, "--json"], capsys).splitlines()
    return json.loads(line, parse_constant=pytest.fail)


@pytest.mark.slow
def test_every_command_that_prints_figures_prints_them_as_json(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(place)
    trained = parsed([*AGAIN, "--out", "run"], capsys)
    assert (trained["folder"], trained["deployed"]) == ("run", "diamond")
    assert trained["evaluations"]["training"]["diamond"] == parsed(["evaluate", "run"], capsys)
    table = parsed(["methods", "inferred"], capsys)["inferred"]["rows"]
    assert table["diamond"]["reward"] == [1.0, -0.25]
    assert table["timeout"]["reward"] is None
    measured = parsed(["monitor", "run"], capsys)
    assert measured["exact"] is True
    assert [curve["level"] for curve in measured["curves"][:3]] == [
        "unwatched",
        "training",
        "watched",
    ]
    report = parsed(["deploy-report", "run"], capsys)
    assert [len(report[name]) for name in ("changes", "starts", "monitor")] == [3, 3, 6]
    assert report["monitor"] == measured["curves"]
    assert (
        report["figures"][0]["value"]
        == trained["evaluations"]["unwatched"]["mixture"]["diamond_rate"]
    )
    status = parsed(["status", "sweep"], capsys)
    assert [run["stage"] for run in status["runs"]] == ["finished"] * 8
    compared = parsed(["report", "sweep"], capsys)
    assert (compared["planned"], compared["finished"], compared["missing"]) == (8, 8, [])
    returns = [row["mean"] for row in compared["figures"] if row["figure"] == "episode_return"]
    results = load_results("sweep")
    assert sorted(returns) == sorted(row["episode_return"] for row in results)
    chosen = parsed(["choose", "sweep"], capsys)
    assert chosen["file"] == "sweep/chosen.json"
    assert chosen["candidates"][0]["labels"] is None  # As many as one likes: the share is exact.
    words = ["sweep", *TINY_WORDS, "--updates", "2", "--out", "other", "--jobs", "1"]
    swept = parsed([*words, "--rows", "3", "--cols", "3"], capsys)
    assert (swept["planned"], len(swept["trained"]), swept["failed"]) == (1, 1, [])


def test_progress_is_no_part_of_the_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """Standard error is taken for a terminal, and shows a bar."""
    train(small_with(), tmp_path / "run")
    monkeypatch.setenv("FORCE_COLOR", "1")
    for command in ("monitor", "deploy-report"):
        assert main([command, str(tmp_path / "run"), "--json"]) == 0
        written = capsys.readouterr()
        assert "Following episodes" in written.err
        assert "100%" in written.err
        json.loads(written.out)
