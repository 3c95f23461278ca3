"""The command line as a user meets it: help, refusals, exit codes and pictures."""

from __future__ import annotations

import csv
import dataclasses
import errno
import json
import resource
import shlex
import shutil
import signal
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers import TINY, environment, patience, tiny_with, wait_for
from patient_methods import PatientMethods
from PIL import Image, ImageSequence

from routed_envs import DiamondGhostWorld, InputError
from routed_rl import (
    PRESETS,
    EnvironmentConfig,
    TrainConfig,
    evaluate,
    load_policy,
    load_run,
    sweep,
    train,
)
from routed_rl.charts.text import NONE
from routed_rl.cli.commands.train import starting_values
from routed_rl.cli.main import COMMANDS, command, main
from routed_rl.cli.policies import changed_world
from routed_rl.config import FAST_CONSTANTS
from routed_rl.pictures.episodes import record
from routed_rl.pictures.policy_field import placements, save_policy_field
from routed_rl.sweeps.plan import read_file

SMALL = [
    *("--updates", "3", "--environments", "8", "--rollout-steps", "8", "--expert-widths", "16"),
    *("--gate-widths", "8", "--value-widths", "8", "--evaluate-every", "1", "--device", "cpu"),
]


def run(*words: str) -> int:
    try:
        return main(list(words))
    except SystemExit as leaving:
        return int(leaving.code or 0)


def read_table(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text().splitlines()))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run."""
    path = tmp_path_factory.mktemp("cli") / "run"
    train(tiny_with(evaluate_every=2), path)
    return path


@pytest.mark.slow
def test_the_users_path_end_to_end(tmp_path: Path, capsys):
    out = tmp_path / "runs" / "demo"
    assert run("train", *SMALL, "--out", str(out)) == 0
    shown = capsys.readouterr()
    for word in ("mixture", "diamond (deployed)", "ghost", "nobody watches", str(out)):
        assert word in shown.out
    assert shown.err == ""
    assert run("train", *SMALL, "--out", str(out), "--resume") == 0
    assert "Nothing was left to do" in capsys.readouterr().err
    assert run("evaluate", str(out), "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert list(found) == [
        "steer",
        "oversight",
        "exact",
        "episode_return",
        "diamond_rate",
        "ghost_rate",
        "timeout_rate",
        "mean_length",
        "labels",
    ]
    assert list(found["labels"]) == ["diamond", "ghost", "timeout", "unknown"]
    assert (found["steer"], found["oversight"], found["exact"]) == ("diamond", 0.1, True)
    assert run("render", str(out), "--episodes", "2") == 0
    shown = capsys.readouterr().out
    for name in (
        *("rollouts.gif", "rollouts_side_by_side.gif", "rollouts_contact_sheet.png"),
        *("policy_field.png", "learning_curve.png"),
    ):
        assert name in shown
        assert (out / name).stat().st_size > 1000
        assert (out / name).with_suffix(".csv").exists()


def test_help_and_version(capsys):
    for words in (["--help"], ["train", "--help"], ["evaluate", "-h"], ["render", "-h"], []):
        assert run(*words) == 0
        assert "usage: routed-rl" in capsys.readouterr().out
    assert run("--version") == 0
    assert capsys.readouterr().out.startswith("routed-rl ")


def test_help_lists_every_command_and_names_the_version_and_completion(capsys):
    run("--help")
    shown = " ".join(capsys.readouterr().out.split())
    assert "`routed-rl --version`" in shown
    assert "`routed-rl completion --help`" in shown
    for name, about in COMMANDS.items():
        assert f"{name} {about.removesuffix('.')}" in shown.replace(" │ │ ", " ")
        assert " ".join(str(command(name).__doc__).partition("\n\n")[0].split()) == about


def test_bash_completes_by_what_is_printed(tmp_path, capsys):
    assert run("completion", "bash") == 0
    written = tmp_path / "completion"
    written.write_text(capsys.readouterr().out)
    ask = "COMP_WORDS=(routed-rl sweep --oversi); COMP_CWORD=2; _tyro_routed_rl"
    script = f"source {written}; {ask}; echo ${{COMPREPLY[@]}}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    options = ("", "-diamond", "-ghost", "-falloff")
    assert done.stdout.split() == [f"--oversight{option}" for option in options]


def test_zsh_and_fish_have_completion_and_other_shells_are_refused(capsys):
    for shell, beginning in (("zsh", "#compdef routed-rl"), ("fish", "complete --no-files")):
        assert run("completion", shell) == 0
        script = capsys.readouterr().out
        assert beginning in script
        assert all(name in script for name in COMMANDS)
    for words in (["completion", "pwsh"], ["--tyro-print-completion", "pwsh"]):
        assert run(*words) == 2
        assert "There is no shell 'pwsh'" in capsys.readouterr().err
    assert run("completion", "--help") == 0
    assert "bash-completion/completions/routed-rl" in capsys.readouterr().out


def test_help_does_not_import_torch():
    words = "import sys; sys.argv = ['routed-rl', '--version']; from routed_rl.cli.main import main"
    code = f"{words}; main(); print('torch' in sys.modules)"
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment()
    )
    assert shown.stdout.splitlines()[-1] == "False"


@pytest.mark.parametrize(
    ("words", "messages"),
    [
        (["train", "--oversight", "1.5"], ["oversight=1.5", "0 to 1"]),
        (["train", "--oversight", "nan"], ["oversight=nan", "0 to 1"]),
        (["train", "--oversight-ghost", "7"], ["oversight_ghost=7.0", "0 to 1, or None"]),
        (["train", "--oversight", "high"], ["high", "--oversight"]),
        (["train", "--rows", "1", "--cols", "2"], ["rows=1 x cols=2", "three"]),
        (["train", "--updates", "0"], ["updates=0", "from 1 to"]),
        (["train", "--steps=9"], ["--steps", "in a world", "--updates"]),
        (["train", "--env", "a:b", "--updates", "9"], ["--updates", "an environment", "--steps"]),
        (["sweep", "--steps", "9"], ["--steps", "in a world", "--updates"]),
        (["sweep", "--env", "a:b", "--updates", "9"], ["--updates", "an environment", "--steps"]),
        (["train", "--seed", "-1"], ["seed=-1", "from 0 to 2^63 - 1"]),
        (["train", "--seed", str(10**20)], ["from 0 to 2^63 - 1"]),
        (["train", "--method", "ruoted"], ["'ruoted'", "'routed'", "naive"]),
        (["train", "--preset", "fats"], ["'fats'", "'fast'", "paper"]),
        (["train", "--device", "cdua"], ["'cdua'", "Did you mean 'cuda'", "auto, cpu, cuda"]),
        (["train", "--oversigth", "0.1"], ["--oversigth", "--oversight"]),
        (["train", "--preset", "fast", "--config", "x.json"], ["one of them"]),
        (["train", "--config", "nowhere.json"], ["nowhere.json"]),
        (["trian"], ["'trian'", "'train'"]),
        (["evaluate", "nowhere"], ["nowhere", "folder of a finished run"]),
        (["render", "nowhere"], ["nowhere", "folder of a finished run"]),
    ],
)
def test_bad_input_is_refused_with_what_is_allowed(
    words: list[str], messages: list[str], tmp_path: Path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    assert run(*words) == 2
    shown = capsys.readouterr()
    for message in messages:
        assert message in " ".join((shown.out + shown.err).replace("│", " ").split())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "messages"),
    [
        (["evaluate", "--steer", "dimond"], ["'dimond'", "'diamond'"]),
        (["evaluate", "--steer", "diamond=0.8"], ["sum 0.8", "sum is 1"]),
        (["evaluate", "--steer", "diamond=much"], ["diamond=much", "diamond=0.8,ghost=0.2"]),
        (["evaluate", "--oversight", "2"], ["oversight=2.0", "0 to 1"]),
        (
            ["evaluate", "--oversight", "1.5", "--label-noise", "-1"],
            ["oversight=1.5", "label_noise=-1.0"],
        ),
        (["evaluate", "--oversight-ghost", "2"], ["oversight_ghost=2.0", "0 to 1"]),
        (["render", "--label-noise", "-1"], ["label_noise=-1.0", "0 to 1"]),
        (["evaluate", "--monte-carlo", "--episodes", "1"], ["episodes=1", "at least 2"]),
        (["evaluate", "--monte-carlo", "--seed", "-1"], ["seed=-1", "from 0"]),
        (["render", "--seed", "-1"], ["seed=-1", "from 0"]),
        (["render", "--episodes", "0"], ["0", "at least 1"]),
        (["render", "--episodes", "1000000000"], ["=1000000000", "at most 1,000."]),
        (["evaluate", "--monte-carlo", "--episodes", "9" * 15], ["9" * 15, "at most 1,000,000."]),
        (["render", "--out", "film.avi"], ["film.avi", ".gif or .mp4"]),
        (["render", "--start", "agent=0,0"], ["no place for the diamond and the ghost"]),
        (["render", "--start", "agent"], ["'agent' cannot be read", "agent=4,0"]),
        (["render", "--start", "agnet=0,0"], ["'agnet'", "'agent'"]),
        (["render", "--start", "agent=5,0"], ["agent=5,0", "rows 0 to 4"]),
        (["render", "--start", "agent=0,0", "agent=0,1"], ["agent twice"]),
        (
            ["render", "--start", "agent=0,0", "diamond=1,2", "ghost=1,2"],
            ["the diamond and the ghost on one cell, 1,2"],
        ),
    ],
)
def test_bad_input_about_a_run(
    words: list[str], messages: list[str], folder: Path, capsys, monkeypatch, tmp_path: Path
):
    monkeypatch.chdir(tmp_path)
    before = sorted(p.name for p in folder.iterdir())
    assert run(words[0], str(folder), *words[1:]) == 2
    shown = capsys.readouterr().err
    for message in messages:
        assert message in shown
    assert sorted(p.name for p in folder.iterdir()) == before
    assert list(tmp_path.iterdir()) == []


def test_a_device_that_is_not_there_is_refused(tmp_path: Path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert run("train", *SMALL, "--device", "cuda") == 2
    assert "no CUDA device here. Give cpu or auto" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_several_faults_of_a_configuration_file_are_listed_together(tmp_path: Path, capsys):
    file = tmp_path / "config.json"
    file.write_text(json.dumps({"oversight": 3, "sede": 1, "updates": "many"}))
    assert run("train", "--config", str(file)) == 2
    shown = capsys.readouterr().err
    for word in ("oversight=3", "sede=1", "updates='many'"):
        assert word in shown


@pytest.mark.parametrize("config", [3, [], {"env": "own_env:doors"}])
def test_a_damaged_configuration_is_refused_in_words(config: Any, folder: Path, tmp_path: Path):
    damaged = tmp_path / "run"
    shutil.copytree(folder, damaged)
    (damaged / "config.json").write_text(json.dumps({"config": config}))
    with pytest.raises(InputError):
        load_run(damaged)
    assert run("deploy-report", str(damaged)) == 2
    assert run("train", "--config", str(damaged / "config.json")) == 2
    assert run("train", "--out", str(damaged), "--resume") == 2
    if not isinstance(config, dict):  # What says that it is of an environment, has other files.
        assert run("export", str(damaged), "--out", str(tmp_path / "p.safetensors")) == 0
        assert "Not known" in (tmp_path / "p.safetensors.md").read_text()


@pytest.mark.slow
def test_a_runs_own_configuration_trains_the_same_run(folder: Path, tmp_path: Path, capsys):
    again = tmp_path / "again"
    assert run("train", "--config", str(folder / "config.json"), "--out", str(again)) == 0
    policy = "policy.safetensors"
    assert (again / policy).read_bytes() == (folder / policy).read_bytes()
    other = tmp_path / "other"
    words = ["train", "--config", str(folder / "config.json"), "--seed", "9", "--out", str(other)]
    assert run(*words) == 0
    saved = json.loads((other / "config.json").read_text())["config"]
    assert TrainConfig.from_json(saved) == tiny_with(seed=9, evaluate_every=2)


@pytest.mark.parametrize(
    ("name", "text"), [("run.toml", "oversight = 0.5\n"), ("run.json", '{"oversight": 0.5}')]
)
def test_the_method_of_the_command_line_decides_what_a_file_leaves_out(
    name: str, text: str, tmp_path: Path
):
    file = tmp_path / name
    file.write_text(text)
    settings = starting_values(["--config", str(file), "--method", "naive"]).settings
    assert settings == TrainConfig(method="naive", oversight=0.5)


def test_a_file_may_leave_the_environment_to_the_command_line(tmp_path: Path):
    file = tmp_path / "run.toml"
    file.write_text("steps = 8192\n")
    settings = starting_values(["--config", str(file), "--env", "own_env:doors"]).settings
    assert settings == EnvironmentConfig(env="own_env:doors", steps=8192)
    assert read_file(file, in_environment=True) == {"steps": 8192}


@pytest.mark.slow
def test_a_toml_file_trains_what_the_same_words_do(tmp_path: Path, capsys):
    file = tmp_path / "run.toml"
    file.write_text(
        'method = "naive"\noversight = 0.5\nupdates = 2\nexpert-widths = [[16]]\n'
        "rows = 3\ncols = 3\n"
    )
    words = ["--environments", "8", "--rollout-steps", "8", "--seed", "3", "--evaluate-every", "0"]
    assert run("train", "--config", str(file), *words, "--out", str(tmp_path / "run")) == 0
    config = json.loads((tmp_path / "run" / "config.json").read_text())["config"]
    wanted = {"method": "naive", "oversight": 0.5, "updates": 2, "expert_widths": [16], "seed": 3}
    assert {name: config[name] for name in wanted} == wanted
    capsys.readouterr()
    for text, messages in (
        ("methods = ['naive', 'routed']\nseeds = 2\n", ["4 runs", "sweep --config"]),
        ("oversigth = 0.1\n", ["line 1", "Did you mean 'oversight'?"]),
        ("method = 'own_methods:OWN'\n", ["whose code would run", "--method own_methods:OWN"]),
        ("study = 'digits'\n", ["of the study digits"]),
        ("oversight = = 1\n", ["cannot be read as TOML"]),
    ):
        file.write_text(text)
        assert run("train", "--config", str(file), "--out", str(tmp_path / "other")) == 2
        shown = capsys.readouterr().err
        assert all(message in shown for message in messages), shown
    assert not (tmp_path / "other").exists()


def test_kinds_of_oversight_are_flat_options_of_every_command(tmp_path: Path, capsys):
    out = tmp_path / "run"
    kinds = ["--oversight-ghost", "0.3", "--label-noise", "0.1", "--hidden-oversight"]
    assert run("train", *SMALL, *kinds, "--out", str(out)) == 0
    shown = capsys.readouterr().out
    assert "Oversight 0.1, oversight ghost 0.3, label noise 0.1, hidden oversight (as" in shown
    assert "Oversight 0, label noise 0.1, hidden oversight (nobody" in shown
    trained = DiamondGhostWorld(oversight_ghost=0.3, label_noise=0.1, hidden_oversight=True)
    assert load_policy(out).world == trained
    words = ["--oversight-diamond", "1", "--oversight-falloff", "0", "--hidden-oversight", "False"]
    assert run("evaluate", str(out), *words, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    world = dataclasses.replace(trained, oversight_diamond=1.0, hidden_oversight=False)
    policy = load_policy(out)
    assert found == evaluate(policy.steer(policy.deploy), world=world).to_json()
    assert found["labels"]["diamond"] > 2 * found["labels"]["ghost"]
    assert run("evaluate", str(out), "--oversight", "0") == 0
    table = capsys.readouterr().out.splitlines()
    assert [row.split()[-1] for row in table if row.startswith(" diamond ")] == [NONE]
    assert run("render", str(out), "--episodes", "1", "--spurious-oversight", "0.5") == 0


def test_only_the_gridworld_has_further_kinds_of_oversight():
    class Doors:
        def with_oversight(self, oversight: float) -> str:
            return f"doors under {oversight:g}"

    world: Any = Doors()
    assert changed_world(world, {"oversight": 0.2, "label_noise": None}) == "doors under 0.2"
    with pytest.raises(InputError, match=r"--label-noise: .* a Doors.*Give --oversight alone"):
        changed_world(world, {"label_noise": 0.1})


def test_presets_are_the_starting_values_and_options_change_them(capsys):
    paper = TrainConfig.from_preset("paper", updates=5, oversight=0.3)
    assert paper.learning_rate == 5e-5
    assert paper.updates == 5
    assert PRESETS["paper"].updates == 20_000
    assert PRESETS["fast"] == TrainConfig()
    assert run("train", "--preset", "paper", "--help") == 0
    assert "20000" in capsys.readouterr().out
    with pytest.raises(ValueError, match="fast or paper"):
        TrainConfig.from_preset("slow")


@pytest.mark.slow
def test_the_first_run_folder_is_named_by_what_it_is(tmp_path: Path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run("train", *SMALL, "--method", "naive", "--oversight", "0.25", "--seed", "7") == 0
    assert (tmp_path / "runs" / "naive-oversight0.25-seed7" / "result.json").exists()
    assert "policy" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_that_ends_prints_the_command_that_resumes(
    number: signal.Signals, code: int, patient: PatientMethods, tmp_path: Path
):
    """A real process, a real signal, its exit code, and the printed words continue the run."""
    out = tmp_path / "run"
    words = [*SMALL, "--method", patient.routed, "--updates", "200", "--evaluate-every", "0"]
    process = subprocess.Popen(
        [sys.executable, "-m", "routed_rl", "train", *words, "--out", str(out)],
        env=environment(),
        stderr=subprocess.PIPE,
        text=True,
    )
    log = out / "log.jsonl"
    wait_for(lambda: process.poll() is not None or (log.exists() and log.stat().st_size))
    process.send_signal(number)
    _, error = process.communicate(timeout=patience())
    assert process.returncode == code, error
    command = next(line.strip() for line in error.splitlines() if "routed_rl train" in line)
    assert command.startswith("python -m routed_rl train")
    assert command.endswith("--resume")
    assert not (out / "result.json").exists()
    patient.hurry.touch()
    assert run(*shlex.split(command)[3:]) == 0
    assert (out / "result.json").exists()
    assert run("train", *words, "--out", str(tmp_path / "whole")) == 0
    resumed, whole = (tmp_path / name / "policy.safetensors" for name in ("run", "whole"))
    assert resumed.read_bytes() == whole.read_bytes()


@pytest.mark.parametrize(
    ("words", "out"),
    [
        (["train", *SMALL], "new/run"),
        (["sweep", *SMALL, "--jobs", "1"], "new/sweep"),
        (["export", "RUN"], "new/policy.safetensors"),
        (["explore", "RUN"], "new/page.html"),
        (["render", "RUN"], "new/film.gif"),
        (["monitor", "RUN"], "new/monitor"),
        (["deploy-report", "RUN"], "new/report"),
        (["new-env"], "new/my_env.py"),
    ],
    ids=lambda words: words[0],
)
def test_a_place_where_nothing_can_be_written_is_refused_input(
    words: list[str], out: str, folder: Path, tmp_path: Path, monkeypatch, capsys
):
    def mkdir(path: Path, *arguments: Any, **options: Any) -> None:
        raise OSError(errno.EROFS, "Read-only file system", str(path))

    monkeypatch.setattr(Path, "mkdir", mkdir)
    named = [str(folder) if word == "RUN" else word for word in words]
    option = [] if words[0] == "new-env" else ["--out"]
    assert run(*named, *option, str(tmp_path / out)) == 2
    assert "cannot be made (Read-only file system). Give a folder" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_however_deep_a_folder_is_it_is_made(tmp_path: Path, capsys):
    out = tmp_path / Path(*["a"] * 1500) / "run"
    try:
        assert run("train", *SMALL, "--rows", "3", "--cols", "3", "--out", str(out)) == 0
        assert run("evaluate", str(out), "--json") == 0
        assert run("explore", str(out), "--out", str(out / "b" / "page.html")) == 0
    finally:  # Python's own way of removing a folder recurses.
        subprocess.run(["rm", "-r", str(tmp_path / "a")], check=True)


@pytest.mark.slow
def test_a_full_disk_keeps_the_last_good_checkpoint_and_exits_with_1(tmp_path: Path):
    """A limit on file sizes below the checkpoint's stands in for the full disk."""
    out = tmp_path / "run"
    train(TINY, out)
    good = (out / "checkpoint.pt").read_bytes()
    config = ["--config", str(out / "config.json"), "--updates", "6", "--out", str(out)]
    limit = len(good) // 2
    process = subprocess.run(
        [sys.executable, "-m", "routed_rl", "train", *config, "--resume"],
        env=environment(PYTHONDONTWRITEBYTECODE="1"),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
        capture_output=True,
        text=True,
        timeout=patience(),
    )
    assert process.returncode == 1, process.stderr
    assert "What was saved before is untouched" in process.stderr
    assert "Traceback" not in process.stderr
    assert (out / "checkpoint.pt").read_bytes() == good
    assert not [p for p in out.iterdir() if p.suffix == ".partial"]
    assert run("train", *config, "--resume") == 0


@pytest.mark.slow
def test_the_film_shows_every_step_and_its_table_tells_the_same(folder: Path, tmp_path: Path):
    film = tmp_path / "new" / "film.gif"
    words = ["render", str(folder), "--steer", "ghost", "--episodes", "3", "--seed", "4"]
    assert run(*words, "--oversight", "0.5", "--out", str(film)) == 0
    rows = read_table(film.with_suffix(".csv"))
    with Image.open(film) as gif:
        durations = [frame.info["duration"] for frame in ImageSequence.Iterator(gif)]
        assert gif.size == (5 * 64 + 1 + 32, 5 * 64 + 1 + 44 + 114)
    assert sum(durations) == sum(450 if r["outcome"] == "unfinished" else 1800 for r in rows)
    ends = [row for row in rows if row["outcome"] != "unfinished"]
    assert [row["episode"] for row in ends] == ["0", "1", "2"]
    assert all(row["label"] in (row["outcome"], "unknown") for row in ends)
    assert all(0 <= float(row["gate"]) <= 1 for row in rows)
    moves = {"up": (-1, 0), "right": (0, 1), "down": (1, 0), "left": (0, -1)}
    for before, after in pairwise(rows):
        if before["episode"] == after["episode"]:
            down, right = moves[after["action"]]
            expected = min(max(int(before["agent_row"]) + down, 0), 4)
            assert int(after["agent_row"]) == expected
            assert int(after["agent_col"]) == min(max(int(before["agent_col"]) + right, 0), 4)


def test_a_recorded_episode_ends_once_and_within_the_limit(folder: Path):
    policy = load_policy(folder)
    frames = record(policy, DiamondGhostWorld(), 5, seed=1)
    for episode in range(5):
        mine = [frame for frame in frames if frame.episode == episode]
        assert [frame.step for frame in mine] == list(range(len(mine)))
        assert len(mine) <= 33
        assert [f.step for f in mine if f.outcome != "unfinished"] == [mine[-1].step]


@pytest.mark.slow
def test_the_policy_field_holds_what_the_policy_says(folder: Path, tmp_path: Path):
    policy = load_policy(folder)
    world = DiamondGhostWorld()
    save_policy_field(policy, world, tmp_path / "field.png")
    rows = read_table(tmp_path / "field.csv")
    assert len(rows) == 3 * 23
    states = placements(world, diamond=8, ghost=16)
    expected = policy.steer("ghost").action_probabilities(world.observe(states))
    ghost = [row for row in rows if row["who_acts"] == "ghost"]
    found = [[float(row[a]) for a in ("up", "right", "down", "left")] for row in ghost]
    assert found == [pytest.approx(p, abs=1e-6) for p in expected.tolist()]
    assert {row["weight"] for row in ghost} == {"0.000000"}


def test_pictures_of_one_expert_on_the_smallest_grid(tmp_path: Path):
    out = tmp_path / "run"
    small = ["--method", "naive", "--rows", "1", "--cols", "3", "--out", str(out)]
    assert run("train", *SMALL, *small) == 0
    assert run("render", str(out), "--episodes", "1") == 0
    assert run("evaluate", str(out), "--steer", "diamond") == 2


@pytest.mark.slow
@pytest.mark.parametrize("name", ["exp[v2]", "a[/b]"])
def test_a_name_that_looks_like_markup_is_shown_as_it_is(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(tmp_path)
    folder = Path(name)
    folder.mkdir(parents=True)
    train(tiny_with(updates=2), folder / "run")
    assert run("evaluate", str(folder / "run")) == 0
    assert f"{name}/run" in capsys.readouterr().out
    sweep([tiny_with(updates=2)], folder / "sweep")
    for words in (["status"], ["choose"], ["report"]):
        assert run(*words, str(folder / "sweep")) == 0
        assert f"{name}/sweep" in capsys.readouterr().out


def test_a_method_that_borrows_its_constants_says_whose_they_are(tmp_path: Path, capsys):
    own = [*SMALL, "--method", "own_methods:own", "--updates", "1", "--overwrite"]
    said = "own_methods:own has no constants of its own and trains with those of inferred."
    out = ("--out", str(tmp_path / "run"))
    assert run("train", *own, *out) == 0
    assert said in capsys.readouterr().err
    for others in (("--weight-decay", "0.5"), ("--preset", "paper")):
        assert run("train", *own, *others, *out) == 0
        assert "constants" not in capsys.readouterr().err
    assert run("methods", "own_methods:own", "routed", "--json") == 0
    listed = json.loads(capsys.readouterr().out)
    assert listed["own_methods:own"]["constants"] == FAST_CONSTANTS["inferred"]
    assert listed["routed"]["constants"] == FAST_CONSTANTS["routed"]
    assert run("methods", "own_methods:own", "routed") == 0
    shown = capsys.readouterr().out
    assert "constants: those of inferred, for it has none of its own, as options:\n  --" in shown
    assert f"--weight-decay {FAST_CONSTANTS['routed']['weight_decay']:g}" in shown
    assert run("methods", "no-gate") == 0
    shown = capsys.readouterr().out
    assert "constants: those of routed, for it has none of its own, as options:\n  --" in shown
    # A command that is to be copied stays on a line.
    assert shown.rstrip().splitlines()[-1].count("--") == len(FAST_CONSTANTS["routed"])
    swept = ["--methods", "own_methods:own", "--updates", "1", "--out", str(tmp_path / "sweep")]
    assert run("sweep", *SMALL[2:], *swept) == 0
    assert capsys.readouterr().err.count(said) == 1


def test_a_run_goes_on_with_its_own_settings_where_no_others_are_given(tmp_path: Path, capsys):
    out = str(tmp_path / "run")
    assert run("train", *SMALL, "--method", "naive", "--updates", "2", "--out", out) == 0
    before = (tmp_path / "run" / "config.json").read_text()
    capsys.readouterr()
    assert run("train", "--out", out, "--resume") == 0
    assert "Nothing was left to do" in capsys.readouterr().err
    assert (tmp_path / "run" / "config.json").read_text() == before
    assert run("train", "--out", out, "--resume", "--updates", "3") == 0
    assert json.loads((tmp_path / "run" / "result.json").read_text())["updates"] == 3
    capsys.readouterr()
    assert run("train", "--out", out, "--resume", "--method", "routed") == 2
    error = capsys.readouterr().err
    assert "method: there 'naive', here 'routed'" in error
    assert "was finished" not in error, "that would read as if it had worked"
    assert run("train", "--out", out, "--resume", "--env", "routed_envs/DiamondGhost-v0") == 2
