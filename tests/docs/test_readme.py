"""Every command of the README, run in its order with a small budget, on the code that it shows."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import TINY_WORDS
from pages import HOUSE, README, blocks, commands

from routed_rl import load_results
from routed_rl.cli.main import main

pytestmark = pytest.mark.slow

SIZES = {
    "train": [*("--environments", "4", "--rollout-steps", "8", "--steps", "64"), "--epochs", "1"],
    "evaluate": ["--episodes", "4"],
    "render": ["--episodes", "1"],
    "report": [],
    "new-env": [],
}
SIZES["train"] += [*("--batch-size", "16", "--evaluation-episodes", "4"), "--device", "cpu"]
SIZES["sweep"] = SIZES["train"]
NOT_HERE = (["make", "quick"], [".", ".venv/bin/activate"])
"""The tests themselves, and what is done already."""


def test_every_command_of_the_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "my_env", raising=False)
    (tmp_path / "my_env.py").write_text("\n".join(blocks(README, "python")))
    done = [words for words in commands(README) if words not in NOT_HERE]
    for words in done:
        if words == ["make", "demo"]:
            train, render = made("demo")
            ours(train, [*TINY_WORDS, "--updates", "2"])
            ours(render, SIZES["render"])
        else:
            assert words[0] == "routed-rl", words
            ours(words[1:], SIZES[words[1]])
    assert (tmp_path / "runs" / "demo" / "rollouts.gif").exists()
    assert (tmp_path / "runs" / "mine" / "result.json").exists()
    assert len(load_results(tmp_path / "sweeps" / "mine")) == 6
    assert (tmp_path / "sweeps" / "mine" / "report" / "report.html").exists()
    assert len(done) == 5


def ours(words: list[str], sizes: list[str]) -> None:
    """Run one of our commands with less to do than it says."""
    assert main([*words, *sizes]) == 0, words


def made(target: str) -> list[list[str]]:
    """The words of our commands that `make` would run for a target."""
    said = subprocess.run(
        ["make", "--dry-run", "--no-print-directory", target],
        cwd=HOUSE,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    lines = map(shlex.split, (line for line in said.splitlines() if "/routed-rl " in line))
    return [words[1:] for words in lines]


def test_the_demo_is_two_commands_of_ours():
    assert [words[0] for words in made("demo")] == ["train", "render"]
