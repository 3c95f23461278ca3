"""The card beside an exported policy says what is in the run's folder, and what is not known."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
from helpers import SIZES, random_policy, tiny_with

from routed_rl import EnvironmentConfig, Experiment, TrainConfig, export_policy, load_policy, train
from routed_rl.charts.text import number_text, percent_text
from routed_rl.cli.main import main

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run."""
    path = tmp_path_factory.mktemp("card") / "run"
    train(tiny_with(oversight=0.5, label_noise=0.25, seed=7), path)
    return path


def sections(card: Path) -> dict[str, str]:
    """The card's sections by their titles; what stands above them has the file's name."""
    parts = re.split(r"(?m)^##? ", card.read_text())[1:]
    return {part.split("\n", 1)[0]: part for part in parts}


def table(section: str) -> dict[str, list[str]]:
    """The rows of a section's table, by their first cells."""
    lines = [line.strip("| ").split(" | ") for line in section.splitlines() if line[:1] == "|"]
    return {first: rest for first, *rest in lines}


def test_the_command_writes_a_card_with_what_the_run_says(folder: Path, capsys: Any):
    assert main(["export", str(folder), "--steer", "diamond"]) == 0
    file = folder / "deployment" / "diamond.safetensors"
    assert f"{file}.md" in capsys.readouterr().out
    card = sections(file.with_name("diamond.safetensors.md"))
    about, how = table(card["What it is"]), table(card["How it was trained"])
    assert about["sha256"] == [f"`{hashlib.sha256(file.read_bytes()).hexdigest()}`"]
    assert about["holds"][0].startswith("diamond, no gate: ")
    assert about["sees"] == ["int8 [B, 4, 5, 5]"]
    result = json.loads((folder / "result.json").read_text())
    config = json.loads((folder / "config.json").read_text())
    assert how["method"][0].startswith("`routed`")
    assert (how["oversight"], how["label noise"], how["seed"]) == (["0.5"], ["0.25"], ["7"])
    assert how["labels used"] == [f"{result['labels']:,}"]
    assert f"torch {config['versions']['torch']}" in how["versions"][0]
    assert table(card["All settings"])["`expert_widths`"] == ["16"]
    assert "alone" in card["diamond.safetensors"]
    assert "no monitor can ask" in card["Limits"]


def test_the_figures_are_those_of_who_acts(folder: Path, tmp_path: Path):
    policy = load_policy(folder)
    judged = json.loads((folder / "evaluation.json").read_text())
    for steering, name in (("ghost", "ghost"), (None, "mixture")):
        file = export_policy(policy.steer(steering), tmp_path / f"{name}.safetensors", run=folder)
        rows = table(sections(file.with_name(f"{file.name}.md"))["Figures"])
        for level, words in (
            ("unwatched", "nobody watches (oversight 0)"),
            ("watched", "everybody watches (oversight 1)"),
        ):
            figures = judged[level][name]
            assert rows[words][:2] == [
                number_text(figures["episode_return"]),
                percent_text(figures["diamond_rate"]),
            ]


@pytest.mark.parametrize("steering", [{"diamond": 0.3, "ghost": 0.7}, 0.2])
def test_nobodys_figures_are_given_to_another_steering(folder: Path, tmp_path: Path, steering: Any):
    policy = load_policy(folder).steer(steering)
    card = export_policy(policy, tmp_path / "p.safetensors", run=folder).with_name(
        "p.safetensors.md"
    )
    assert "Not judged as it is steered here" in sections(card)["Figures"]


@pytest.mark.parametrize(
    ("method", "told", "untold"),
    [
        ("routed", "labels,", "which entries show oversight, the final observation and the truth"),
        ("reward-model", "labels and which entries show oversight,", "the final observation and"),
        ("told-everything", "the truth,", "labels, which entries show oversight and the final"),
    ],
)
def test_what_a_method_was_not_told_is_said(method: str, told: str, untold: str, tmp_path: Path):
    config = TrainConfig(method=method, **SIZES)
    run = train(config, tmp_path / "run")
    file = export_policy(run.policy, tmp_path / "p.safetensors", run=run.folder)
    said = sections(file.with_name(f"{file.name}.md"))["What it was told, and what not"]
    assert f"It learned from {told}" in said
    assert f"not told: {untold}" in said
    assert ("Nothing that trained" in said) == (method != "told-everything")


def test_constants_that_are_not_the_presets_are_not_taken_for_them(tmp_path: Path):
    for rate, words in ((None, "those of the preset `fast` for `naive`"), (0.01, "not recorded")):
        changes: dict[str, Any] = {} if rate is None else {"learning_rate": rate}
        run = train(TrainConfig(method="naive", **SIZES, **changes), tmp_path / str(rate))
        file = export_policy(run.policy, tmp_path / f"{rate}.safetensors", run=run.folder)
        assert words in sections(file.with_name(f"{file.name}.md"))["Limits"]


def test_of_a_policy_without_a_run_the_card_says_what_is_not_known(tmp_path: Path):
    file = export_policy(random_policy().steer("diamond"), tmp_path / "policy.pt2")
    card = sections(tmp_path / "policy.pt2.md")
    assert "Not known" in card["How it was trained"]
    assert "Not known" in card["What it was told, and what not"]
    assert "only from a source that you trust" in card["What it is"]
    assert "All settings" not in card
    assert file.exists()


@pytest.mark.parametrize(
    ("method", "words"),
    [("routed", "as the learned gate weighs them."), ("no-gate", "each weighed the same.")],
)
def test_only_a_learned_gate_is_called_one(method: str, words: str, tmp_path: Path):
    experiment = Experiment.of(tiny_with(method=method))
    mixture = experiment.policy(experiment.start()).steer(None)
    export_policy(mixture, tmp_path / "p.safetensors")
    assert f"diamond and ghost, {words}" in (tmp_path / "p.safetensors.md").read_text()


def test_a_card_of_a_run_in_an_environment_has_intervals(tmp_path: Path):
    config = EnvironmentConfig(
        env="own_env:doors",
        method="naive",
        oversight=0.5,
        steps=128,
        environments=8,
        rollout_steps=8,
        batch_size=32,
        evaluation_episodes=32,
    )
    run = train(config, tmp_path / "run")
    file = export_policy(run.policy, tmp_path / "p.safetensors", run=run.folder)
    card = sections(file.with_name(f"{file.name}.md"))
    assert "A policy for own_env:doors" in card["p.safetensors"]
    assert "load_exported" in table(card["What it is"])["is opened by"][0]
    assert re.search(r"% \[\d", card["Figures"])
    assert "32 sampled episodes" in card["Figures"]
