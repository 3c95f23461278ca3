"""The explorer's file: what is in it, how large it is, and what is refused."""

from __future__ import annotations

import base64
import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers import network, tiny_with
from own_env import doors
from own_world import Doors
from stable_baselines3.common.vec_env import DummyVecEnv

from routed_agents import NetworkSettings, Policy, RoutedPPO
from routed_envs import DiamondGhostWorld, InputError
from routed_rl import explore, save_policy, train
from routed_rl.cli.main import main
from routed_rl.pictures.explorer import packing
from routed_rl.pictures.explorer.packing import evenly, observation_count
from routed_rl.pictures.explorer.sources import Stage
from scripts.own_world import Corridor

CORRIDOR = NetworkSettings(("treasure", "trap"), "learned", (3, 9), 2, (8,), (4,), 0)


def make_policy(
    world: DiamondGhostWorld | None = None,
    experts: tuple[str, ...] = ("diamond", "ghost"),
    **rest: Any,
) -> Policy:
    """A policy with random weights."""
    world = world or DiamondGhostWorld()
    shape = world.observation_shape
    gate = rest.pop("gate", "learned" if len(experts) > 1 else "none")
    deploy = rest.pop("deploy", None)
    fields = {"expert_widths": (16, 12), "gate_widths": (8,), "gate_channels": 3} | rest
    settings = NetworkSettings(experts, gate, shape, world.actions, **fields)
    return Policy(network(settings), world, deploy)


def content(page: Path) -> dict[str, Any]:
    """What the page holds of its policies."""
    found = re.search(r'<script type="application/json" id="\w+">(.*?)</script>', page.read_text())
    assert found
    return json.loads(found[1])


def numbers(text: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), "<f4")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run with two snapshots."""
    path = tmp_path_factory.mktemp("explorer") / "run"
    train(tiny_with(), path, snapshots=2)
    return path


def test_the_command_writes_one_file_that_needs_nothing_else(run: Path, capsys):
    assert main(["explore", str(run)]) == 0
    page = run / "explorer.html"
    assert capsys.readouterr().out.startswith(f"{page}  open it in a browser")
    text = page.read_text()
    assert not re.search(r"(?:src|href)=|url\(|@import|https?://(?!www\.w3\.org/2000/svg)", text)
    assert "default-src 'none'" in text
    assert [p.name for p in run.iterdir() if p.suffix == ".partial"] == []
    [policy] = content(page)["policies"]
    assert policy["name"] == "run"
    assert policy["facts"] == "routed, oversight 0.1"
    assert [stage["update"] for stage in policy["stages"]] == [0, 2, 4]
    assert (policy["deploy"], policy["ends"], policy["leftOut"]) == ([1.0, 0.0], [1, 0], 0)


def test_every_script_is_in_a_page_once(run: Path, tmp_path: Path):
    corridor = Policy(network(CORRIDOR), Corridor())
    pages = [explore(one, out=tmp_path / "page.html").read_text() for one in (run, corridor)]
    for path in (Path(packing.__file__).parent / "web").rglob("*.js"):
        counts = [page.count(path.read_text().splitlines()[0]) for page in pages]
        assert max(counts) == 1, path.name


def test_weights_are_held_bit_for_bit(tmp_path: Path):
    policy = make_policy()
    page = explore(policy, out=tmp_path / "page.html")
    [held] = content(page)["policies"]
    assert held["form"] == "weights"
    state = policy.network.state_dict()
    assert [name for name, _ in held["tensors"]] == list(state)
    flat = torch.cat([weight.flatten() for weight in state.values()]).numpy()
    assert np.array_equal(numbers(held["stages"][0]["numbers"]), flat)


def test_tables_are_held_where_they_are_smaller(tmp_path: Path):
    world = DiamondGhostWorld(rows=2, cols=3)
    policy = make_policy(world, expert_widths=(256, 256))
    [held] = content(explore(policy, out=tmp_path / "page.html"))["policies"]
    assert held["form"] == "tables"
    # 6 x 5 x 4 placements with four flags; two experts with four logits each, and the gate's.
    assert held["tensors"] == [
        ["experts.diamond", [480, 4]],
        ["experts.ghost", [480, 4]],
        ["gate", [480, 1]],
    ]
    assert len(numbers(held["stages"][0]["numbers"])) == 480 * 9
    seen = world.observe(world.enumerate_states())
    logits = policy.network.steered_logits(seen, (1.0, 0.0)).detach().numpy()
    assert np.array_equal(numbers(held["stages"][0]["numbers"])[:1920], logits.flatten())


def test_how_much_an_agent_can_see():
    world = DiamondGhostWorld(label_noise=0.2)
    assert observation_count(world) == 13_800 * 4
    assert observation_count(dataclasses.replace(world, hidden_oversight=True)) == 13_800
    assert observation_count(dataclasses.replace(world, spurious_oversight=0.1)) is None


def test_snapshots_that_do_not_fit_are_left_out_evenly(run: Path, tmp_path: Path, monkeypatch):
    stages = [Stage(update, Path()) for update in range(11)]
    assert [stage.update for stage in evenly(stages, 11)] == list(range(11))
    assert [stage.update for stage in evenly(stages, 3)] == [0, 5, 10]
    assert [stage.update for stage in evenly(stages, 1)] == [10]
    [whole] = content(explore(run, out=tmp_path / "a.html"))["policies"]
    each = len(whole["stages"][0]["numbers"])
    monkeypatch.setattr(packing, "MOST_BYTES", packing.PAGE_BYTES + 2 * each)
    [cut] = content(explore(run, out=tmp_path / "b.html"))["policies"]
    assert [stage["update"] for stage in cut["stages"]] == [0, 4]
    assert cut["leftOut"] == 1


@pytest.mark.parametrize("preset_widths", [(256,), (256, 256)])
def test_a_page_stays_below_its_size_for_each_policy(
    preset_widths: tuple[int, ...], tmp_path: Path
):
    policy = make_policy(expert_widths=preset_widths, gate_widths=(256, 256), gate_channels=4)
    assert explore(policy, out=tmp_path / "one.html").stat().st_size <= 2_500_000
    assert explore(policy, policy, out=tmp_path / "two.html").stat().st_size <= 5_000_000


def test_names_tell_policies_apart_and_cannot_end_the_data(tmp_path: Path):
    for folder in ("a</script><b>", "b"):
        (tmp_path / folder.replace("/", "_")).mkdir()
    files = [
        tmp_path / "a<_script><b>" / "policy.safetensors",
        tmp_path / "b" / "policy.safetensors",
    ]
    for file in files:
        save_policy(make_policy(), file)
    page = explore(*files, out=tmp_path / "page.html")
    assert [policy["name"] for policy in content(page)["policies"]] == [str(file) for file in files]
    assert "<_script>" not in page.read_text()


def test_the_ends_of_the_dial(tmp_path: Path):
    policy = make_policy(
        experts=("diamond", "ghost", "third"), deploy={"diamond": 0.5, "third": 0.5}
    )
    [held] = content(explore(policy, out=tmp_path / "a.html"))["policies"]
    assert (held["ends"], held["deploy"]) == ([1, 0], [0.5, 0.0, 0.5])
    page = explore(policy, out=tmp_path / "b.html", experts=("third", "diamond"))
    assert content(page)["policies"][0]["ends"] == [2, 0]
    for experts, message in (
        (("third", "dimond"), "no expert 'dimond'. Did you mean 'diamond'"),
        (("ghost", "ghost"), "from one expert to another.*diamond, ghost, third"),
    ):
        with pytest.raises(InputError, match=message):
            explore(policy, out=tmp_path / "c.html", experts=experts)
    with pytest.raises(InputError, match="one expert has no dial"):
        explore(make_policy(experts=("policy",)), out=tmp_path / "c.html", experts=("a", "b"))
    assert not (tmp_path / "c.html").exists()


def test_what_cannot_be_explored_is_refused_with_what_can_be_done(run: Path, tmp_path: Path):
    large = make_policy(DiamondGhostWorld(rows=40, cols=40), expert_widths=(256,))
    doors = NetworkSettings(("a", "b"), "learned", (1,), 4, (4,), (4,), 0)
    for policies, message in (
        ((large,), r"40 x 40 cells.*MB.*`routed-rl render"),
        ((Policy(network(doors), Doors()),), "in a Doors, whose states cannot be.*`routed-rl eval"),
        ((run, make_policy(DiamondGhostWorld(rows=4, cols=4))), "5 x 5.*4 x 4.*by itself"),
        ((run, run, run), "3 policies.*one or two"),
        ((tmp_path / "nowhere",), "nowhere.*folder of a finished run"),
    ):
        with pytest.raises(InputError, match=message):
            explore(*policies, out=tmp_path / "page.html")
    with pytest.raises(InputError, match="Say where the page shall go"):
        explore(large)
    assert not (tmp_path / "page.html").exists()


def test_what_is_no_policy_in_a_world_is_refused(tmp_path: Path):
    env = DummyVecEnv([lambda: doors(0.5)])
    model = RoutedPPO("MlpPolicy", env, method="routed", n_steps=8)
    for given, name in ((model, "RoutedPPO"), (model.policy, "RoutedActorCriticPolicy")):
        with pytest.raises(InputError, match=f"^{name}: the explorer shows policies of worlds"):
            explore(given, out=tmp_path / "page.html")  # pyright: ignore[reportArgumentType]
    assert not list(tmp_path.iterdir())


def test_damaged_and_unfinished_runs_are_refused(run: Path, tmp_path: Path, capsys):
    copy = tmp_path / "copy"
    for file in ("config.json", "policy.safetensors", "snapshots/policy-0000002.safetensors"):
        (copy / file).parent.mkdir(parents=True, exist_ok=True)
        (copy / file).write_bytes((run / file).read_bytes())
    snapshot = copy / "snapshots" / "policy-0000002.safetensors"
    snapshot.write_bytes(snapshot.read_bytes()[:-9])
    with pytest.raises(InputError, match=r"policy-0000002\.safetensors is no policy"):
        explore(copy)
    save_policy(make_policy(), snapshot)
    with pytest.raises(InputError, match=r"another network.*Remove the folder snapshots"):
        explore(copy)
    (copy / "policy.safetensors").unlink()
    assert main(["explore", str(copy)]) == 2
    assert "not finished. Continue it with --resume" in capsys.readouterr().err
    assert not (copy / "explorer.html").exists()


@pytest.mark.parametrize(
    ("name", "refused"),
    [("page.txt", "page.txt"), ("folder.html", "folder.html"), ("file/page.html", "file")],
)
def test_targets_that_cannot_be_written_are_refused(
    name: str, refused: str, run: Path, tmp_path: Path, capsys
):
    (tmp_path / "folder.html").mkdir()
    (tmp_path / "file").write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    assert main(["explore", str(run), "--out", str(tmp_path / name)]) == 2
    assert f"{tmp_path / refused} " in capsys.readouterr().err.replace(":", " ")
    assert sorted(tmp_path.rglob("*")) == before


def test_no_run_is_refused(capsys):
    assert main(["explore"]) == 2
    assert "routed-rl explore RUN, or two" in capsys.readouterr().err
