"""The world of one's own that comes as an example: its rules, and every command on a run in it."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers import tiny_with
from PIL import Image, ImageSequence

from routed_envs import DrawableWorld, EnumerableWorld
from routed_rl import evaluate, train
from routed_rl.cli.main import main
from scripts.own_world import INNER, Corridor

PLACE = "scripts.own_world:Corridor"


class Rightwards:
    """Always goes right."""

    def action_probabilities(self, observations: torch.Tensor) -> torch.Tensor:
        return torch.tensor([[0.0, 1.0]]).expand(len(observations), -1)


def test_a_walk_to_the_right_worked_by_hand():
    """From each of seven cells it takes 1 to 7 steps, and half of the time to the trap."""
    found = evaluate(Rightwards(), world=Corridor(0.25))
    assert found.exact
    assert found.rates == pytest.approx({"treasure": 0.5, "trap": 0.5, "timeout": 0})
    assert found.mean_length == pytest.approx(4)
    assert found.episode_return == pytest.approx(0)
    assert found.labels["unknown"] == pytest.approx(0.75)
    sampled = evaluate(Rightwards(), world=Corridor(0.25), exact=False, episodes=4000)
    assert sampled.intervals is not None
    low, high = sampled.intervals["mean_length"]
    assert low < 4 < high


def test_the_states_are_listed_in_the_order_of_their_index():
    world = Corridor(0.3)
    assert isinstance(world, EnumerableWorld)
    assert isinstance(world, DrawableWorld)
    states = world.enumerate_states()
    assert world.state_index(states).tolist() == list(range(4 * INNER))
    chances = world.start_probabilities()
    assert float(chances.sum()) == pytest.approx(1)
    assert float(chances[states.watched].sum()) == pytest.approx(0.3)
    placed = world.state_index(world.place(torch.rand(20_000, 3)))
    shares = torch.bincount(placed, minlength=4 * INNER) / 20_000
    assert torch.allclose(shares.double(), chances, atol=0.01)


def test_what_is_seen_and_drawn_is_where_things_are():
    world = Corridor(1.0)
    state = world.place(torch.tensor([[0.0, 0.9, 0.5], [0.99, 0.1, 0.5]]))
    agent, treasure, seen = world.observe(state).unbind(1)
    assert agent.argmax(1).tolist() == [1, INNER]
    assert treasure.argmax(1).tolist() == [0, INNER + 1]
    assert bool(seen.all())
    assert bool(world.oversight_mask[2].all())
    assert not bool(world.oversight_mask[:2].any())
    row = world.draw(state)[0, 0, ::20]
    assert row[0].tolist() == [230, 180, 40]
    assert row[1].tolist() == [20, 20, 20]
    assert row[INNER + 1].tolist() == [190, 50, 50]


@pytest.mark.slow
def test_every_command_works_in_a_world_of_ones_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    run = train(tiny_with(world=PLACE, oversight=0.5, method="inferred"), tmp_path / "run")
    words, out = (str(run.folder), "--world", PLACE), tmp_path / "film.gif"
    film = ("--steer", "trap", "--episodes", "3", "--out", str(out))
    assert main(["render", *words, *film, "--oversight", "1"]) == 0
    rows = list(csv.DictReader(out.with_suffix(".csv").read_text().splitlines()))
    endings = [row for row in rows if row["outcome"] != "unfinished"]
    assert [row["episode"] for row in endings] == ["1", "2", "3"]
    assert all(row["label"] == row["outcome"] for row in endings)
    with Image.open(out) as pictures:
        frames = [
            np.asarray(f.convert("RGB")).astype(int) for f in ImageSequence.Iterator(pictures)
        ]
    assert len(frames) == len(rows)
    # The treasure is there at the start and may be hidden at the end: its colour is kept.
    assert np.abs(frames[0] - np.array([230, 180, 40])).sum(2).min() < 30
    assert main(["monitor", *words, "--out", str(tmp_path)]) == 0
    assert main(["deploy-report", *words, "--out", str(tmp_path)]) == 0
    page = (tmp_path / "deployment.html").read_text()
    for part in ("ends on the treasure", "exact, by dynamic programming", "The same start"):
        assert part in page
    assert main(["explore", *words[:1]]) == 2
    capsys.readouterr()
    assert main(["render", *words, "--failures"]) == 2
    assert "--failures and --start are of the gridworld" in capsys.readouterr().err


def test_a_world_that_draws_nothing_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    settings = {"world": "own_world:Doors", "oversight": 0.5, "rollout_steps": 1}
    run = train(tiny_with(**settings), tmp_path / "run")
    assert main(["render", str(run.folder), "--world", "own_world:Doors"]) == 2
    assert "Doors, which draws no pictures" in capsys.readouterr().err
