"""What looks for the traces of a kill, and a few of the kills."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from helpers import environment

from scripts.benchmarks import kills

ROOT = Path(__file__).parents[2]


def test_folders_are_alike_but_for_the_time(tmp_path: Path):
    for index, name in enumerate(("first", "second")):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "result.json").write_text(f'{{"seconds": {index}, "updates": 3}}')
        (folder / "log.jsonl").write_text(f'{{"update": 1, "timing": {{"seconds": {index}}}}}\n')
        (folder / "checkpoint.pt").write_text(str(index))
        (folder / "policy").write_text("same")
    first, second = kills.bits(tmp_path / "first"), kills.bits(tmp_path / "second")
    assert kills.unlike(first, second) == []
    (tmp_path / "second" / "policy").write_text("other")
    (tmp_path / "second" / "log.jsonl").write_text('{"update": 2}\n')
    (tmp_path / "second" / "new").write_text("")
    second = kills.bits(tmp_path / "second")
    assert kills.unlike(first, second) == ["log.jsonl differs", "new differs", "policy differs"]


@pytest.mark.skipif(sys.platform != "linux", reason="it looks for processes in /proc")
def test_what_is_left_and_who_lasts_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(kills, "ORPHAN_SECONDS", 0.0)
    monkeypatch.setattr(kills, "begin", lambda *_: 1)
    monkeypatch.setattr(kills, "ended", lambda _: 3)
    (tmp_path / "said").write_text("no")
    (tmp_path / ".policy.here.1.partial").write_text("half")
    code = f"import time; file = open({str(tmp_path / 'held')!r}, 'w'); print(flush=True)"
    words = [sys.executable, "-c", f"{code}; time.sleep(600)"]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        faults = kills.go_on(("train",), tmp_path)
        process.kill()
    lasting, *others = faults
    assert lasting.startswith(f"process {process.pid} goes on: {sys.executable} -c import time")
    assert others == ["exit code 3: no", f"{tmp_path / '.policy.here.1.partial'} was left"]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="it looks for processes in /proc")
def test_a_few_kills_leave_nothing_wrong():
    words = ["-m", "scripts.benchmarks.kills", "--train", "2", "--sweep", "0", "--looks", "0"]
    done = subprocess.run(
        [sys.executable, *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env=environment(COLUMNS="200"),
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "killed 2 times, 0 faults" in done.stdout
