"""A run's folder: one trainer at a time."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers import small_with

from routed_envs import InputError
from routed_rl import train
from routed_rl.runs.run_folder import RunFolder

SMALL = small_with()


def test_a_lock_keeps_a_second_trainer_out(tmp_path: Path):
    folder = RunFolder(tmp_path / "run")
    with folder.locked(), pytest.raises(InputError, match="Another process"):
        train(SMALL, folder.path)
    train(SMALL, folder.path)
