"""The programs in scripts/, cut short: they run, and do what they say."""

from __future__ import annotations

import csv
import dataclasses
import json
from pathlib import Path

import pytest
import torch
from helpers import THREE_BY_THREE, run_script, small_with, tiny_with

from routed_agents import METHODS, get_method
from routed_agents.methods.ending_model import EndingModel
from routed_envs.gridworld.world import OUTCOMES
from routed_rl import EnvironmentConfig, exit_code, load_results, train
from routed_rl.config import FAST_CONSTANTS
from scripts import (
    custom_method,
    map_methods,
    minigrid_comparison,
    reproduce_paper,
    route_any_network,
    route_autoencoder,
    search_constants,
)

pytestmark = pytest.mark.slow


def test_the_method_of_ones_own_lets_closed_paths_leak():
    place = "scripts.custom_method:soft_routing"
    rows = get_method(place, OUTCOMES).rows
    assert rows["diamond"].experts == (1.0, custom_method.LEAK)
    assert rows["ghost"].experts == (custom_method.LEAK, 1.0)
    assert rows["unknown"] == get_method("routed", OUTCOMES).rows["unknown"]


def test_the_responsibilities_of_ones_own_are_never_certain(tmp_path: Path):
    method = get_method("scripts.custom_method:cautious_inferred", OUTCOMES)
    run = train(small_with(updates=2, oversight=0.5), tmp_path / "run", method=method)
    assert run.belief is not None
    assert run.belief["sureness"] <= 1 - custom_method.DOUBT / 2


def test_the_papers_comparison_is_trained_reported_and_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    assert len(reproduce_paper.METHODS) == len(reproduce_paper.LEVELS) == 6
    monkeypatch.setattr(reproduce_paper, "METHODS", ("naive", "oracle"))
    monkeypatch.setattr(reproduce_paper, "LEVELS", (0.1,))
    assert reproduce_paper.main(seeds=1, updates=2, out=tmp_path / "paper") == 0
    assert (tmp_path / "paper" / "report" / "report.html").exists()
    rows = load_results(tmp_path / "paper")
    assert [(row["method"], row["gradient_steps"]) for row in rows] == [("naive", 2), ("oracle", 1)]
    reproduce_paper.main(seeds=1, updates=2, out=tmp_path / "paper")
    assert "2 runs, 2 of them finished" in capsys.readouterr().err


def test_every_method_has_the_same_search():
    earlier = json.loads(search_constants.EARLIER.read_text())
    first, *others = (search_constants.settings_of(m, 13) for m in search_constants.SEARCHED)
    for method, settings in zip(search_constants.SEARCHED, (first, *others), strict=True):
        assert len(settings) == 13
        drawn = [{name: s[name] for name in search_constants.COMMON} for s in settings[2:-1]]
        assert drawn == [{name: s[name] for name in search_constants.COMMON} for s in first[2:-1]]
        assert {s["weight_decay"] for s in settings[:2]} == {0.1, 1.0}
        assert settings[-1] == earlier[method]


def test_methods_were_searched_or_name_the_one_whose_constants_they_take():
    named = {name: found for name, found in FAST_CONSTANTS.items() if isinstance(found, str)}
    assert set(search_constants.SEARCHED) == set(FAST_CONSTANTS) - set(named)
    assert set(named.values()) <= set(search_constants.SEARCHED)
    assert set(FAST_CONSTANTS) == set(METHODS)


def test_a_model_of_endings_has_the_constants_that_the_search_found():
    with (Path(__file__).parents[2] / "docs" / "results" / "search.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["rung"] == "0"]
    worth = dict.fromkeys((row["setting"] for row in rows), 0.0)
    for row in rows:
        worth[row["setting"]] += float(row["mean_return"])
    best = json.loads(max(worth, key=lambda setting: worth[setting]))
    model = EndingModel("last")
    assert best == {"steps": model.steps, "dropout": model.dropout}


def test_a_variant_differs_in_its_model_of_endings_alone():
    place = "scripts.search_constants:reward_model_untold_5"
    relabel = get_method(place, OUTCOMES).relabel
    assert isinstance(relabel, EndingModel)
    assert (relabel.steps, relabel.dropout) == (8, 0.4)
    untold = get_method("reward-model-untold", OUTCOMES)
    assert get_method(place, OUTCOMES) == dataclasses.replace(untold, relabel=relabel)


def test_the_search_halves_writes_what_it_found_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    one, two = ({"oversight": 0.5},), ({"oversight": 0.5}, {"oversight": 0.5, "label_noise": 0.1})
    rungs = (
        search_constants.Rung(2, 0.5, (1000,), one),
        search_constants.Rung(1, 1.0, (1001,), two),
    )
    monkeypatch.setattr(search_constants, "RUNGS", rungs)
    few = {name: search_constants.VARIANTS[name] for name in ("reward_model_0", "reward_model_5")}
    monkeypatch.setattr(search_constants, "VARIANTS", few)
    small = dict.fromkeys(("expert_widths", "gate_widths", "value_widths"), (8,))
    single = search_constants.SINGLE | THREE_BY_THREE
    monkeypatch.setattr(search_constants, "SINGLE", single | small)
    monkeypatch.setattr(search_constants, "KNOWN", {})
    earlier = tmp_path / "earlier.json"
    setting = single | {"learning_rate": 1e-3, "weight_decay": 0.0}
    found = dict.fromkeys(("naive", "reward-model"), setting)
    earlier.write_text(json.dumps(found | {"routed": setting | {"gate_coefficient": 0.1}}))
    monkeypatch.setattr(search_constants, "EARLIER", earlier)
    constants, table, out = tmp_path / "c.json", tmp_path / "table.csv", tmp_path / "search"
    constants.write_text('{"filtering": {"learning_rate": 1.0}, "no-gate": "routed"}')
    words = {"updates": 4, "methods": ("naive", "routed"), "out": out}
    for _ in range(2):
        assert search_constants.main(**words, constants=constants, table=table) == 0
    found = json.loads(constants.read_text())
    assert found["filtering"] == {"learning_rate": 1.0}
    assert found["no-gate"] == "routed"
    assert found["routed"] != found["naive"]
    assert [row["gradient_steps"] for row in load_results(out)] == [2] * 6 + [4] * 4
    with table.open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["method"], row["rung"]) for row in rows] == [
        *[("reward-model", "0")] * 2,
        *[("naive", "1")] * 2,
        *[("routed", "1")] * 2,
        *(("naive", "2"), ("routed", "2")),
    ]
    best = json.loads(max(rows[2:4], key=lambda row: float(row["mean_return"]))["setting"])
    assert found["naive"] == best == json.loads(rows[6]["setting"])


def test_the_map_of_methods_is_trained_drawn_and_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    small = map_methods.PLAIN | {"cols": 3, "rows": 3, "oversight": 0.5}
    situations = {"plain": small, "tempting": small | {"tempting_starts": True}}
    monkeypatch.setattr(map_methods, "SITUATIONS", situations)
    words = {"seeds": 1, "updates": 2, "methods": ("inferred", "naive"), "out": tmp_path / "map"}
    for _ in range(2):
        assert map_methods.main(**words) == 0
    assert str(tmp_path / "map" / "map" / "map.html") in capsys.readouterr().out
    with (tmp_path / "map" / "map" / "figures" / "map.csv").open() as file:
        cells = [(row["situation"], row["method"]) for row in csv.DictReader(file)]
    assert cells == [(name, method) for name in situations for method in words["methods"]]


def test_methods_in_minigrid_have_one_search_and_one_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    default = EnvironmentConfig(env=minigrid_comparison.ENVIRONMENT)
    first = minigrid_comparison.config("inferred", 0.2, 0, minigrid_comparison.SETTINGS[0], 8192)
    assert first.learning_rate == default.learning_rate
    assert first.weight_decay == default.weight_decay
    assert first.final_entropy_coefficient == default.final_entropy_coefficient
    assert set(minigrid_comparison.FOUND.values()) <= set(minigrid_comparison.SETTINGS)
    monkeypatch.setattr(minigrid_comparison, "SETTINGS", minigrid_comparison.SETTINGS[:2])
    found = {"naive": minigrid_comparison.SETTINGS[1]}
    monkeypatch.setattr(minigrid_comparison, "FOUND", found)
    monkeypatch.setattr(minigrid_comparison, "EPISODES", 20)
    words = {"steps": 8192, "out": tmp_path / "minigrid", "jobs": 1}
    assert minigrid_comparison.main(search=True, **words) == 0
    assert capsys.readouterr().out.count("naive") == 2
    rungs = {4096: 1000, 8192: 1001}
    for steps, seed in rungs.items():
        rows = load_results(tmp_path / f"minigrid-search-{steps}")
        assert [(row["steps"], row["seed"]) for row in rows] == [(steps, seed)] * 2
    monkeypatch.setattr(minigrid_comparison, "LEVELS", (0.2,))
    assert minigrid_comparison.main(seeds=1, **words) == 0
    assert (tmp_path / "minigrid" / "report" / "report.html").exists()


@pytest.mark.parametrize("name", ["cart_pole", "lava_gap", "fetch", "lunar_lander_continuous"])
def test_environments_of_others_are_learned_in(name: str, tmp_path: Path):
    if name.startswith("lunar"):
        pytest.importorskip("Box2D")
    config = EnvironmentConfig(
        env=f"scripts.environments:{name}",
        environments=2,
        rollout_steps=16,
        steps=64,
        oversight=1.0,
        evaluation_episodes=2,
        device="cpu",
    )
    run = train(config, tmp_path / "run")
    watched = run.evaluations["watched"][run.outcomes.good[0]]
    assert watched.labels == watched.rates | {"unknown": 0.0}


def test_what_a_part_of_any_network_learned_is_deleted_with_it(capsys: pytest.CaptureFixture[str]):
    route_any_network.main(labelled=0.5, steps=300)
    rows = [line.split()[-2:] for line in capsys.readouterr().out.splitlines()[1:3]]
    (sine, square), (sine_left, square_left) = (map(float, row) for row in rows)
    assert max(sine, square, sine_left) < 0.1
    assert square_left > 1


def test_deployment_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    pytest.importorskip("onnxruntime")
    pytest.importorskip("av")
    from scripts.benchmarks import deployment

    monkeypatch.setattr(deployment, "SECONDS", 0.05)
    monkeypatch.setattr(deployment, "EPISODES", 1)
    train(tiny_with(), tmp_path / "run")
    deployment.main(tmp_path / "run")
    shown = capsys.readouterr().out
    assert "decisions a second" in shown
    assert "1 rollouts as MP4, side by side" in shown


@pytest.mark.parametrize(
    ("program", "words", "code", "message"),
    [
        ("reproduce_paper", ["--seeds", "0"], 2, "seeds=0 cannot be used"),
        ("reproduce_paper", ["--updates", "0"], 2, "updates=0 cannot be used"),
        ("reproduce_paper", ["--out", "README.md"], 2, "README.md is a file"),
        ("search_constants", ["--updates", "0"], 2, "updates=0 cannot be used"),
        ("search_constants", ["--out", "tests"], 2, "tests is no sweep and not empty"),
    ],
)
def test_what_cannot_be_used_is_refused_in_words(
    program: str,
    words: list[str],
    code: int,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    monkeypatch.chdir(Path(__file__).parents[2])
    ended = run_script(monkeypatch, f"{program}.py", *words)
    shown = capsys.readouterr()
    assert (ended, shown.out) == (code, "")
    assert message in shown.err
    assert "Traceback" not in shown.err


def test_runs_that_fail_are_told_by_the_exit_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(reproduce_paper, "METHODS", ("own_methods:BREAKS",))
    monkeypatch.setattr(reproduce_paper, "LEVELS", (0.1,))
    out = tmp_path / "paper"
    assert exit_code(lambda: reproduce_paper.main(seeds=1, updates=8, out=out)) == 1
    assert "1 run failed: " in capsys.readouterr().err


def test_a_digit_teaches_its_own_half_of_the_code_alone():
    seen, high = route_autoencoder.images()
    encoder, decoder = route_autoencoder.network(64, 16), route_autoencoder.network(16, 64)
    for kind, own, other in ((high, "high half", "low half"), (~high, "low half", "high half")):
        encoder.zero_grad()
        code = route_autoencoder.routed_code(encoder(seen[kind]), high[kind])
        (decoder(code) - seen[kind]).square().mean().backward()
        gradient = encoder[-1].weight.grad
        assert isinstance(gradient, torch.Tensor)
        assert gradient[route_autoencoder.HALVES[other]].count_nonzero() == 0
        assert gradient[route_autoencoder.HALVES[own]].count_nonzero() > 0


def test_routing_keeps_digits_apart_unless_the_penalty_is_on_the_routed_code():
    seen, high = route_autoencoder.images()

    def apart(routed: bool, penalise_routed: bool) -> tuple[float, float]:
        """How much more the halves' own digits are held than the others', and the code's size."""
        encoder, _ = route_autoencoder.train(seen, high, 800, 0.1, routed, penalise_routed, 0)
        with torch.no_grad():
            code = encoder(seen)
        halves = [code[:, half] for half in route_autoencoder.HALVES.values()]
        low, upper = (route_autoencoder.errors_from(half, seen, high) for half in halves)
        return (low[1] + upper[0]) / (low[0] + upper[1]), float(code.abs().mean())

    routed, size = apart(True, False)
    assert routed > 1.5
    assert apart(False, False)[0] < 1.1
    trapped, trapped_size = apart(True, True)
    assert trapped < 1.3
    assert trapped_size > 1.2 * size


def test_the_autoencoder_prints_what_each_half_holds(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    assert run_script(monkeypatch, "route_autoencoder.py", "--steps", "5") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line[:20].strip() for line in lines[1:]] == [
        *("the whole code", "low half", "high half", "one image for all")
    ]


def test_updates_are_measured_alone_and_beside_another_checkout(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    from scripts.benchmarks import updates

    there = {"fast, inferred": ("fast", "inferred", "float32", 1)}
    lacking = {"narrow": ("fast", "inferred", "bfloat16", 1)}
    monkeypatch.setattr(updates, "CASES", there | lacking)
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict, raising=False)
    assert updates.main() == 0
    shown = capsys.readouterr().out
    assert all(row in shown for row in updates.ROWS)
    assert updates.main(Path(__file__).parents[2], pairs=2, runs=1, updates=1) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert told.count(" before, ") == 3


def test_steps_are_measured_on_each_device(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    from scripts.benchmarks import devices

    asked: list[tuple[str, int]] = []
    took = iter([9.0, 1.0, 3.0])  # The first run of all warms up.

    def seconds(case: devices.Case, device: str, steps: int) -> float:
        asked.append((device, steps))
        return next(took)

    cart_pole = devices.CASES["CartPole"]
    assert devices.seconds(cart_pole, "cpu", 1) > 0
    monkeypatch.setattr(devices, "CASES", {"tried": devices.CASES["fast, inferred"]})
    monkeypatch.setattr(devices, "seconds", seconds)
    assert devices.main(("cpu",)) == 0
    assert asked == [("cpu", 50), ("cpu", 50), ("cpu", 150)]
    assert "cpu 20.0 ms" in capsys.readouterr().out
