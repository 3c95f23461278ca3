"""Drawing a policy from Python."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from helpers import tiny_with

from routed_envs import InputError
from routed_rl import Run, render, train


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return train(tiny_with(evaluate_every=2), tmp_path_factory.mktemp("rendering") / "run")


@pytest.mark.slow
def test_every_picture_is_said_what_it_shows_and_has_its_numbers(run: Run):
    drawn = render(run.policy.steer("ghost"), run=run.folder, episodes=2)
    assert drawn.episodes == 2
    assert [picture.name for picture in drawn.pictures] == [
        "rollouts.gif",
        "rollouts_contact_sheet.png",
        "rollouts_side_by_side.gif",
        "policy_field.png",
        "learning_curve.png",
    ]
    for picture, meaning in drawn.pictures.items():
        assert picture.parent == run.folder
        assert picture.stat().st_size > 1000
        assert picture.with_suffix(".csv").exists()
        assert meaning


def test_a_policy_without_a_run_has_no_learning_curve(run: Run, tmp_path: Path):
    film = tmp_path / "new" / "film.gif"
    drawn = render(run.policy, film, episodes=1)
    assert set(drawn.pictures) == {path for path in film.parent.iterdir() if path.suffix != ".csv"}
    assert film.with_name(f"{film.stem}_policy_field.png") in drawn.pictures
    assert film.with_name(f"{film.stem}_learning_curve.png") not in drawn.pictures
    assert "--evaluate-every" in drawn.left_out[0]


def test_a_log_that_cannot_be_read_is_refused_before_anything_is_drawn(run: Run, tmp_path: Path):
    copy = shutil.copytree(run.folder, tmp_path / "run", ignore=shutil.ignore_patterns("*.png"))
    (copy / "log.jsonl").unlink()
    os.mkfifo(copy / "log.jsonl")
    before = sorted(copy.iterdir())
    with pytest.raises(InputError, match=r"log\.jsonl is no file"):
        render(run.policy, run=copy, episodes=1)
    assert sorted(copy.iterdir()) == before


def test_a_film_needs_a_place(run: Run):
    with pytest.raises(InputError, match=r"Say where the film shall go: render\(policy"):
        render(run.policy)
