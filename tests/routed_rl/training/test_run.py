"""Runs that are read: finished ones only."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers import small_with

from routed_envs import InputError
from routed_rl import load_run, train

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
