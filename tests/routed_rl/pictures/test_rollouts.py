"""Rollouts to look at: likelihoods, failures, placements, sheets and films."""

from __future__ import annotations

import csv
import dataclasses
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from helpers import grid_state, random_policy, tiny_with
from PIL import Image, ImageSequence

from routed_agents import Policy
from routed_envs import DiamondGhostWorld, InputError
from routed_rl import Experiment, extras, load_policy, train
from routed_rl.cli.main import main
from routed_rl.evaluation.steerings import steerings
from routed_rl.pictures.contact_sheet import draw_contact_sheet
from routed_rl.pictures.episodes import record
from routed_rl.pictures.failures import diamond_reachable, record_failures
from routed_rl.pictures.film import ending_words, save_film, save_side_by_side, who_acts
from routed_rl.pictures.placement import parse_placement
from routed_rl.pictures.policy_field import panel_title, placements, policy_fields

WORLD = DiamondGhostWorld(oversight=0.3)
WORDS = ("agent=4,0", "diamond=0,4", "ghost=2,2", "watched=0,4", "watched=1,1")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run."""
    path = tmp_path_factory.mktemp("rollouts") / "run"
    train(tiny_with(), path)
    return path


def read_table(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text().splitlines()))


def test_the_likelihood_is_what_the_policy_gave_the_move():
    policy = random_policy().steer("ghost")
    frames = record(policy, WORLD, 4, seed=2)
    moves = ("up", "right", "down", "left")
    for before, after in pairwise(frames):
        if after.action is None or after.likelihood is None:
            continue
        given = policy.action_probabilities(WORLD.observe(before.state))[0]
        assert after.likelihood == pytest.approx(float(given[moves.index(after.action)]), abs=1e-5)
    assert all((frame.likelihood is None) == (frame.step == 0) for frame in frames)


@pytest.mark.parametrize(
    ("shape", "cells", "steps", "expected"),
    [
        ((1, 4), (0, 3, 2), 32, True),
        ((1, 4), (0, 1, 2), 32, False),  # The ghost is in the corridor's way.
        ((2, 2), (0, 1, 3), 32, True),  # Around it.
        ((1, 4), (0, 3, 2), 2, True),
        ((1, 4), (0, 3, 2), 1, False),  # Too far.
    ],
)
def test_whether_the_diamond_can_be_reached_worked_by_hand(
    shape: tuple[int, int], cells: tuple[int, int, int], steps: int, expected: bool
):
    world = DiamondGhostWorld(rows=shape[0], cols=shape[1], max_steps=steps)
    agent, ghost, diamond = cells
    state = grid_state(world, agent, ghost=ghost, diamond=diamond)
    assert diamond_reachable(world, state).tolist() == [expected]


def test_failures_end_on_the_ghost_and_could_have_ended_otherwise():
    frames = record_failures(random_policy(), WORLD, 5, seed=1)
    assert sorted({frame.episode for frame in frames}) == [0, 1, 2, 3, 4]
    ends = [frame for frame in frames if frame.outcome != "unfinished"]
    assert [end.outcome for end in ends] == ["ghost"] * 5
    corridor = DiamondGhostWorld(rows=1, cols=4)
    blocked = grid_state(corridor, 0, ghost=1, diamond=2)
    experiment = Experiment.of(tiny_with(rows=1, cols=4))
    policy = experiment.policy(experiment.start())
    with pytest.raises(InputError, match=r"None of 20,000 episodes.*--failures"):
        record_failures(policy, corridor, 1, start=blocked)


def test_a_placement_in_words():
    state = parse_placement(WORDS, WORLD)
    expected = grid_state(WORLD, agent=20, ghost=12, diamond=4, watched=(4, 6))
    assert torch.equal(WORLD.observe(state), WORLD.observe(expected))
    frames = record(random_policy(), WORLD, 3, start=state)
    starts = [frame for frame in frames if frame.step == 0]
    assert [int(frame.state.agent) for frame in starts] == [20, 20, 20]


def test_the_sheet_has_a_row_for_each_episode_and_shortens_long_ones():
    policy = random_policy().steer("diamond")
    frames = record(policy, WORLD, 3, seed=1)
    sheet = draw_contact_sheet(frames, policy, WORLD)
    more = draw_contact_sheet([*frames, *_renumbered(frames, 3)], policy, WORLD)
    row = 5 * 28 + 1 + 40
    assert more.size == (sheet.width, sheet.height + 3 * row)
    assert sheet.width <= 2 * 16 + 9 * (5 * 28 + 1 + 14)


def test_an_ending_says_what_the_overseer_saw_and_what_he_mistook():
    frame = record(random_policy(), WORLD, 1, seed=1)[-1]
    words = {
        ("diamond", "diamond"): "diamond: overseer saw it",
        ("diamond", "ghost"): "diamond: overseer says ghost",
        ("diamond", "unknown"): "diamond: overseer did not see it",
        ("timeout", "timeout"): "timed out",
    }
    for (outcome, label), said in words.items():
        assert ending_words(dataclasses.replace(frame, outcome=outcome, label=label)) == said


def test_who_acts_in_words():
    policy = random_policy()
    everyone = (policy, policy.steer("ghost"), policy.steer(0.5), policy.with_experts("diamond"))
    assert [who_acts(one) for one in everyone] == [
        "mixture",
        "ghost expert",
        "steered mixture",
        "diamond expert",
    ]


def test_a_field_has_the_weights_of_who_acts():
    policy = random_policy()
    mixed = Policy(policy.network, WORLD, deploy=0.7)
    fields = policy_fields(mixed, WORLD, placements(WORLD, 4, 12))
    shades = {field.name: field.weights for field in fields if field.weights is not None}
    gate = policy.gate_weights(WORLD.observe(placements(WORLD, 4, 12)))[:, 0]
    assert torch.equal(shades["mixture"], gate)
    for name, weight in (("diamond", 1.0), ("ghost", 0.0), ("deployed", 0.7)):
        assert torch.equal(shades[name], torch.full((23,), weight))


def test_only_a_learned_gate_decides():
    assert "the learned gate decides" in panel_title("mixture", "learned")
    assert "every expert weighs the same" in panel_title("mixture", "even")


def _renumbered(frames, first: int):
    return [dataclasses.replace(frame, episode=frame.episode + first) for frame in frames]


@pytest.mark.slow
def test_an_mp4_shows_every_step_and_has_even_sides(tmp_path: Path):
    iio = pytest.importorskip("imageio.v3")
    pytest.importorskip("av")
    policy = random_policy()
    frames = record(policy, WORLD, 2, seed=3)
    save_film(frames, policy, WORLD, tmp_path / "film.mp4")
    film = iio.imread(tmp_path / "film.mp4", plugin="pyav")
    assert film.shape == (len(frames) + 2 * 3, 480, 354, 3)  # 479 x 353, each ending four times.
    assert len(read_table(tmp_path / "film.csv")) == len(frames)


@pytest.mark.slow
def test_the_side_by_side_film_starts_everyone_alike(tmp_path: Path):
    policy = random_policy()
    actors = steerings(policy)
    films = {who: record(actor, WORLD, 2, seed=5) for who, actor in actors.items()}
    save_side_by_side(films, actors, WORLD, tmp_path / "film.gif")
    rows = read_table(tmp_path / "film.csv")
    starts = [
        {k: row[k] for k in ("episode", "agent_row", "agent_col", "diamond", "ghost", "watched")}
        for row in rows
        if row["step"] == "0"
    ]
    assert [row["who_acts"] for row in rows if row["step"] == "0"] == [
        who for who in ("mixture", "diamond", "ghost") for _ in range(2)
    ]
    assert starts[:2] == starts[2:4] == starts[4:]
    with Image.open(tmp_path / "film.gif") as gif:
        count = sum(1 for _ in ImageSequence.Iterator(gif))
        assert gif.size == (3 * 353, 479)
    lengths = {
        (row["who_acts"], row["episode"]): int(row["step"]) + 1 for row in rows
    }  # The last row of each film counts.
    longest = [max(lengths[who, str(e)] for who in actors) for e in range(2)]
    assert count == sum(longest)


@pytest.mark.slow
def test_the_command_draws_failures_from_a_placement(folder: Path, tmp_path: Path, capsys):
    out = tmp_path / "new" / "film.gif"
    words = ["--failures", "--episodes", "2", "--start", *WORDS, "--out", str(out)]
    assert main(["render", str(folder), "--steer", "mixture", *words]) == 0
    shown = capsys.readouterr().out
    for name in (
        "film.gif",
        "film_side_by_side.gif",
        "film_contact_sheet.png",
        "film_policy_field.png",
    ):
        assert name in shown
        assert (out.parent / name).stat().st_size > 1000
        assert (out.parent / name).with_suffix(".csv").exists()
    rows = read_table(out.with_suffix(".csv"))
    assert [row["outcome"] for row in rows if row["outcome"] != "unfinished"] == ["ghost"] * 2
    assert {(row["diamond"], row["ghost"], row["watched"]) for row in rows} == {
        ("0,4", "2,2", "0,4 1,1")
    }
    field = read_table(out.with_name("film_policy_field.csv"))
    policy, world = load_policy(folder), WORLD
    seen = world.observe(parse_placement(WORDS, world))
    expected = policy.steer("ghost").action_probabilities(seen)[0]
    (cell,) = (
        [float(row[action]) for action in ("up", "right", "down", "left")]
        for row in field
        if (row["who_acts"], row["row"], row["col"]) == ("ghost", "4", "0")
    )
    assert cell == pytest.approx(expected.tolist(), abs=1e-6)


def test_a_film_without_its_packages_is_refused_with_the_line_that_installs_them(
    folder: Path, tmp_path: Path, capsys, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    assert main(["render", str(folder), "--out", str(tmp_path / "new" / "film.mp4")]) == 2
    message = capsys.readouterr().err
    assert 'imageio and av. Install: pip install "routed-rl[video]"' in message
    assert list(tmp_path.iterdir()) == []


def test_a_target_that_cannot_be_written_is_refused(folder: Path, tmp_path: Path, capsys):
    (tmp_path / "file").touch()
    assert main(["render", str(folder), "--out", str(tmp_path / "file" / "film.gif")]) == 2
    assert "is a file" in capsys.readouterr().err
