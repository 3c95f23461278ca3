"""A folder in which a run begins: continued, begun again, or refused untouched."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from helpers import small_with
from run_files import weights

from routed_agents import get_method
from routed_envs import InputError
from routed_envs.gridworld.world import OUTCOMES
from routed_rl import load_run, train

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
    with pytest.raises(InputError, match="table of the method"):
        train(SMALL, tmp_path / "run", method=dataclasses.replace(method, rows=rows), resume=True)
