"""What looks for answers that are none, and a small share of what it tries."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts.benchmarks import attempts, damage, hostile
from scripts.benchmarks.attempts import attempt


def say(text: str, code: int) -> int:
    print(text, file=sys.stderr)
    return code


def raises() -> int:
    raise ValueError("not caught")


def overwrites() -> int:
    Path("mine.txt").write_text("other")
    return say("refused", 2)


def executes() -> int:
    Path("below").mkdir()
    Path("below", hostile.HIT).write_text("who")
    return 0


def hangs() -> int:
    time.sleep(60)
    return 0


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.txt").write_text("mine")
    return tmp_path


@pytest.mark.parametrize("code", [0, 1, 2])
def test_an_answer_in_a_line_is_one(code: int, here: Path):
    found = attempt(lambda: say("routed-rl: no.", code), ["command"], here)
    assert (found.code, found.told, found.fault) == (code, "routed-rl: no.", "")


@pytest.mark.parametrize(
    ("call", "fault"),
    [
        (raises, "ValueError: not caught"),
        (lambda: say("Traceback (most recent call last)", 1), "Traceback"),
        (lambda: say("", 2), "exit code 2 without a word"),
        (lambda: say("refused", 3), "exit code 3"),
        (lambda: say("routed-rl: a\nrouted-rl: b", 2), "more than one message"),
        (overwrites, "touched: mine.txt"),
        (executes, "something was executed: who"),
        (hangs, "no answer within 0 s"),
    ],
)
def test_what_is_none_is_noticed(
    call: Callable[[], int], fault: str, here: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(attempts, "SECONDS", 0.2)
    assert fault in attempt(call, ["command"], here).fault


@pytest.mark.parametrize("how", hostile.CONTENT)
def test_every_damage_changes_the_file_and_the_seed_decides_how(how: str):
    text = b'{"config": {"method": "routed", "rows": 5}, "format": 1}'
    first, again = (hostile.CONTENT[how](text, random.Random(1)) for _ in range(2))
    assert first == again != text


@pytest.mark.slow
def test_a_share_of_everything_is_tried(capsys: pytest.CaptureFixture[str]):
    assert damage.main(configurations_tried=50, files=16, through_the_command=1, seed=1) == 0
    shown = capsys.readouterr().out
    for kind in ("json", "toml", "train options", "sweep options", "options", "file of run"):
        assert kind in shown
