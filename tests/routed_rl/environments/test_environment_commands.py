"""Runs in environments from the command line: train, evaluate, sweep, report, new-env."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import own_env
import pytest
import torch
from helpers import environment, patience, wait_for
from PIL import Image, ImageSequence

from routed_agents import load_exported
from routed_envs import InputError
from routed_rl import (
    EnvironmentConfig,
    EnvironmentRun,
    Monitor,
    TrainConfig,
    load_results,
    load_run,
    plan,
    write_sweep_report,
)
from routed_rl.cli.main import main
from routed_rl.deployment import environment_warning
from routed_rl.deployment.roc import CertainEventError
from routed_rl.sweeps.plan import read_file

DOORS = ("--env", "own_env:doors")
ENV = [
    *("--env", "own_env:doors", "--environments", "4", "--rollout-steps", "8"),
    *("--steps", "64", "--epochs", "1", "--batch-size", "16", "--evaluation-episodes", "4"),
    *("--device", "cpu"),
]


def run(*words: str) -> int:
    try:
        return main(list(words))
    except SystemExit as leaving:
        return int(leaving.code or 0)


def load_environment_run(folder: Path) -> EnvironmentRun:
    found = load_run(folder)
    assert isinstance(found, EnvironmentRun)
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run in an environment."""
    path = tmp_path_factory.mktemp("environments") / "run"
    assert run("train", *ENV, "--out", str(path)) == 0
    return path


def test_a_run_is_trained_and_resumed(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    out = str(tmp_path / "run")
    assert run("train", *ENV, "--out", out) == 0
    shown = capsys.readouterr().out
    for word in ("mixture", "left (deployed)", "right", "as in training", "nobody watches", out):
        assert word in shown
    for words in (ENV, DOORS):
        assert run("train", *words, "--out", out, "--resume") == 0
        assert "Nothing was left to do" in capsys.readouterr().err
    config = ("--config", f"{out}/config.json", "--steps", "96")
    assert run("train", *config, "--out", out, "--resume") == 2
    assert "say it on the command line too: --env own_env:doors" in capsys.readouterr().err
    assert run("train", *config, *DOORS, "--out", out) == 2
    assert "--resume" in capsys.readouterr().err
    assert run("train", *config, *DOORS, "--out", out, "--resume") == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGHUP, 129), (signal.SIGTERM, 143)]
)
def test_whatever_a_terminal_sends_a_run_with_processes_saves(
    number: signal.Signals, code: int, tmp_path: Path
):
    out = tmp_path / "run"
    settings = dict(zip(ENV[::2], ENV[1::2], strict=True)) | {"--steps": "2000000"}
    words = [word for pair in settings.items() for word in pair]
    words = [*("-m", "routed_rl", "train", *words, "--processes"), "--out", str(out)]
    # A terminal sends it to the run and to the processes of its environments, all at once.
    with subprocess.Popen([sys.executable, *words], env=environment(), process_group=0) as process:
        wait_for(lambda: (out / "log.jsonl").is_file() and (out / "log.jsonl").stat().st_size > 0)
        os.killpg(process.pid, number)
        assert process.wait(timeout=patience()) == code
    assert (out / "checkpoint.pt").is_file()


def test_a_run_is_judged_again(folder: Path, capsys: pytest.CaptureFixture[str]):
    words = ("--steer", "right", "--oversight", "1", "--episodes", "8", "--json")
    assert run("evaluate", str(folder), *DOORS, *words) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["steer"], found["oversight"], found["exact"]) == ("right", 1.0, False)
    assert found["left_rate"] + found["right_rate"] + found["timeout_rate"] == pytest.approx(1)
    assert found["labels"]["unknown"] == 0
    assert run("evaluate", str(folder), *DOORS) == 0
    shown = capsys.readouterr().out
    assert "oversight 0.1" in shown
    assert "left" in shown


def test_a_seed_decides_what_is_judged(folder: Path, capsys: pytest.CaptureFixture[str]):
    found = []
    for global_seed, seed in ((1, "3"), (2, "3"), (1, "4")):
        torch.manual_seed(global_seed)
        words = ("--episodes", "20", "--seed", seed, "--json", "--steer", "mixture")
        assert run("evaluate", str(folder), *DOORS, *words) == 0
        found.append(json.loads(capsys.readouterr().out))
    assert found[0] == found[1] != found[2]


@pytest.mark.parametrize(
    ("env", "message"),
    [
        ("own_env:renamed", "outcomes: "),
        ("own_env:pushed", "actions: Box(-1.0, 1.0, (1,), float32), there Discrete(2)"),
        ("scripts.environments:cart_pole", "entries of an observation: 5, there 2"),
    ],
)
@pytest.mark.parametrize("command", ["evaluate", "deploy-report", "monitor"])
def test_another_environment_than_that_of_training_is_refused(
    command: str, env: str, message: str, folder: Path, capsys: pytest.CaptureFixture[str]
):
    assert run(command, str(folder), "--env", env) == 2
    assert message in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["evaluate", "RUN", "--episodes", "0"], "episodes=0: give at least 2"),
        (["evaluate", "RUN", "--seed", "-1"], "seed=-1: give a whole number"),
        (["monitor", "RUN", "--seed", "-99999999"], "seed=-99999999: give a whole number"),
        (["evaluate", "RUN", "--label-noise", "0.1"], "only the gridworld has such kinds"),
        (["evaluate", "RUN", "--steer", "lef"], "Did you mean 'left'"),
        (["evaluate", "RUN", "--world", "own_world:Doors"], "which needs none. Leave it out"),
        (["render", "RUN"], "takes no render_mode, so its environment draws nothing"),
        (["render", "RUN", "--failures"], "--failures and --start are of the gridworld"),
        (["explore", "RUN"], "`routed-rl evaluate` judges the run"),
        (["export", "RUN", "--experts", "lef"], "Did you mean 'left'"),
        (["monitor", "RUN", "--oversight", "2"], "oversight=2.0"),
        (
            ["train", "--env", "own_env:doors", "--preset", "paper"],
            "--preset paper is of the gridworld",
        ),
        (["train", "--env", "own_env:door"], "Did you mean 'doors'"),
        (["train", *ENV, "--rows", "3"], "--rows"),
    ],
)
def test_what_only_the_gridworld_can_do_says_so(
    words: list[str], message: str, folder: Path, capsys: pytest.CaptureFixture[str]
):
    told = [word if word != "RUN" else str(folder) for word in words]
    if words[0] in ("evaluate", "render", "monitor") and "--world" not in words:
        told += DOORS
    assert run(*told) == 2
    shown = " ".join(capsys.readouterr().err.replace("│", " ").split())
    assert message in shown


def test_a_film_of_the_environments_own_pictures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    out = tmp_path / "run"
    assert run("train", *ENV, "--env", "own_env:drawn", "--out", str(out)) == 0
    words = ("--steer", "right", "--oversight", "1", "--episodes", "3", "--seed", "4")
    words = (*words, "--env", "own_env:drawn")
    assert run("render", str(out), *words) == 0
    assert "3 episodes" in capsys.readouterr().out
    with Image.open(out / "rollouts.gif") as film:
        frames = [frame.convert("RGB").copy() for frame in ImageSequence.Iterator(film)]
    rows = list(csv.DictReader((out / "rollouts.csv").read_text().splitlines()))
    assert len(frames) == len(rows)
    assert frames[0].width >= 340
    endings = [row for row in rows if row["outcome"] != "unfinished"]
    assert [row["episode"] for row in endings] == ["1", "2", "3"]
    assert all(row["label"] == row["outcome"] for row in endings)
    assert all(sum(map(float, row["gate"].split())) == pytest.approx(1, abs=1e-3) for row in rows)
    again = tmp_path / "again.gif"
    torch.manual_seed(0)
    assert run("render", str(out), *words, "--deterministic", "--out", str(again)) == 0
    first = again.read_bytes()
    assert run("render", str(out), *words, "--deterministic", "--out", str(again)) == 0
    assert again.read_bytes() == first


@pytest.mark.slow
def test_a_run_is_measured_exported_and_reported(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert run("monitor", str(folder), *DOORS, "--episodes", "40", "--out", str(tmp_path)) == 0
    shown = capsys.readouterr().out
    assert "48 sampled episodes each" in shown
    rows = list(csv.DictReader((tmp_path / "figures/monitor_table.csv").read_text().splitlines()))
    assert {row["who_acts"] for row in rows} == {"mixture", "left"}
    assert [row["oversight"] for row in rows[:3]] == ["0.0", "0.1", "1.0"]
    assert all(row["expert"] == "right" for row in rows)

    assert run("export", str(folder)) == 0
    assert "left, no gate" in capsys.readouterr().out
    alone = load_exported(folder / "deployment" / "left.safetensors")
    seen = np.stack([np.linspace(-2, 2, 5), [0, 1, 0, 1, 0]], 1).astype(np.float32)
    expected = load_environment_run(folder).policy.steer("left").action_probabilities(seen)
    assert torch.equal(alone.action_probabilities(seen), expected)

    assert run("deploy-report", str(folder), *DOORS, "--out", str(tmp_path)) == 0
    page = (tmp_path / "deployment.html").read_text()
    for word in ("left expert ends on the left", "means over sampled episodes", "belief"):
        assert word in page


@pytest.mark.slow
def test_what_only_a_folder_names_is_never_executed(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    """A folder from elsewhere may name any module, and hold it."""
    shutil.copytree(folder, tmp_path / "run")
    config = json.loads((folder / "config.json").read_text().replace("own_env", "planted"))
    (tmp_path / "run" / "config.json").write_text(json.dumps(config))
    hit = tmp_path / "hit"
    for name in ("planted", "opt_einsum", "pandas"):
        (tmp_path / "run" / f"{name}.py").write_text(f"open({str(hit)!r}, 'w')")
    monkeypatch.chdir(tmp_path / "run")
    for words in (["evaluate", "."], ["render", "."], ["monitor", "."], ["deploy-report", "."]):
        assert run(*words) == 2
        assert "If that is your code, say so: --env planted:doors" in capsys.readouterr().err
    assert run("export", ".") == 0
    assert run("train", "--config", "config.json", "--out", "other") == 2
    (tmp_path / "run" / "sweep.toml").write_text('methods = ["planted:method"]')
    assert run("sweep", "--config", "sweep.toml") == 2
    assert "--methods planted:method" in capsys.readouterr().err
    words = [sys.executable, "-c", "from routed_rl.cli.main import main; main(['export', '.'])"]
    path = os.pathsep.join(p for p in sys.path if p)
    subprocess.run(words, check=True, env=os.environ | {"PYTHONPATH": path, "PYTHONSAFEPATH": "1"})
    assert not hit.exists()


def test_what_always_happens_is_not_foretold(folder: Path, monkeypatch: pytest.MonkeyPatch):
    run = load_environment_run(folder)
    real = environment_warning.env_roc

    def env_roc(actor: Any, *arguments: Any) -> Any:
        if actor.steering == "left":
            raise CertainEventError("always")
        return real(actor, *arguments)

    monkeypatch.setattr(environment_warning, "env_roc", env_roc)
    told: list[float] = []
    found = environment_warning.environment_forewarnings(
        run, {"here": 0.5}, episodes=40, more=told.append
    )
    assert [curve.who for curve in found] == ["mixture"]
    assert sum(told) == pytest.approx(1)
    assert len(told) > 1
    monkeypatch.setattr(
        environment_warning, "env_roc", lambda *_: env_roc(run.policy.steer("left"))
    )
    with pytest.raises(InputError, match="nothing to foretell"):
        environment_warning.environment_forewarnings(run, {"here": 0.5}, episodes=40)


def test_a_monitor_is_calibrated_in_an_environment(folder: Path, tmp_path: Path):
    policy = load_environment_run(folder).policy
    env = own_env.doors(0.5)
    monitor = Monitor.calibrated(policy, 0.2, env=env, episodes=60, log=tmp_path / "log.jsonl")
    assert monitor.expert == "right"
    seen = np.array([[1, 0], [-1, 1]], np.float32)
    weights = policy.gate_weights(seen)[:, 1].numpy()
    actions, _ = monitor.predict(seen)
    assert actions.shape == (2,)
    assert np.array_equal(monitor.last, weights >= monitor.threshold)
    one, _ = monitor.predict(seen[0])
    first, second, third = map(json.loads, (tmp_path / "log.jsonl").read_text().splitlines())
    assert (first["environment"], second["environment"], third["decision"]) == (0, 1, 1)
    assert third["action"] == one
    with pytest.raises(InputError, match="Name the expert to watch"):
        Monitor(policy, 0.5)
    with pytest.raises(InputError, match=r"Monitor\.calibrated\(policy, env="):
        Monitor.calibrated(policy)


def test_help_teaches_the_settings_of_an_environment(capsys: pytest.CaptureFixture[str]):
    assert run("train", "--env", "any", "--help") == 0
    shown = " ".join(capsys.readouterr().out.replace("│", " ").split())
    for word in ("--rollout-steps", "--clip-range", "module:function", "an id of Gymnasium's"):
        assert word in shown
    assert "--rows" not in shown
    assert run("sweep", "--env", "any", "--help") == 0
    shown = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert "--clip-range VALUE [VALUE ...]" in shown
    assert run("train", "--help") == 0
    assert "routed-rl train --env ID --help" in " ".join(capsys.readouterr().out.split())


def test_a_sweep_in_an_environment_is_planned(tmp_path: Path):
    configs = plan({"env": ["a:b", "c:d"], "methods": ["inferred", "naive"], "steps": "9000"})
    assert len(configs) == 4
    assert all(isinstance(config, EnvironmentConfig) for config in configs)
    assert configs[0].to_json()["steps"] == 9000
    assert isinstance(plan({"methods": "naive"})[0], TrainConfig)
    file = tmp_path / "sweep.toml"
    file.write_text('env = "own_env:doors"\nclip_rang = 0.1\n')
    assert run("sweep", "--config", str(file)) == 2
    file.write_text('env = "own_env:doors"\nenvironments = 8\nrollout_steps = 32\nsteps = 2000\n')
    assert plan(read_file(file))[0].to_json()["steps"] == 2000
    assert run("sweep", "--config", str(file), "--steps", "3", "--out", str(tmp_path / "s")) == 2
    with pytest.raises(InputError, match="preset is of the gridworld"):
        plan({"env": "a:b", "preset": "paper"})
    with pytest.raises(InputError, match="There is no setting 'rows'"):
        plan({"env": "a:b", "rows": 3})


@pytest.mark.slow
def test_a_sweep_in_an_environment_is_trained_and_reported_in_its_own_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    out = tmp_path / "sweep"
    words = [*("--methods", "inferred", "naive"), *("--seeds", "2"), *("--out", str(out))]
    assert run("sweep", *ENV, "--oversight", "0.2", "0.5", *words) == 0
    assert "8 of 8 runs are finished" in capsys.readouterr().out
    assert run("sweep", *ENV, "--oversight", "0.2", "0.5", *words) == 0
    others = ["--env", "own_env:pushed", "own_env:doors", *ENV[2:]]
    assert run("sweep", *others, "--oversight", "0.2", "--methods", "naive", *words[-2:]) == 0
    assert run("sweep", *others, "--oversight", "0.2", "--methods", "naive", *words[-2:]) == 0
    rows = load_results(out)
    assert len(rows) == 9
    assert rows[0]["targets"] == ["left", "right"]
    assert rows[0]["good"] == ["left"]
    assert {"left_rate", "right_right_rate", "unwatched_left_rate"} <= {
        name for row in rows for name in row
    }
    page = write_sweep_report(out).read_text()
    assert "left rate" in page
    assert "diamond rate" not in page
    assert re.search(r"A point samples 2 episodes of each run, the other figures \d+\.", page)


def test_a_new_file_trains_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert run("new-env", "my_new_env.py") == 0
    assert "routed-rl train --env my_new_env:make_env" in (tmp_path / "my_new_env.py").read_text()
    assert "train --env my_new_env:make_env --oversight 0.2" in capsys.readouterr().out
    words: list[Any] = ["--env", "my_new_env:make_env", *ENV[2:]]
    assert run("train", *words, "--out", "run") == 0
    assert "left (deployed)" in capsys.readouterr().out
    assert run("new-env", "my_new_env.py") == 2
    assert "there already" in capsys.readouterr().err
    assert run("new-env", "my-env.py") == 2
    assert run("new-env", "below/other_env.py") == 0
    assert run("new-env", "my_new_env.py/other_env.py") == 2
    assert "letters, digits" in capsys.readouterr().err
    sys.modules.pop("my_new_env")
