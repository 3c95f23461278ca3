"""The page of a world of one's own: its numbers are Python's, and what does not fit it refuses."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers import network, tiny_with
from own_world import Doors, DoorState
from PIL import Image
from test_explorer import CORRIDOR, content, make_policy, numbers

from routed_agents import NetworkSettings, Policy
from routed_envs import InputError
from routed_rl import evaluate, explore, train
from routed_rl.cli.main import main
from routed_rl.evaluation.exact import Evaluator
from routed_rl.pictures.explorer.packing import PAGE_BYTES
from routed_rl.pictures.explorer.states import states_page
from routed_rl.pictures.explorer.states.state_fields import state_fields
from routed_rl.pictures.explorer.states.state_numbers import number_count
from routed_rl.pictures.explorer.states.state_pictures import album, heat_maps
from scripts.own_world import INNER, Corridor, CorridorState

PLACE = "scripts.own_world:Corridor"


@dataclass(frozen=True)
class ListedDoors(Doors):
    """Doors whose two states are listed: whether the overseer watches."""

    state_count: int = 2

    def enumerate_states(self) -> DoorState:
        return DoorState(torch.tensor([[0], [1]], dtype=torch.int8))

    def state_index(self, state: DoorState) -> torch.Tensor:
        return state.watched[:, 0].long()

    def start_probabilities(self) -> torch.Tensor:
        return torch.tensor([1 - self.oversight, self.oversight], dtype=torch.float64)

    def with_oversight(self, oversight: float) -> ListedDoors:
        return replace(self, oversight=oversight)


@dataclass(frozen=True)
class WatchedDoors(ListedDoors):
    """A bandit with a single state, in which the overseer always watches."""

    state_count: int = 1

    def enumerate_states(self) -> DoorState:
        return DoorState(torch.ones((1, 1), dtype=torch.int8))

    def state_index(self, state: DoorState) -> torch.Tensor:
        return torch.zeros(len(state.watched), dtype=torch.int64)

    def start_probabilities(self) -> torch.Tensor:
        return torch.ones(1, dtype=torch.float64)


class Noisy(Corridor):
    """A corridor whose pictures are so large that nine of them do not fit into a page."""

    def draw(self, state: CorridorState) -> np.ndarray:
        noise = np.random.default_rng(0).integers(0, 256, (INNER + 2, 300, 300, 3), np.uint8)
        return noise[state.agent.numpy()]


def corridor_policy(oversight: float = 0.1, seed: int = 0, deploy: Any = "treasure") -> Policy:
    """A policy of the corridor with random weights, so large that it is sure of some actions."""
    made = network(CORRIDOR, seed)
    with torch.no_grad():
        for weight in made.parameters():
            weight.mul_(4)
    return Policy(made, Corridor(oversight), deploy)


def doors_policy(world: Any) -> Policy:
    settings = NetworkSettings(("gold", "silver", "trap"), "learned", (1,), 4, (4,), (4,), 0)
    return Policy(network(settings), world, {"gold": 0.75, "trap": 0.25})


def held(page: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """What a page holds: its names, and its numbers by name."""
    found, parts, start = content(page), {}, 0
    flat = numbers(found["numbers"])
    for name, shape in found["tensors"]:
        parts[name] = flat[start : start + np.prod(shape)].reshape(shape)
        start += np.prod(shape)
    assert start == len(flat)
    return found, parts


def picture(png: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(png))))


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("states")
    return explore(corridor_policy(), out=folder / "page.html")


def test_the_pages_numbers_are_pythons(page: Path):
    found, parts = held(page)
    policy, world = corridor_policy(), Corridor(0.1)
    seen, evaluator = world.observe(world.enumerate_states()), Evaluator(world)
    actors = {"mixture": None, "treasure": "treasure", "trap": "trap"}
    assert [who["name"] for who in found["policies"][0]["who"]] == list(actors)
    for name, steering in actors.items():
        actor = policy.steer(steering)
        shown = parts[f"0 {name} probabilities"], parts[f"0 {name} figures"]
        assert np.allclose(shown[0], actor.action_probabilities(seen), atol=1e-6)
        assert np.allclose(shown[1], evaluator.state_values(actor)[:, :4], atol=1e-5)
        for level, oversight in enumerate(found["levels"]):
            judged = evaluate(actor, oversight)
            mean = parts["starts"][level] @ shown[1]
            rates = [judged.rates["treasure"], judged.rates["trap"]]
            assert mean == pytest.approx([*rates, judged.episode_return, judged.mean_length], 1e-5)
    assert np.allclose(parts["0 gate"], policy.gate_weights(seen), atol=1e-6)
    assert found["levels"] == [0.0, 0.1, 1.0]


def test_what_follows_each_action_worked_by_hand(page: Path):
    found, parts = held(page)
    # The list begins with the agent in cell 1, the treasure at the left end, nobody watching.
    codes = found["world"]["codes"]
    treasure, trap, unknown = (codes.index(name) for name in ("treasure", "trap", "unknown"))
    assert parts["next"][0].tolist() == [-1 - (treasure * len(codes) + unknown), 1]
    assert parts["next"][3].tolist() == [2, 4]
    assert parts["next"][INNER - 1].tolist() == [INNER - 2, -1 - (trap * len(codes) + unknown)]
    watched = 2 * INNER
    assert parts["next"][watched].tolist() == [-1 - (treasure * len(codes) + treasure), watched + 1]
    assert found["world"]["actions"] == ["left", "right"]
    who = found["policies"][0]["who"]
    assert [one["title"] for one in who] == ["mixture", "treasure expert", "trap expert"]
    assert [one["deployed"] for one in who] == [False, True, False]


def test_pictures_are_the_worlds_and_equal_ones_are_stored_once(page: Path):
    found, world = content(page), Corridor()
    drawn = found["pictures"]
    # 7 cells and two sides; whether somebody watches is not drawn. And an ending at either end.
    assert len(drawn["images"]) == 2 * INNER + 4
    assert len(drawn["places"]) == 4 * INNER + 8
    pictures = world.draw(world.enumerate_states())
    for state in (0, 5, 2 * INNER):
        assert np.array_equal(
            picture(drawn["images"][drawn["places"][state]]), pictures[state][::20, ::20]
        )
    # The first ending is a step to the left from the first cell: the agent covers the treasure.
    first = picture(drawn["images"][drawn["places"][4 * INNER]])
    assert first[0].tolist()[:2] == [[20, 20, 20], [235, 235, 235]]
    assert len(found["seen"]["images"]) == 4 * INNER


def test_observations_are_heat_maps():
    seen = torch.zeros(2, 2, 3, 2, dtype=torch.int8)
    seen[1, 0, 2, 1], seen[1, 1, 0, 0] = 4, 2
    maps = heat_maps(seen)
    assert maps.shape == (2, 3, 5, 4)
    assert maps[0, :, :, 3].tolist() == [[26, 26, 0, 26, 26]] * 3
    assert maps[1, :, :, 3].tolist() == [
        [26, 26, 0, 140, 26],
        [26, 26, 0, 26, 26],
        [26, 255, 0, 26, 26],
    ]
    assert heat_maps(torch.ones(3, 5, dtype=torch.int8)).shape == (3, 1, 5, 4)


def test_a_picture_of_equal_squares_has_a_dot_for_each():
    dots = np.random.default_rng(0).integers(0, 256, (4, 6, 3), np.uint8)
    large = dots.repeat(10, 0).repeat(10, 1)
    spoilt = large.copy()
    spoilt[13, 17] += 1
    kept = album([large, dots.repeat(10, 1), spoilt], 100_000)
    assert kept is not None
    assert np.array_equal(picture(kept.pictures[0]), dots)
    assert np.array_equal(picture(kept.pictures[1]), dots.repeat(10, 1))
    assert np.array_equal(picture(kept.pictures[2]), spoilt)


def test_an_album_that_does_not_fit_is_none():
    black, white = np.zeros((2, 2, 3), np.uint8), np.full((2, 2, 3), 255, np.uint8)
    kept = album([black, white, black], 10_000)
    assert kept is not None
    assert (len(kept.pictures), kept.places) == (2, (0, 1, 0))
    assert album([black, white, black], kept.letters) == kept
    assert album([black, white, black], kept.letters - 1) is None


def test_states_are_told_apart_by_their_fields():
    fields = state_fields(Corridor().enumerate_states())
    assert [(field.name, field.values) for field in fields] == [
        ("agent", tuple("1234567")),
        ("treasure", ("0", "8")),
        ("watched", ("no", "yes")),
    ]
    assert fields[0].codes.tolist() == list(range(7)) * 4

    @dataclass(frozen=True)
    class Board:
        cells: torch.Tensor
        at_home: torch.Tensor
        place: torch.Tensor

    places = torch.tensor([[0.5, 2], [0.5, 2], [1, 0]])
    board = Board(torch.rand(3, 9), torch.tensor([True, True, True]), places)
    # A board is no word, what never differs says nothing, and two states are alike in the rest.
    assert [(field.name, field.values) for field in state_fields(board)] == [
        ("place", ("0.5, 2", "1, 0")),
        ("state", ("1", "2", "3")),
    ]


def test_a_world_without_pictures_and_names(tmp_path: Path):
    found, parts = held(explore(doors_policy(ListedDoors()), out=tmp_path / "page.html"))
    assert (found["pictures"], found["leftOut"]) == (None, False)
    assert (found["seen"]["places"], len(found["seen"]["images"])) == ([0, 0], 1)
    assert found["world"]["actions"] == [f"action {action}" for action in range(4)]
    assert found["world"]["targets"] == ["gold", "silver", "trap"]
    deployed = found["policies"][0]["who"][-1]
    assert deployed == {
        "name": "deployed",
        "title": "fixed mix of gold 0.75, trap 0.25",
        "deployed": True,
    }
    # The fourth action opens no door: a time-out, code 3 of 6, as outcome and as label.
    assert parts["next"][:, 3].tolist() == [-1 - (3 * 6 + 3)] * 2
    assert number_count(ListedDoors(), [doors_policy(ListedDoors())], found["levels"]) == sum(
        part.size for name, part in parts.items() if name != "fields"
    )


def test_a_world_with_one_state(tmp_path: Path):
    found, parts = held(explore(doors_policy(WatchedDoors()), out=tmp_path / "page.html"))
    assert found["fields"] == [{"name": "state", "values": ["1"]}]
    assert parts["fields"].tolist() == [[0]]
    # Each door ends the episode under its own label, of 6; the fourth action is a time-out.
    assert parts["next"].tolist() == [[-1 - 7 * code for code in range(4)]]


def test_two_policies_of_one_world(tmp_path: Path):
    first, second = corridor_policy(), corridor_policy(0.3, seed=1, deploy=None)
    found, parts = held(explore(first, second, out=tmp_path / "page.html"))
    assert found["levels"] == [0.0, 0.1, 0.3, 1.0]
    assert [policy["trained"] for policy in found["policies"]] == [0.1, 0.3]
    assert not np.array_equal(parts["0 mixture figures"], parts["1 mixture figures"])
    with pytest.raises(
        InputError, match=r"in a Corridor\(\) and .* in a DiamondGhostWorld\(.*by itself"
    ):
        explore(first, make_policy(), out=tmp_path / "other.html")


def test_what_does_not_fit_is_left_out_or_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    out = tmp_path / "page.html"
    large = ListedDoors(state_count=40_000)
    with pytest.raises(
        InputError, match=r"40,000 states takes 1\d\.\d MB.*`routed-rl evaluate RUN`"
    ):
        explore(doors_policy(large), out=out)
    with pytest.raises(InputError, match="cannot be listed or are too many"):
        explore(doors_policy(ListedDoors(state_count=2_000_000)), out=out)
    assert not out.exists()
    narrow = content(explore(Policy(network(CORRIDOR), Noisy()), out=out))
    assert (narrow["pictures"], narrow["leftOut"], len(narrow["seen"]["images"])) == (
        None,
        True,
        28,
    )
    assert out.stat().st_size < 2_500_000
    monkeypatch.setattr(states_page, "MOST_BYTES", PAGE_BYTES + len(narrow["numbers"]) + 300)
    with pytest.raises(
        InputError, match=r"pictures of its 28 states do not fit.*`routed-rl render"
    ):
        explore(corridor_policy(), out=out)


def test_options_that_mean_nothing_here_are_refused(tmp_path: Path):
    with pytest.raises(InputError, match="only the gridworld's page has a dial"):
        explore(corridor_policy(), out=tmp_path / "a.html", experts=("trap", "treasure"))

    class Misnamed(Corridor):
        action_names = ("left", "right", "jump")

    policy = Policy(network(CORRIDOR), Misnamed())
    with pytest.raises(InputError, match="3 names for 2 actions"):
        explore(policy, out=tmp_path / "a.html")


def test_the_command_takes_the_world(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    run = train(tiny_with(world=PLACE, oversight=0.5, method="inferred"), tmp_path / "run")
    assert main(["explore", str(run.folder), "--world", PLACE]) == 0
    assert "explorer.html  open it in a browser" in capsys.readouterr().out
    found = content(tmp_path / "run" / "explorer.html")
    # The oversight is the run's, not that of the world as it is made.
    assert found["levels"] == [0.0, 0.5, 1.0]
    assert found["policies"][0]["facts"].startswith("inferred")
    assert main(["explore", str(run.folder)]) == 2
    assert "--world module:object" in capsys.readouterr().err.replace("\n", " ")


def test_the_file_needs_nothing_else(page: Path):
    text = page.read_text()
    assert "default-src 'none'" in text
    assert "http" not in text.replace("http-equiv", "").replace("http://www.w3.org/2000/svg", "")
    assert page.stat().st_size < 2_500_000
