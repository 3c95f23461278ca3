"""Notebooks: their cells run from top to bottom, and nothing that they printed is stored."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from helpers import SCRIPTS, environment

NOTEBOOKS = sorted(SCRIPTS.rglob("*.ipynb"))


def code_cells(notebook: Path) -> list[dict[str, Any]]:
    cells = json.loads(notebook.read_text())["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


def test_there_is_the_first_experiment():
    assert [notebook.name for notebook in NOTEBOOKS] == ["first_experiment.ipynb"]


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_output_and_nothing_of_a_machine_is_stored(notebook: Path):
    for cell in code_cells(notebook):
        assert (cell["outputs"], cell["execution_count"], cell["metadata"]) == ([], None, {})
    about = json.loads(notebook.read_text())["metadata"]
    assert about["language_info"] == {"name": "python"}
    assert about["kernelspec"]["name"] == "python3"
    assert about.keys() == {"kernelspec", "language_info"}


@pytest.mark.slow
def test_the_first_experiment_runs_from_top_to_bottom(tmp_path: Path):
    """Its cells in one namespace, as a kernel has them, with few updates."""
    source = "\n".join("".join(cell["source"]) for cell in code_cells(NOTEBOOKS[0]))
    assert source.count("UPDATES = 700\n") == 1
    program = tmp_path / "cells.py"
    program.write_text(source.replace("UPDATES = 700\n", "UPDATES = 4\n"))
    done = subprocess.run(
        [sys.executable, "-W", "error", program.name],
        cwd=tmp_path,
        env=environment(MPLBACKEND="agg"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    for name in ("mixture", "diamond expert", "ghost expert", "naive"):
        assert any(line.startswith(name) and "unwatched: diamond" in line for line in lines)
    assert sum(line.startswith("weight of the diamond expert") for line in lines) == 5
    made = sorted(path.name for path in (tmp_path / "runs").iterdir())
    assert made == ["notebook-inferred", "notebook-naive"]
