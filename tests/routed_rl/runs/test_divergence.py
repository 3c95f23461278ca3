"""Runs that diverge: they stop, keep what is sound, and reports count them."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
import torch
from helpers import tiny_with

from routed_rl import EnvironmentConfig, load_run, sweep, train, write_report, write_sweep_report
from routed_rl.cli.main import main
from routed_rl.runs import loop
from routed_rl.runs.divergence import DivergenceError
from routed_rl.runs.run_folder import RunFolder


def test_a_diverged_run_has_no_result_and_is_told_in_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    config = tmp_path / "config.json"
    config.write_text(json.dumps(tiny_with(learning_rate=1e30, updates=30).to_json()))
    out = tmp_path / "run"
    assert main(["train", "--config", str(config), "--out", str(out)]) == 1
    told = capsys.readouterr().err.strip().splitlines()[-1]
    assert told.startswith("routed-rl: Training diverged: at update 10")
    assert "Nothing was saved" in told
    folder = RunFolder(out)
    assert not folder.result.exists()
    assert not folder.checkpoint.exists()


@pytest.mark.slow
def test_the_last_sound_checkpoint_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The run is sound for its first four updates, and is resumed with them."""
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", 0.0)
    out = tmp_path / "run"
    before = train(tiny_with(updates=4), out)
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", 1e9)
    real = torch.optim.Adam.step

    def explode(self: torch.optim.Adam, *arguments: object) -> None:
        real(self, *arguments)  # pyright: ignore[reportArgumentType]
        for group in self.param_groups:
            for weight in group["params"]:
                weight.data.fill_(float("nan"))

    for kind in (torch.optim.Adam, torch.optim.AdamW):
        monkeypatch.setattr(kind, "step", explode)
    with pytest.raises(DivergenceError, match="The checkpoint of update 4 is kept"):
        train(tiny_with(updates=8), out, resume=True)
    monkeypatch.undo()
    after = train(tiny_with(updates=8), out, resume=True)
    train(tiny_with(updates=4), tmp_path / "undisturbed")
    straight = train(tiny_with(updates=8), tmp_path / "undisturbed", resume=True)
    for name, weight in straight.policy.network.state_dict().items():
        assert torch.equal(after.policy.network.state_dict()[name], weight), name
    assert before.folder == after.folder == load_run(out).folder


def test_an_algorithm_of_the_library_that_diverges_says_so(tmp_path: Path):
    config = EnvironmentConfig(
        env="own_env:doors",
        learning_rate=1e30,
        environments=4,
        rollout_steps=8,
        steps=640,
        batch_size=16,
        device="cpu",
    )
    with pytest.raises(DivergenceError, match="smaller --learning-rate"):
        train(config, tmp_path / "run")


@pytest.mark.slow
def test_a_sweep_records_diverged_runs_and_the_report_counts_them(tmp_path: Path):
    rates = (1e-3, 1e30)
    configs = [tiny_with(updates=10, learning_rate=r, seed=s) for r in rates for s in range(2)]
    outcome = sweep(configs, tmp_path / "sweep")
    assert [run.failure for run in outcome.failed] == ["diverged"] * 2
    assert "diverged" in outcome.failed[0].lines[0]
    page = write_sweep_report(tmp_path / "sweep").read_text()
    assert "2 runs of the plan without a result" in page
    rows = (tmp_path / "sweep" / "report" / "figures" / "missing.csv").read_text().splitlines()
    (row,) = csv.DictReader(rows)
    assert (row["finished"], row["planned"], row["reasons"]) == ("0", "2", "2 diverged")
    assert row["series"] == "routed, learning_rate 1e+30"
    figures = (tmp_path / "sweep" / "report" / "figures" / "returns.csv").read_text()
    assert "learning_rate 0.001" in figures, "what is missing tells the others apart"


def test_a_mean_says_of_how_many_runs_it_is(tmp_path: Path):
    rows = [
        {"run": str(seed), "method": "naive", "oversight": 0.1, "seed": seed, "episode_return": 0.5}
        for seed in range(3)
    ]
    missing = [
        {"method": "naive", "oversight": 0.1, "seed": seed, "reason": reason}
        for seed, reason in enumerate(("diverged", "not finished", "diverged"), 3)
    ]
    page = write_report(rows, [], tmp_path, missing=missing).read_text()
    assert "0.500 [0.500, 0.500] (3 of 6 runs)" in page
    assert "2 diverged; 1 not finished" in page
    assert "without a result" not in write_report(rows, [], tmp_path).read_text()
