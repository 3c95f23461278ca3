"""The example programs over stable-baselines3, as a user starts them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from helpers import run_script

Output = Callable[..., str]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:rich is experimental"),  # Of a progress bar.
]


@pytest.fixture
def output(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Output:
    """Calls a program with words, and hands on what it prints."""

    def call(script: str, *words: str) -> str:
        assert run_script(monkeypatch, script, *words) == 0
        return capsys.readouterr().out

    return call


def test_a_routed_ppo_is_trained_judged_and_saved(output: Output, tmp_path: Path):
    found = output("train_ppo.py", "--steps", "8192", "--out", str(tmp_path / "ppo"))
    assert [line.split()[0] for line in found.splitlines()[-4:-1]] == [
        "mixture",
        "diamond",
        "ghost",
    ]
    assert {path.name for path in (tmp_path / "ppo").iterdir()} == {
        "model.zip",
        "policy.safetensors",
    }
