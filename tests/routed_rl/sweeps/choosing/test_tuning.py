"""A search: what it trains, what it counts, what it chooses, and that a killed one goes on."""

from __future__ import annotations

import json
import math
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from helpers import SIZES, THREE_BY_THREE, environment

from routed_envs import InputError
from routed_rl import Trial, Tuning, load_results, tune
from routed_rl.any_config import read_config
from routed_rl.cli.main import main
from routed_rl.config import TrainConfig
from routed_rl.sweeps.choosing.journal import opened
from routed_rl.sweeps.choosing.trials import LOST
from routed_rl.sweeps.sweep_folder import SweepFolder

pytestmark = pytest.mark.slow

WORDS: dict[str, Any] = {
    **SIZES,
    **THREE_BY_THREE,
    "expert_widths": [(8,)],
    "gate_widths": [(8,)],
    "value_widths": [(8,)],
    "methods": "naive",
    "oversight": 0.5,
    "learning_rate": "0.0001..0.1",
    "overseen_weight": [1, 20],
}
OPTIONS = [
    *("--environments", "8", "--rollout-steps", "8", "--expert-widths", "8", "--device", "cpu"),
    *("--value-widths", "8", "--evaluate-every", "0", "--evaluation-episodes", "64"),
]


def told(tuning: Tuning) -> list[tuple[dict[str, Any], float | None, str]]:
    return [(dict(trial.values), trial.score, trial.note) for trial in tuning.trials]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Tuning:
    """A search of five trials that nothing happened to."""
    return tune(WORDS, tmp_path_factory.mktemp("tuning") / "search", trials=5, aim="truth", jobs=1)


def test_a_trials_score_is_what_its_runs_are_worth_and_the_first_has_the_defaults(
    undisturbed: Tuning,
):
    rows = {row["run"]: row for row in load_results(undisturbed.folder)}
    assert len(undisturbed.trials) == len(rows) == 5
    for trial in undisturbed.trials:
        (row,) = [rows[name] for name in trial.runs]
        assert trial.score == row["episode_return"]
        assert {name: row[name] for name in trial.values} == trial.values
        assert row["seed"] == 1000
    scores = [trial.score or 0 for trial in undisturbed.trials]
    assert scores == sorted(scores, reverse=True)
    (usual,) = [trial for trial in undisturbed.trials if trial.usual]
    default = TrainConfig(method="naive")
    assert usual.values["learning_rate"] == default.learning_rate
    assert usual.values["overseen_weight"] == default.overseen_weight


def test_what_is_chosen_trains_with_the_best_values_and_a_seed_that_was_not_searched(
    undisturbed: Tuning, tmp_path: Path
):
    assert undisturbed.chosen is not None
    config = read_config(json.loads(undisturbed.chosen.read_text()))
    best = undisturbed.trials[0].values
    assert {name: getattr(config, name) for name in best} == best
    assert config.seed == 0
    assert main(["train", "--config", str(undisturbed.chosen), "--out", str(tmp_path / "r")]) == 0
    assert json.loads((tmp_path / "r" / "config.json").read_text())["config"] == config.to_json()


@pytest.mark.parametrize("entry", [3, 12, 19])
def test_a_killed_search_ends_as_if_nothing_had_happened(
    undisturbed: Tuning, tmp_path: Path, entry: int
):
    """Before it begins, in the second trial, and in the third."""
    code = (
        "import json, sys, pathlib, killed_runs\n"
        "if __name__ == '__main__':\n"
        "    words, out = json.loads(sys.argv[1]), pathlib.Path(sys.argv[2])\n"
        "    killed_runs.tune_until(words, out, 5, int(sys.argv[3]))\n"
    )
    script = tmp_path / "killed.py"
    script.write_text(code)
    out = tmp_path / "search"
    words = [sys.executable, str(script), json.dumps(WORDS), str(out), str(entry)]
    assert subprocess.run(words, env=environment(), check=False).returncode == -9
    assert (out / "trials.journal").exists()
    assert not (out / "chosen.json").exists()
    again = tune(WORDS, out, trials=5, aim="truth", jobs=1)
    assert told(again) == told(undisturbed)
    assert {row["run"] for row in load_results(out)} == {
        name for trial in undisturbed.trials for name in trial.runs
    }


def test_a_finished_search_trains_nothing_and_a_longer_one_goes_on(
    undisturbed: Tuning, monkeypatch: pytest.MonkeyPatch
):
    from routed_rl.sweeps.choosing import tuning

    with monkeypatch.context() as patch:
        patch.setattr(tuning, "sweep", None)
        again = tune(WORDS, undisturbed.folder, trials=3, aim="truth", jobs=1)
        assert told(again) == told(undisturbed)
    longer = tune(WORDS, undisturbed.folder, trials=6, aim="truth", jobs=1)
    kept = [one for one in told(longer) if one in told(undisturbed)]
    assert (len(longer.trials), len(kept)) == (6, 5)


def test_another_search_is_refused_by_the_settings_that_differ(undisturbed: Tuning):
    other = WORDS | {"overseen_weight": [1, 5], "oversight": 0.25}
    with pytest.raises(InputError) as refused:
        tune(other, undisturbed.folder, trials=3, jobs=1)
    assert str(refused.value).splitlines()[1:-1] == [
        "  aim: there 'truth', here 'overseer'",
        "  oversight: there [0.5], here [0.25]",
        "  overseen_weight: there [1.0, 20.0], here [1.0, 5.0]",
    ]


def test_a_default_that_a_journal_of_before_left_out_makes_no_other_search(tmp_path: Path):
    folder = SweepFolder(tmp_path)
    with opened(folder, {"updates": "1..2", "tempting_starts": [True, None]}):
        pass
    with opened(folder, {"updates": "1..2", "tempting_starts": [True, False]}):
        pass
    with pytest.raises(InputError) as refused, opened(folder, {"updates": "1..2"}):
        pass
    assert "  tempting_starts: there [True, False], here None" in str(refused.value)


def test_a_torn_line_and_a_lock_that_was_left_do_not_stop_it(tmp_path: Path):
    first = tune(WORDS, tmp_path, trials=1, aim="truth", jobs=1)
    with (tmp_path / "trials.journal").open("ab") as file:
        file.write(b'{"op_code":4,"worker_id":"a')
    (tmp_path / "trials.journal.lock").touch()
    assert told(tune(WORDS, tmp_path, trials=1, aim="truth", jobs=1)) == told(first)
    assert len(tune(WORDS, tmp_path, trials=2, aim="truth", jobs=1).trials) == 2
    (tmp_path / "trials.journal").write_bytes(b"nothing\nof a journal\n")
    with pytest.raises(InputError, match=r"trials\.journal is damaged"):
        tune(WORDS, tmp_path, trials=2, aim="truth", jobs=1)


def test_what_diverges_counts_as_the_worst(tmp_path: Path):
    words = WORDS | {"learning_rate": [1e-3, 1e30], "overseen_weight": 1, "updates": 20}
    found = tune(words | {"final_learning_rate": 1e-3}, tmp_path, trials=4, aim="truth", jobs=2)
    assert found.failure_text == ""
    notes = {trial.values["learning_rate"]: (trial.note, trial.score) for trial in found.trials}
    assert notes[1e30] == ("diverged", None)
    assert notes[1e-3][1] is not None
    assert [trial.score is None for trial in found.trials] == sorted(
        trial.values["learning_rate"] == 1e30 for trial in found.trials
    )


def test_a_run_that_fails_otherwise_ends_the_search_and_is_tried_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    words = WORDS | {"methods": "own_methods:BREAKS"}
    for _ in range(2):
        found = tune(words, tmp_path, trials=2, aim="truth", jobs=1)
        assert (found.trials, found.chosen) == ((), None)
        assert found.failure_text.startswith("1 run failed: ")
    (run,) = (tmp_path / "runs").iterdir()
    assert "a fault of mine" in (tmp_path / "output" / f"{run.name}.txt").read_text()


def test_a_search_in_an_environment_by_the_overseers_labels(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    words = ["tune", "--env", "own_env:doors", *OPTIONS, "--method", "naive", "--oversight", "0.5"]
    words += ["--steps", "128", "--batch-size", "32", "--learning-rate", "0.0003..0.03"]
    words += ["--seeds", "2", "--trials", "2", "--out", str(tmp_path / "search")]
    assert main(words) == 0
    shown = capsys.readouterr()
    assert "Score, the aim overseer" in " ".join(shown.out.split())
    assert "--env own_env:doors" in shown.out
    assert "[2/2]" in shown.err
    assert main([*words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["aim"] == "overseer"
    rows = {row["run"]: row for row in load_results(tmp_path / "search")}
    for trial in found["trials"]:
        mine = [rows[name] for name in trial["runs"]]
        seen = [row["overseen"] for row in mine]
        left = [row["overseer_left_share"] * row["overseen"] for row in mine]
        assert trial["labels"] == sum(seen)
        assert trial["score"] == pytest.approx(sum(left) / sum(seen))
    assert sorted(row["seed"] for row in rows.values()) == [1000, 1000, 1001, 1001]


def test_the_aim_decides_and_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    words = ["tune", *OPTIONS[:-2], "--gate-widths", "8", "--rows", "3", "--cols", "3"]
    words += ["--updates", "4", "--method", "naive", "--oversight", "0.5", "0.25", "--aim", "truth"]
    words += ["--weight-decay", "0", "1", "--trials", "2", "--out", str(tmp_path / "search")]
    assert main(words) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "the aim truth: the true return" in shown
    assert "which no overseer knows" in shown
    assert main([*words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    rows = {row["run"]: row for row in load_results(tmp_path / "search")}
    for trial in found["trials"]:
        worth = [rows[name]["episode_return"] for name in trial["runs"]]
        assert len(worth) == 2
        assert trial["score"] == pytest.approx(statistics.mean(worth))


def test_trials_whose_belief_has_lost_touch_come_after_the_others():
    one, lost, none = (
        Trial({}, 0.2, "", math.inf, (), False),
        Trial({}, 0.9, LOST, math.inf, (), False),
        Trial({}, None, "diverged", 0, (), False),
    )
    assert sorted([none, lost, one], key=lambda trial: trial.rank) == [one, lost, none]


def test_a_missing_package_is_named_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(InputError, match=r"routed-rl\[tune\]"):
        tune(WORDS, tmp_path / "search")
    assert not (tmp_path / "search").exists()


def test_a_folder_of_something_else_is_refused(tmp_path: Path):
    (tmp_path / "holiday.txt").touch()
    with pytest.raises(InputError, match="no sweep and not empty"):
        tune(WORDS, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["holiday.txt"]
