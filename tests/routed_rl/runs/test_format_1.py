"""What the first version wrote is still read: a run, a policy and a sweep from before the folders.

The data were made by commit bf9a7c6: a run of 20 updates with two snapshots (seed 3), its policy as
`routed-rl export --steer mixture` writes it, and a sweep of two methods with two seeds.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

from routed_rl import (
    TrainConfig,
    evaluate,
    explore,
    load_curves,
    load_policy,
    load_results,
    load_run,
    read_log,
    sweep,
    train,
)
from routed_rl.cli.main import main
from routed_rl.runs.run_folder import RunFolder
from routed_rl.runs.snapshots import list_snapshots

DATA = Path(__file__).parents[2] / "data" / "format_1"


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A copy, since reading must not need to write and the tests below do."""
    return Path(shutil.copytree(DATA, tmp_path / "made"))


def test_a_run_is_read_with_the_figures_that_it_was_saved_with():
    run = load_run(DATA / "run")
    saved = json.loads((DATA / "run" / "evaluation.json").read_text())
    assert run.config.seed == 3
    assert [entry["update"] for entry in read_log(DATA / "run" / "log.jsonl")] == [10, 20]
    for level, world in (("unwatched", 0.0), ("watched", 1.0)):
        for actor, figures in saved[level].items():
            steered = run.policy if actor == "mixture" else run.policy.steer(actor)
            now = evaluate(steered, oversight=world).to_json()
            kept = {name: figures[name] for name in ("episode_return", "mean_length")}
            assert {name: now[name] for name in kept} == pytest.approx(kept, abs=1e-6)


def test_a_run_goes_on_from_its_checkpoint(made: Path):
    config = json.loads((made / "run" / "config.json").read_text())["config"]
    longer = TrainConfig.from_json(config | {"updates": 30})
    run = train(longer, made / "run", resume=True, progress=False)
    assert json.loads((run.folder / "result.json").read_text())["updates"] == 30
    assert [entry["update"] for entry in read_log(run.folder / "log.jsonl")] == [10, 20, 30]
    assert not torch.equal(
        next(run.policy.network.parameters()),
        next(load_policy(DATA / "run").network.parameters()),
    )


def test_a_finished_run_is_not_trained_again(made: Path):
    config = json.loads((made / "run" / "config.json").read_text())["config"]
    before = (made / "run" / "result.json").read_bytes()
    train(TrainConfig.from_json(config), made / "run", resume=True)
    assert (made / "run" / "result.json").read_bytes() == before


def test_an_exported_policy_acts_as_the_runs_does():
    exported, trained = load_policy(DATA / "policy.safetensors"), load_policy(DATA / "run")
    seen = torch.randint(2, (16, 4, 3, 3), generator=torch.Generator().manual_seed(0))
    assert torch.equal(exported.action_probabilities(seen), trained.action_probabilities(seen))


def test_the_snapshots_are_found_and_the_explorer_shows_the_run(made: Path):
    kept = list_snapshots(RunFolder(made / "run"))
    assert list(kept) == [0, 10]
    assert load_policy(kept[10]).experts == ("diamond", "ghost")
    assert explore(made / "run") == made / "run" / "explorer.html"


def test_a_sweep_is_compared_and_nothing_of_it_is_trained_again(
    made: Path, capsys: pytest.CaptureFixture[str]
):
    rows = load_results(made / "sweep")
    assert sorted((row["method"], row["seed"]) for row in rows) == [
        ("naive", 0),
        ("naive", 1),
        ("routed", 0),
        ("routed", 1),
    ]
    assert all(row["warnings"] == [] for row in rows)
    curves = load_curves(made / "sweep")
    assert {row["run"] for row in curves} == {row["run"] for row in rows}
    planned = json.loads((made / "sweep" / "sweep.json").read_text())["runs"]
    configs = [TrainConfig.from_json(run["config"]) for run in planned.values()]
    outcome = sweep(configs, made / "sweep")
    assert (sorted(outcome.kept), list(outcome.trained)) == (sorted(planned), [])
    assert main(["status", str(made / "sweep")]) == 0
    assert main(["report", str(made / "sweep")]) == 0
    page = capsys.readouterr().out.splitlines()[-2].split("  ")[0]
    assert "oversight 0.1" in Path(page).read_text()
