"""Sweeps as a user meets them: what is missing is trained, and nothing is lost or done twice."""

from __future__ import annotations

import dataclasses
import json
import multiprocessing
import os
import shlex
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers import TINY, TINY_WORDS, environment, patience, small_with, wait_for
from patient_methods import PatientMethods

from routed_envs import InputError
from routed_rl import TrainConfig, load_policy, load_results, sweep, train
from routed_rl.cli.commands.sweep import time_taken
from routed_rl.cli.main import main
from routed_rl.naming import duration
from routed_rl.runs.run_folder import write_json
from routed_rl.runs.run_log import read_log
from routed_rl.sweeps.backends.base import Ended
from routed_rl.sweeps.plan import run_name
from routed_rl.sweeps.results import load_curves
from routed_rl.sweeps.runner import SweepOutcome
from routed_rl.sweeps.survey import RunStatus, SweepStatus, survey
from routed_rl.sweeps.sweep_folder import SweepFolder

pytestmark = pytest.mark.slow

SMALL = [*TINY_WORDS, "--rows", "3", "--cols", "3"]
TWENTY_SECONDS = ["--updates", "200"]
"""Of a patient method."""
ENDLESS = ["--updates", "20000"]


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "routed_rl", *words]


def run(*words: str) -> int:
    try:
        return main(list(words))
    except SystemExit as leaving:
        return int(leaving.code or 0)


def trainers(sweep_folder: Path) -> list[int]:
    """The processes that have a file of the sweep open, by their ids."""
    found = []
    for process in Path("/proc").iterdir():
        if not process.name.isdigit() or int(process.name) == os.getpid():
            continue
        try:
            files = [os.readlink(file) for file in (process / "fd").iterdir()]
        except OSError:
            continue
        if any(file.startswith(str(sweep_folder)) for file in files):
            found.append(int(process.name))
    return found


def small(**changes: Any) -> TrainConfig:
    """A run that is judged on the way, in a world that takes no time."""
    return small_with(evaluate_every=2, **changes)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep of four runs that is done."""
    path = tmp_path_factory.mktemp("sweeps") / "finished"
    configs = [
        small(method=method, oversight=level)
        for method in ("routed", "naive-early-stop")
        for level in (0.1, 0.5)
    ]
    outcome = sweep(configs, path, jobs=2, progress=False)
    assert set(outcome.trained) == {run_name(config) for config in configs}
    assert outcome.kept == outcome.failed == ()
    return path


def test_a_run_of_a_sweep_equals_the_same_run_alone(finished: Path, tmp_path: Path):
    config = small(method="routed", oversight=0.5)
    alone = train(config, tmp_path / "alone").policy.network.state_dict()
    swept = load_policy(finished / "runs" / run_name(config)).network.state_dict()
    assert all(torch.equal(weights, swept[name]) for name, weights in alone.items())


def test_the_results_are_one_table(finished: Path):
    rows = load_results(finished)
    assert [(row["method"], row["oversight"]) for row in rows] == [
        *(("routed", 0.1), ("routed", 0.5)),
        *(("naive-early-stop", 0.1), ("naive-early-stop", 0.5)),
    ]
    routed, naive = rows[1], rows[3]
    folder = finished / "runs" / routed["run"]
    result = json.loads((folder / "result.json").read_text())
    assert routed["diamond_rate"] == result["deployed"]["diamond_rate"]
    assert routed["deployed"] == "diamond"
    assert routed["diamond_episode_return"] == routed["episode_return"]
    assert routed["labels"] > 0
    assert (routed["gradient_steps"], routed["selected"]) == (4, None)
    assert (naive["deployed"], naive["selected"]) == ("policy", False)
    assert "mixture_diamond_rate" not in naive
    assert naive["unwatched_overseer_diamond_share"] is None
    assert {field.name for field in dataclasses.fields(TrainConfig)} <= routed.keys()
    assert routed["precision"] == "float32", "no record names it where it is the usual one"
    curves = load_curves(finished)
    assert {(c["actor"], c["is_deployed"]) for c in curves if c["method"] == "routed"} == {
        ("mixture", False),
        ("diamond", True),
        ("ghost", False),
    }
    assert {c["environment_steps"] for c in curves} == {128, 256}


def test_only_what_is_missing_is_trained_and_more_extends_the_sweep(finished: Path):
    before = {path: path.stat().st_mtime_ns for path in finished.glob("runs/*/result.json")}
    old = [small(method="routed", oversight=level) for level in (0.1, 0.5)]
    new = small(method="naive")
    outcome = sweep([*old, new], finished, jobs=2, progress=False)
    assert outcome.trained == (run_name(new),)
    assert outcome.kept == tuple(run_name(config) for config in old)
    assert all(path.stat().st_mtime_ns == stamp for path, stamp in before.items())
    assert len(load_results(finished)) == 5
    status = survey(finished)
    assert (len(status.of("finished")), status.active) == (5, False)


def test_a_run_that_fails_is_told_and_does_not_stop_the_others(tmp_path: Path, capsys):
    out = tmp_path / "sweep"
    words = ["sweep", "--methods", "own_methods:BREAKS", "naive", *SMALL, "--updates", "8"]
    assert run(*words, "--out", str(out)) == 1
    shown = capsys.readouterr()
    assert "1 of 2 runs are finished" in shown.out
    assert "RuntimeError: a fault of mine in the fourth update" in shown.err
    (failed,) = survey(out).of("failed")
    assert (failed.method, failed.failure) == ("own_methods:BREAKS", "exit code 1")
    assert run("status", str(out)) == 0
    shown = capsys.readouterr().out
    assert "a fault of mine" in shown
    assert "1 of 2 finished, 1 failed" in shown
    assert run(*words, "--out", str(out)) == 1, "it is tried again"
    assert "[2/2]" not in capsys.readouterr().err, "and the other one is not"


def test_a_sweep_that_is_killed_leaves_nobody_training_and_is_finished_by_the_next_call(
    patient: PatientMethods, tmp_path: Path
):
    out = tmp_path / "sweep"
    words = ["sweep", "--methods", patient.routed, patient.naive, "--seeds", "2", *SMALL]
    words += ["--updates", "60", "--out", str(out)]
    for finished in (0, 1):
        process = subprocess.Popen(command(*words), stderr=subprocess.DEVNULL, env=environment())
        wait_for(
            lambda finished=finished: (
                len(list(out.glob("runs/*/result.json"))) >= finished and len(trainers(out)) >= 2
            )
        )
        process.kill()
        process.wait()
        wait_for(lambda: not trainers(out))
    done = {path: path.stat().st_mtime_ns for path in out.glob("runs/*/result.json")}
    assert 1 <= len(done) < 4
    patient.hurry.touch()
    assert run(*words) == 0
    assert all(path.stat().st_mtime_ns == stamp for path, stamp in done.items())
    for name in SweepFolder(out).require():
        updates = [entry["update"] for entry in read_log(out / "runs" / name / "log.jsonl")]
        assert updates == list(range(10, 61, 10))
    assert not list(out.rglob("*.partial"))


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_saves_every_run_and_leaves_nothing_half_written(
    number: signal.Signals,
    code: int,
    patient: PatientMethods,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
):
    out = tmp_path / "sweep"
    words = ["sweep", "--methods", patient.routed, patient.naive, *SMALL, *TWENTY_SECONDS]
    words += ["--out", str(out)]
    process = subprocess.Popen(
        command(*words), stderr=subprocess.PIPE, env=environment(), text=True
    )
    wait_for(lambda: len(list(out.glob("runs/*/log.jsonl"))) == 2)
    assert run("status", str(out)) == 0
    assert "2 running" in capsys.readouterr().out
    with pytest.raises(InputError, match="Another process is sweeping"):
        sweep([TINY], out, progress=False)
    process.send_signal(number)
    _, shown = process.communicate(timeout=patience())
    assert process.returncode == code
    assert "The same command goes on from here" in shown
    assert len(list(out.glob("runs/*/checkpoint.pt"))) == 2
    assert not trainers(out)
    assert not list(out.rglob("*.partial"))
    assert run("status", str(out)) == 0
    shown = capsys.readouterr().out
    assert "2 waiting" in shown
    assert "nobody sweeps now: call the same command again" in shown


def test_a_sweep_in_a_process_that_is_starting_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Without the usual guard each process of a sweep would begin it again."""
    monkeypatch.setattr(multiprocessing.current_process(), "_inheriting", True, raising=False)
    with pytest.raises(InputError, match='under `if __name__ == "__main__":`'):
        sweep([TINY], tmp_path / "sweep", progress=False)
    assert not (tmp_path / "sweep").exists()


def test_ctrl_c_in_the_first_moments_ends_a_sweep(tmp_path: Path):
    def interrupted(seconds: float) -> tuple[int, str]:
        """A sweep that is interrupted so many seconds after its plan is written."""
        out = tmp_path / str(seconds)
        process = subprocess.Popen(
            command("sweep", *SMALL, *ENDLESS, "--out", str(out)),
            stderr=subprocess.PIPE,
            env=environment(),
            text=True,
            start_new_session=True,
        )
        wait_for((out / "sweep.json").exists)
        time.sleep(seconds)
        os.killpg(process.pid, signal.SIGINT)  # As a terminal does: to all at once.
        _, shown = process.communicate(timeout=patience())
        wait_for(lambda: not trainers(out))
        return process.returncode, shown

    with ThreadPoolExecutor() as pool:
        for code, shown in pool.map(interrupted, (0.0, 0.3, 1.0)):
            assert code == 130, shown
            assert "Traceback" not in shown


def test_ctrl_c_before_anything_trains_does_not_claim_that_it_was_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    for place in ("runner.expected_seconds", "backends.local.LocalBackend.start"):
        with monkeypatch.context() as patch:
            patch.setattr(f"routed_rl.sweeps.{place}", interrupt)
            assert run("sweep", *SMALL, *ENDLESS, "--out", str(tmp_path / "sweep")) == 130
        assert "saved" not in capsys.readouterr().err


def test_what_varies_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    out = str(tmp_path / "sweep")
    words = ["--methods", "naive", "--updates", "4", *SMALL, "--label-noise", "0", "0.2"]
    assert run("sweep", *words, "--jobs", "2", "--out", out) == 0
    shown = capsys.readouterr()
    assert "2 of 2 runs are finished" in shown.out
    assert {line[:5] for line in shown.err.splitlines() if line.startswith("[")} == {
        "[1/2]",
        "[2/2]",
    }
    for noise in ("0", "0.2"):
        assert f"naive, label_noise {noise}, oversight 0.1, seed 0" in shown.err
    assert "elsewhere" not in shown.err
    assert run("status", out) == 0
    table = capsys.readouterr().out
    assert "naive, label_noise 0.2" in table
    assert table.startswith("2 of 2 finished"), "a table that is cut off loses its end"


def test_how_the_time_went_is_told_only_where_it_says_something(
    finished: Path, monkeypatch: pytest.MonkeyPatch
):
    trained = tuple(SweepFolder(finished).runs())[:2]
    monkeypatch.setattr("routed_rl.runs.run_folder.read_json", lambda _: {"seconds": 100.0})
    outcome = SweepOutcome(trained, (), (), seconds=110.0, slots=64, folder=finished)
    assert "at 2 at a time 2 min. Start, evaluation and idle cores took 10.0% more" in time_taken(
        outcome
    )
    resumed = {"seconds": 99.0}  # Less than 200 s at 2 at a time take.
    for change in ({"seconds": 59.0}, {"failed": (Ended("x", "y"),)}, resumed):
        assert "more" not in time_taken(dataclasses.replace(outcome, **change))


def test_who_waits_for_a_sweep_does_not_wait_for_runs_that_failed():
    runs = (
        RunStatus("a", "m", "m", 0.1, 0, "failed", 0.0, 100.0, "exit code 1"),
        RunStatus("b", "m", "m", 0.1, 1, "running", 0.5, 100.0),
    )
    status = SweepStatus(Path("sweep"), active=True, jobs=1, runs=runs)
    assert status.seconds_left == 50.0
    assert dataclasses.replace(status, active=False).seconds_left == 150.0


def test_what_is_tried_again_does_not_count_as_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("routed_rl.sweeps.backends.local.LocalBackend.start", interrupt)
    failed = []
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            sweep([small(seed=0), small(seed=1)], tmp_path, jobs=1, progress=False)
        failed.append(len(survey(tmp_path).of("failed")))
        for name in SweepFolder(tmp_path).runs():
            write_json(SweepFolder(tmp_path).failure(name), {"reason": "exit code 1", "lines": []})
    assert failed == [0, 0]


def test_what_the_terminal_cannot_write_or_show_stops_nothing(finished: Path):
    for closed, encoding in (("", "ascii"), (">&-", "utf-8"), ("2>&-", "utf-8")):
        words = f"{shlex.join(command('status', str(finished)))} {closed}"
        shown = subprocess.run(
            words,
            shell=True,
            env=environment() | {"PYTHONIOENCODING": encoding},
            capture_output=True,
            text=True,
        )
        assert (shown.returncode, shown.stderr) == (0, ""), closed


def test_the_report_of_a_sweep_is_one_page_with_its_figures_and_numbers(
    finished: Path, tmp_path: Path, capsys
):
    assert run("report", str(finished), "--out", str(tmp_path / "page")) == 0
    assert "open it in a browser" in capsys.readouterr().out
    page = (tmp_path / "page" / "report.html").read_text()
    assert "naive-early-stop" in page
    assert "Early stopping never triggered" in page
    for ending in ("png", "svg", "csv"):
        assert (tmp_path / "page" / "figures" / f"learning_curves.{ending}").exists()
    waiting = SweepFolder(tmp_path / "waiting")
    waiting.path.mkdir()
    waiting.extend({"0123456789ab": TINY}, {"0123456789ab": 1.0})
    assert run("report", str(waiting.path)) == 2
    assert "no finished run" in capsys.readouterr().err


def test_what_is_no_sweep_is_refused(tmp_path: Path, finished: Path, capsys):
    (tmp_path / "notes.txt").write_text("mine")
    for words, message in (
        (["sweep"], "Say what to vary"),
        (["sweep", "--methods", "naive", "--out", str(tmp_path)], "no sweep and not empty"),
        (["sweep", "--methods", "ruoted", "--out", str(tmp_path / "a")], "Did you mean 'routed'"),
        (["sweep", "--methods", "naive", "--jobs", "0"], "jobs=0: give at least 1"),
        (["sweep", "--seeds", "3", "4"], "give one number n for the seeds 0 to n - 1"),
        (["sweep", "--methods", "naive", "--address", "auto"], "--backend ray"),
        (["status", str(tmp_path)], "is no sweep"),
        (["report", str(tmp_path)], "is no sweep"),
        (["methods", "ruoted"], "Did you mean 'routed'"),
    ):
        assert run(*words) == 2, words
        assert message in capsys.readouterr().err
    assert not (tmp_path / "a").exists()


def test_a_module_of_ones_own_that_fails_is_told_with_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "mistaken.py").write_text("METHOD = None\nx = 1 / 0\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert run("methods", "mistaken:METHOD") == 2
    shown = capsys.readouterr().err
    assert f"failed in {tmp_path / 'mistaken.py'}, line 2: ZeroDivisionError" in shown


def test_every_method_is_listed_with_its_table(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    assert run("methods") == 0
    shown = capsys.readouterr().out
    for words in ("random-routing", "output x 0", "0.1 of the budget", "RewardModel", "2,000"):
        assert words in shown
    assert run("methods", "own_methods:own") == 0
    assert "own_methods:own" in capsys.readouterr().out


def test_durations_are_told_as_people_do():
    assert [duration(s) for s in (3.4, 89, 91, 3600, 9000)] == [
        *("3.4 s", "89 s", "2 min", "60 min", "2 h 30 min"),
    ]
