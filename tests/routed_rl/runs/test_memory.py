"""The memory that a run will take: counted before anything is made, and refused where it lacks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from helpers import TINY_WORDS, small_with

from routed_agents import METHODS
from routed_envs import InputError
from routed_rl import EnvironmentConfig, TrainConfig, plan, sweep, train
from routed_rl.cli.main import main
from routed_rl.runs import memory
from routed_rl.runs.memory import CURES, PROCESS, WEIGHT, Layers, RunSize, check_memory, memory_of
from routed_rl.training.experiment_size import network_layers
from routed_rl.training.training import task_of

SMALL = RunSize(Layers(10, 7), entries=3, entry_bytes=1, kept=5, learned=4, judged=2, listed=6)
FLAT = "routed_envs/MiniGrid-DiamondGhost-Flat-6x6-v0"


def has(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """Let this machine have so many bytes."""
    monkeypatch.setattr(memory, "memory_of", lambda device: count)


def test_layers_are_counted():
    assert Layers.of(3, (4, 2)) == Layers(3 * 4 + 4 + 4 * 2 + 2, 4 + 2)
    assert Layers.of(3, ()) == Layers(0, 0)
    assert Layers.of(3, (4,), copies=5) == Layers(80, 20)


def test_the_parts_of_a_run_are_counted():
    assert SMALL.parts() == {
        "weights": 10 * WEIGHT,
        "samples": 5 * (2 * 3 + 100),
        "gradient step": 4 * 8 * (3 + 7),
        "evaluation": 2 * 8 * (3 + 7) + 6 * (2 * 3 + 500),
        "world": 0,
        "processes": PROCESS,
    }
    assert SMALL.parts().keys() == CURES.keys()


@pytest.mark.parametrize("method", sorted(METHODS))
@pytest.mark.parametrize("channels", [0, 5])
def test_every_weight_of_a_run_is_counted(method: str, channels: int):
    config = small_with(method=method, gate_channels=channels, value_channels=channels)
    task = task_of(config)
    weights = sum(weight.numel() for weight in task.start().weights())
    assert network_layers(task.experiment).parameters == weights  # pyright: ignore[reportAttributeAccessIssue]


def test_what_just_fits_is_let_through_and_one_byte_more_is_not(monkeypatch: pytest.MonkeyPatch):
    has(monkeypatch, 2 * SMALL.bytes)
    check_memory([SMALL, SMALL])
    has(monkeypatch, 2 * SMALL.bytes - 1)
    with pytest.raises(InputError, match=r"2 runs at a time need about 800 MB .* fewer --jobs"):
        check_memory([SMALL, SMALL])
    monkeypatch.setattr(memory, "memory_of", lambda device: None)
    check_memory([SMALL, SMALL])


def test_the_machine_has_what_its_container_lets_it_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    limit = tmp_path / "memory.max"
    monkeypatch.setattr(memory, "LIMITS", (str(limit), str(tmp_path / "none")))
    whole = memory_of("cpu")
    assert whole is not None
    assert whole > PROCESS
    limit.write_text("max\n")
    assert memory_of("cpu") == whole
    limit.write_text("1000\n")
    assert memory_of("cpu") == 1000


@pytest.mark.parametrize(
    ("changes", "most"),
    [
        ({"expert_widths": (1_000_000, 1_000_000)}, r"weights 80\.0 TB.*smaller widths"),
        ({"environments": 1_000_000, "rollout_steps": 1_000_000}, "gradient step.*rollout_steps"),
        ({"rows": 1000, "cols": 1000}, "evaluation .*fewer rows"),
        ({"rows": 300, "cols": 300, "tempting_starts": True}, "world .*fewer rows"),
    ],
)
def test_what_no_machine_has_is_refused_before_the_folder(
    changes: dict[str, Any], most: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    has(monkeypatch, 100 * 10**9)
    with pytest.raises(InputError, match=rf"(?s)about .* of memory \({most}"):
        train(small_with(**changes), tmp_path / "run")
    assert not list(tmp_path.iterdir())


def test_a_run_in_an_environment_is_counted_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    has(monkeypatch, 10 * PROCESS)
    config = EnvironmentConfig(env=FLAT, environments=64, processes=True, device="cpu")
    with pytest.raises(InputError, match=r"processes 13\.2 GB.*leave out processes"):
        train(config, tmp_path / "run")
    config = EnvironmentConfig(env=FLAT, expert_widths=(1_000_000, 1_000_000), device="cpu")
    with pytest.raises(InputError, match=r"weights 8\d\.\d TB"):
        train(config, tmp_path / "run")
    assert not list(tmp_path.iterdir())


def test_a_sweep_is_refused_before_its_first_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    configs = [small_with(seed=seed) for seed in range(3)]
    one = task_of(configs[0]).size().bytes
    has(monkeypatch, 2 * one)
    with pytest.raises(InputError, match="3 runs at a time need about"):
        sweep(configs, tmp_path / "sweep", jobs=3)
    has(monkeypatch, one - 1)
    with pytest.raises(InputError, match="This run needs about"):
        sweep(configs, tmp_path / "sweep", jobs=3)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("words", "allowed"),
    [
        (["--environments", "100000000000"], "from 1 to 1,000,000"),
        (["--expert-widths", "1000000000"], "one to 100 whole numbers from 1 to 1,000,000"),
        (["--gate-widths", *["8"] * 101], "at most 100 whole numbers"),
        (["--rows", "100000", "--cols", "100000"], "from 1 to 1,000"),
        (["--max-steps", "9" * 20], "from 1 to 100,000"),
        (["--threads", "1000000"], "from 1 to 1,024"),
        (["--updates", "9" * 20], "from 1 to 1,000,000,000,000"),
        (["--snapshots", "9" * 20], "whole number from 0"),
    ],
)
def test_sizes_have_bounds(
    words: list[str], allowed: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert main(["train", *TINY_WORDS, *words, "--out", str(tmp_path / "run")]) == 2
    told = capsys.readouterr().err
    assert words[1] in told or words[0].removeprefix("--").replace("-", "_") in told
    assert allowed in told
    assert not list(tmp_path.iterdir())


def test_a_sweeps_sizes_have_the_same_bounds():
    with pytest.raises(InputError, match=r"seeds=100000000000 cannot be used: give .*1,000,000"):
        plan({"seeds": 100_000_000_000})
    with pytest.raises(InputError, match=r"environments\[1\]=1000001 cannot be used"):
        plan({"environments": [1_000_000, 1_000_001]})


def test_what_was_given_is_not_repeated_at_any_length():
    for make in (lambda: TrainConfig(rows=10**5000), lambda: plan({"rows": "9" * 20_000})):
        with pytest.raises(InputError) as refused:
            make()
        assert len(str(refused.value)) < 300
    with pytest.raises(InputError) as refused:
        TrainConfig.from_json({"rows": ["x" * 20_000]})
    assert len(str(refused.value)) < 300
