"""A folder in which a run begins: continued, begun again, or refused untouched."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path

import pytest
from helpers import TINY, small_with
from run_files import weights

from routed_agents import get_method
from routed_envs import InputError
from routed_envs.gridworld.world import OUTCOMES
from routed_rl import load_run, train
from routed_rl.cli.main import main

SMALL = small_with()


def test_a_run_can_be_extended_and_a_finished_one_is_left_alone(tmp_path: Path):
    folder = tmp_path / "run"
    train(small_with(updates=3), folder)
    finished = weights(folder)
    train(small_with(updates=3, threads=2), folder, resume=True)
    assert weights(folder) == finished
    run = train(small_with(updates=6), folder, resume=True)
    assert weights(folder) != finished
    assert run.config.updates == 6
    assert json.loads((folder / "result.json").read_text())["updates"] == 6


def test_a_folder_that_holds_something_is_refused_untouched(tmp_path: Path):
    folder = tmp_path / "run"
    train(SMALL, folder)
    before = {p: p.read_bytes() for p in folder.iterdir()}
    with pytest.raises(InputError, match=r"--resume.*--overwrite"):
        train(SMALL, folder)
    with pytest.raises(InputError, match=r"oversight: there 0\.1, here 0\.5"):
        train(small_with(oversight=0.5), folder, resume=True)
    with pytest.raises(InputError, match="updates: there 4, here only 2"):
        train(small_with(updates=2), folder, resume=True)
    with pytest.raises(InputError, match="one of them"):
        train(SMALL, folder, resume=True, overwrite=True)
    assert {p: p.read_bytes() for p in folder.iterdir()} == before
    strange = tmp_path / "strange"
    strange.mkdir()
    (strange / "thesis.tex").write_text("precious")
    for resume, overwrite in ((False, False), (True, False), (False, True)):
        with pytest.raises(InputError, match="is no run"):
            train(SMALL, strange, resume=resume, overwrite=overwrite)
    assert [p.name for p in strange.iterdir()] == ["thesis.tex"]
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="is a file"):
        train(SMALL, tmp_path / "file")


def test_overwriting_starts_again(tmp_path: Path):
    folder = tmp_path / "run"
    train(small_with(seed=1), folder)
    train(small_with(seed=2), folder, overwrite=True)
    train(small_with(seed=2), tmp_path / "fresh")
    assert weights(folder) == weights(tmp_path / "fresh")


def test_a_damaged_configuration_is_refused(tmp_path: Path):
    folder = tmp_path / "run"
    train(SMALL, folder)
    for content in ("{", "[]", "{}", '{"config": 3, "world": {}}'):
        (folder / "config.json").write_text(content)
        with pytest.raises(InputError, match=r"damaged|cannot be read|no JSON object"):
            train(SMALL, folder, resume=True)
    (folder / "config.json").write_text('{"config": {"sede": 1}, "world": {}}')
    with pytest.raises(InputError, match="damaged"):
        load_run(folder)


def test_another_table_under_the_same_name_is_another_run(tmp_path: Path):
    method = get_method("naive", OUTCOMES)
    train(SMALL, tmp_path / "run", method=method)
    rows = {label: dataclasses.replace(row, reward=-1.0) for label, row in method.rows.items()}
    changed = dataclasses.replace(method, rows=rows)
    with pytest.raises(InputError) as refused:
        train(SMALL, tmp_path / "run", method=changed, resume=True)
    line = "  table of the method, rows, diamond, reward: there None, here -1.0"
    assert line in str(refused.value).splitlines()
    assert "ghost" not in str(refused.value), "cells that are the same are not listed"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["log.jsonl", "result.json", "checkpoint.pt", "config.json"])
@pytest.mark.parametrize("kind", ["link", "pipe", "folder"])
def test_what_is_no_file_of_the_runs_own_is_never_written_to(
    name: str, kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    run, victim = train(TINY, tmp_path / "run").folder, tmp_path / "victim.txt"
    victim.write_bytes((run / name).read_bytes())
    before = victim.read_bytes()
    (run / name).unlink()
    make = {"link": lambda p: p.symlink_to(victim), "pipe": os.mkfifo, "folder": Path.mkdir}
    make[kind](run / name)
    config = tmp_path / "config.json"
    config.write_text(json.dumps(dataclasses.replace(TINY, updates=6).to_json()))
    for words in (["--resume"], ["--overwrite"], []):
        assert main(["train", "--config", str(config), "--out", str(run), *words]) == 2
    assert victim.read_bytes() == before
    assert f"{name} is " in capsys.readouterr().err
    if kind != "link" and name != "checkpoint.pt":
        assert main(["evaluate", str(run)]) in (0, 2)  # Nothing hangs.


def test_a_result_whose_numbers_are_none_counts_as_no_result(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    config = tmp_path / "config.json"
    config.write_text(json.dumps(TINY.to_json()))
    words = ["train", "--config", str(config), "--out", str(tmp_path / "run"), "--resume"]
    assert main(words) == 0
    result = tmp_path / "run" / "result.json"
    told = json.loads(result.read_text())
    result.write_text(json.dumps(told | {"updates": {"a": 1}}))
    assert main(words) == 0
    assert "was finished after" not in capsys.readouterr().err
    assert json.loads(result.read_text())["updates"] == told["updates"]


def test_what_finishing_could_not_read_is_refused_before_training(tmp_path: Path):
    run = train(TINY, tmp_path / "run").folder
    (run / "result.json").unlink()
    config = json.loads((run / "config.json").read_text())
    config["config"]["colour"] = "red"
    (run / "config.json").write_text(json.dumps(config))
    before = (run / "checkpoint.pt").stat().st_mtime_ns
    with pytest.raises(InputError, match=r"cannot read: .*colour.*--overwrite"):
        train(TINY, run, resume=True)
    assert (run / "checkpoint.pt").stat().st_mtime_ns == before
    name = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9")
    with pytest.raises(InputError, match="no UTF-8"):
        train(TINY, name)
    assert not Path(name).exists()


def test_a_run_that_was_moved_to_another_processor_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    run = train(TINY, tmp_path / "run").folder
    train(dataclasses.replace(TINY, updates=6), run, resume=True)
    assert "instructions" not in capsys.readouterr().err
    config = json.loads((run / "config.json").read_text())
    (run / "config.json").write_text(json.dumps(config | {"instructions": "AVX1024"}))
    train(dataclasses.replace(TINY, updates=8), run, resume=True)
    assert "began on a processor with the instructions AVX1024" in capsys.readouterr().err


def test_a_folder_of_a_run_may_be_no_link(tmp_path: Path):
    run = train(TINY, tmp_path / "run").folder
    (tmp_path / "elsewhere").mkdir()
    (run / "snapshots").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match="snapshots is a link"):
        train(TINY, run, overwrite=True)
