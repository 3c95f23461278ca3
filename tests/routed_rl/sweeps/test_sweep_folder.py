"""Sweeps whose files were lost, damaged or written by something else."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest
from filelock import FileLock
from helpers import small_with

from routed_envs import InputError
from routed_rl import load_policy, load_results, sweep, train
from routed_rl.cli.main import main
from routed_rl.report import write_report
from routed_rl.runs.run_folder import RunFolder
from routed_rl.sweeps.plan import run_name
from routed_rl.sweeps.results import load_curves
from routed_rl.sweeps.survey import survey
from routed_rl.sweeps.sweep_folder import SweepFolder

pytestmark = pytest.mark.slow

CONFIGS = [small_with(seed=seed, evaluate_every=2) for seed in (0, 1)]
FIRST, SECOND = map(run_name, CONFIGS)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep of two runs that is done."""
    path = tmp_path_factory.mktemp("whole") / "sweep"
    sweep(CONFIGS, path, jobs=2, progress=False)
    return path


@pytest.fixture
def copied(whole: Path, tmp_path: Path) -> Path:
    """A copy of it, to be damaged."""
    return shutil.copytree(whole, tmp_path / "sweep")


@pytest.mark.parametrize("content", ["[]", '{"seconds": "x"}', '{"seconds": 1.0'])
def test_a_run_with_a_damaged_result_is_finished_again(copied: Path, content: str):
    run = copied / "runs" / FIRST
    before = (run / "policy.safetensors").read_bytes()
    (run / "result.json").write_text(content)
    status = survey(copied)
    assert [(r.stage, r.progress) for r in status.runs] == [("waiting", 1.0), ("finished", 1.0)]
    assert [row["run"] for row in load_results(copied)] == [SECOND]
    outcome = sweep(CONFIGS, copied, jobs=1, progress=False)
    assert (outcome.trained, outcome.kept) == ((FIRST,), (SECOND,))
    assert len(load_results(copied)) == 2
    assert (run / "policy.safetensors").read_bytes() == before


@pytest.mark.parametrize("lost", ["policy.safetensors", "evaluation.json"])
def test_a_run_that_lost_a_file_is_finished_again(copied: Path, lost: str):
    run = copied / "runs" / FIRST
    before = (run / lost).read_bytes()
    (run / lost).unlink()
    assert not SweepFolder(copied).finished(FIRST)
    if lost == "policy.safetensors":
        with pytest.raises(InputError, match=r"has lost its policy\. Continue it with --resume"):
            load_policy(run)
    train(CONFIGS[0], run, resume=True, progress=False)
    assert (run / lost).read_bytes() == before
    assert sweep(CONFIGS, copied, progress=False).trained == ()


def test_a_lost_log_costs_its_learning_curve_only(copied: Path):
    (copied / "runs" / FIRST / "log.jsonl").unlink()
    assert {row["run"] for row in load_curves(copied)} == {SECOND}
    assert len(load_results(copied)) == 2


def test_a_damaged_evaluation_is_refused_with_what_to_do(copied: Path):
    (copied / "runs" / FIRST / "evaluation.json").write_text("[1")
    with pytest.raises(InputError, match=r"Move that folder away and sweep\s+again"):
        load_results(copied)


def test_a_checkpoint_that_is_damaged_is_told_with_what_to_do(copied: Path):
    run = copied / "runs" / FIRST
    (run / "result.json").unlink()
    (run / "checkpoint.pt").write_bytes(b"damaged")
    (failed,) = sweep(CONFIGS, copied, jobs=1, progress=False).failed
    assert f"move {run} away, and sweep again" in failed.lines[-1]


@pytest.mark.parametrize("content", ["", "[]", '{"jobs": "x", "running": 3}', '{"reason": 1}'])
def test_what_only_the_display_reads_may_be_damaged(copied: Path, content: str):
    folder = SweepFolder(copied)
    (copied / "runs" / FIRST / "result.json").unlink()
    folder.state.write_text(content)
    folder.failure(FIRST).write_text(content)
    (folder.run(FIRST).log).write_text(f"{content}\n")
    assert [run.stage for run in survey(copied).runs] == ["failed", "finished"]
    assert main(["status", str(copied)]) == 0
    with FileLock(folder.lock):
        folder.state.write_text(json.dumps({"jobs": 1, "running": [FIRST]}))
        (running,) = survey(copied).of("running")
    assert running.progress == 0


@pytest.mark.parametrize(
    "content",
    [
        "",
        '{"format": "x", "runs": {}}',
        '{"runs": [1]}',
        '{"runs": {"a": 1}}',
        '{"runs": {"a": {}}}',
    ],
)
def test_a_damaged_plan_is_refused_and_can_be_made_again(copied: Path, content: str):
    SweepFolder(copied).plan.write_text(content)
    for command in (["status", str(copied)], ["report", str(copied)]):
        assert main(command) == 2
    with pytest.raises(InputError, match=r"sweep\.json is damaged.*Move it away"):
        sweep(CONFIGS, copied, progress=False)
    (copied / "report").mkdir()
    SweepFolder(copied).plan.unlink()
    assert sweep(CONFIGS, copied, progress=False).kept == (FIRST, SECOND)


def test_a_sweep_can_be_looked_at_where_nothing_can_be_written(
    copied: Path, monkeypatch: pytest.MonkeyPatch
):
    def refuse(*_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("routed_rl.sweeps.sweep_folder.FileLock", refuse)
    assert not survey(copied).active


def test_a_method_that_has_changed_is_not_mixed_with_what_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.syspath_prepend(tmp_path)
    code = "import dataclasses\nfrom routed_agents import get_method\n"
    code += "from routed_envs.gridworld.world import OUTCOMES\n"
    code += "MINE = dataclasses.replace(get_method({!r}, OUTCOMES), name='mine')\n"
    (tmp_path / "changing.py").write_text(code.format("naive"))
    mine = {seed: small_with(method="changing:MINE", seed=seed) for seed in (0, 1)}
    out = tmp_path / "sweep"
    assert sweep([mine[0]], out, progress=False).trained
    monkeypatch.delitem(sys.modules, "changing")
    (tmp_path / "changing.py").write_text(code.format("filtering") + "# Another length.\n")
    before = SweepFolder(out).runs()
    for configs in (mine.values(), [mine[1]]):
        with pytest.raises(InputError, match=r"changing:MINE has changed since") as refused:
            sweep(configs, out, progress=False)
        assert f"runs/{run_name(mine[0])} began" in str(refused.value)
        assert "another --out, or move those folders away" in str(refused.value)
        assert str(refused.value).splitlines()[1:-1] == [
            "  rows, unknown, weight: there 1.0, here 0.0"
        ]
    assert SweepFolder(out).runs() == before
    other = small_with(method="naive")
    assert sweep([other], out, progress=False).trained, "others may"


def test_worlds_of_other_outcomes_are_one_sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(tmp_path)
    code = "from own_world import Doors\nfrom routed_envs import Outcomes\n"
    code += "class Renamed(Doors):\n    def with_oversight(self, oversight):\n"
    code += "        return Renamed(oversight, Outcomes(('one', 'two', 'three'), ('one',)))\n"
    (tmp_path / "renamed_world.py").write_text(code)
    configs = [small_with(world=place) for place in ("own_world:Doors", "renamed_world:Renamed")]
    first, again = (sweep(configs, tmp_path / "sweep", jobs=1, progress=False) for _ in range(2))
    assert (len(first.trained), len(again.kept)) == (2, 2)


def test_what_a_killed_process_left_half_written_is_removed(copied: Path):
    left = [copied / ".state.json.1.partial", copied / "runs" / FIRST / ".config.json.1.partial"]
    for path in left:
        path.write_text("{")
    (copied / "runs" / FIRST / "result.json").unlink()
    assert not RunFolder(copied / "runs" / FIRST).holds_other_files()
    sweep(CONFIGS, copied, progress=False)
    assert not any(path.exists() for path in left)


def test_a_report_goes_into_no_folder_of_the_users(copied: Path, tmp_path: Path):
    mine = tmp_path / "mine" / "figures" / "methods.png"
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"mine")
    (tmp_path / "page").mkdir()
    (tmp_path / "page" / "report.html").write_text("<html>of mine</html>")
    for out in (mine.parent.parent, tmp_path / "page", copied, copied / "runs"):
        with pytest.raises(InputError, match="is no report and not empty"):
            write_report(load_results(copied), [], out)
    with pytest.raises(InputError, match=r"is a file\. Give a folder"):
        write_report(load_results(copied), [], copied / "sweep.json")
    assert mine.read_bytes() == b"mine"
    assert len(list(mine.parent.parent.rglob("*.*"))) == 1


def test_a_report_that_was_stopped_can_be_made_again(copied: Path, monkeypatch: pytest.MonkeyPatch):
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("routed_rl.report.page.SECTIONS", (stop,))
        assert main(["report", str(copied)]) == 130
    assert main(["report", str(copied)]) == 0
    assert "<h1>sweep</h1>" in (copied / "report" / "report.html").read_text()
