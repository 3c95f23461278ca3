"""From a sweep's words to its runs, and what is refused."""

from __future__ import annotations

import dataclasses
import datetime as dt
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routed_envs import InputError
from routed_rl import PRESETS, EnvironmentConfig, TrainConfig
from routed_rl.cli.main import main
from routed_rl.sweeps.plan import plan, read_file, run_name


def test_every_combination_is_planned_once_and_the_seed_varies_slowest():
    configs = plan({"methods": ("routed", "naive"), "oversight": ("0.1", "0.3"), "seeds": "2"})
    assert [(c.seed, c.method, c.oversight) for c in configs] == [
        *((0, "routed", 0.1), (0, "routed", 0.3), (0, "naive", 0.1), (0, "naive", 0.3)),
        *((1, "routed", 0.1), (1, "routed", 0.3), (1, "naive", 0.1), (1, "naive", 0.3)),
    ]
    assert configs[0] == TrainConfig(method="routed", oversight=0.1, seed=0)


@given(
    st.lists(st.floats(0, 1), min_size=1, max_size=4, unique=True),
    st.lists(st.integers(0, 9), min_size=1, max_size=3, unique=True),
    st.lists(st.sampled_from(["routed", "naive", "oracle"]), min_size=1, unique=True),
)
def test_a_plan_has_as_many_different_runs_as_its_lists_allow(levels, seeds, methods):
    configs = plan({"methods": methods, "oversight": levels, "seed": seeds})
    names = {run_name(config) for config in configs}
    assert len(names) == len(configs) == len(levels) * len(seeds) * len(methods)


def test_runs_of_the_default_settings_have_the_names_that_earlier_versions_gave_them():
    """Their `evaluate_every` was 350, and 0 in environments; a sweep of theirs goes on."""
    assert run_name(TrainConfig()) == run_name(TrainConfig(evaluate_every=350)) == "e1b7bb85fa46"
    assert run_name(EnvironmentConfig(env="my_env:make")) == "b66faf597da3"
    assert run_name(TrainConfig(evaluate_every=0)) == "0a8a6f00fa03"


def test_text_is_read_as_the_command_line_would():
    (config,) = plan(
        {
            "expert_widths": ("64,32",),
            "gate_widths": ("",),
            "bootstrap": ("false",),
            "oversight_ghost": ("none",),
            "oversight_diamond": ("0.4",),
            "updates": "7",
            "preset": "paper",
        }
    )
    expected = dataclasses.replace(
        PRESETS["paper"],
        expert_widths=(64, 32),
        gate_widths=(),
        bootstrap=False,
        oversight_diamond=0.4,
        updates=7,
    )
    assert config == expected


def test_a_run_is_named_by_what_decides_it():
    config = TrainConfig()
    assert run_name(config) == run_name(dataclasses.replace(config, device="cpu", threads=2))
    assert len(run_name(config)) == 12
    whole = dataclasses.replace(config, oversight=1, weight_decay=0)
    assert run_name(whole) == run_name(TrainConfig(oversight=1.0, weight_decay=0.0))
    for change in ({"seed": 1}, {"updates": 1}, {"oversight": 0.2}, {"method": "naive"}):
        assert run_name(dataclasses.replace(config, **change)) != run_name(config)


@pytest.mark.parametrize(
    ("words", "messages"),
    [
        ({"oversight": ()}, ["oversight is an empty list", "leave it out"]),
        ({"oversight": ("0.1", "0.1")}, ["oversight has 0.1 twice"]),
        ({"oversight": ("0.1", "0.10")}, ["oversight has 0.1 twice"]),
        ({"methods": ("routed", "routed")}, ["methods has 'routed' twice"]),
        ({"oversight": ("0.1", "2")}, ["oversight[1]='2'", "a number from 0 to 1"]),
        ({"oversigth": [0.1]}, ["'oversigth'", "Did you mean 'oversight'"]),
        ({"seeds": "0"}, ["seeds='0'", "from 1 to 1,000,000"]),
        ({"seeds": [1, 2]}, ["one number n"]),
        ({"seeds": 2, "seed": [1]}, ["Both seeds and seed"]),
        ({"preset": "fats"}, ["'fats'", "Did you mean 'fast'"]),
        ({"rows": "1", "cols": ("2", "5")}, ["rows=1 x cols=2 is too small"]),
        ({"learning_rate": "x", "discount": "7"}, ["learning_rate='x'", "discount='7'"]),
        ({"bootstrap": [1]}, ["bootstrap=1", "True or False"]),
        ({"seeds": 10**30}, [f"seeds={10**30}", "from 1 to 1,000,000"]),
        ({"seeds": 100_001}, ["seeds = 100,001", "at most 100,000"]),
        ({"oversight": (0, 1), "seeds": "100000"}, ["2 oversight x 100,000 seeds", "200,000"]),
        ({"preset": ["fast", "paper"]}, ["no preset"]),
        ({"preset": {"fast": 1}}, ["no preset"]),
        ({"seed": dt.date(2026, 1, 1)}, ["cannot be used: give a whole number"]),
        ({"updates": [dt.time(1)]}, ["cannot be used: give a whole number"]),
        ({"methods": ("ruoted", "naive"), "seeds": 0}, ["Did you mean 'routed'", "seeds=0"]),
        ({"expert_widths": [64, 128]}, ["Give [[64], [128]] for 2 values, or [[64, 128]] for one"]),
        ({"evaluate_every": ("5", "7")}, ["evaluate_every does not change what", "give one value"]),
        ({"threads": ("1", "2")}, ["threads does not change what a run learns", "give one value"]),
    ],
)
def test_what_cannot_be_used_is_refused_all_at_once(words: dict, messages: list[str]):
    with pytest.raises(InputError) as refused:
        plan(words)
    for message in messages:
        assert message in str(refused.value)


def test_a_file_says_the_same_with_the_same_words(tmp_path: Path):
    file = tmp_path / "sweep.toml"
    file.write_text(
        'preset = "fast"\nmethods = ["routed", "naive"]\noversight = [0.01, 1]\nseeds = 2\n'
        "learning-rate = 1e-3\nexpert_widths = [[32], [16, 16]]\n"
    )
    from_words = plan(
        {
            "methods": ("routed", "naive"),
            "oversight": ("0.01", "1"),
            "seeds": "2",
            "learning_rate": "0.001",
            "expert_widths": ("32", "16,16"),
        }
    )
    assert plan(read_file(file)) == from_words
    assert len(from_words) == 16


def test_one_method_may_be_called_so_and_is_looked_at_as_several_are(tmp_path: Path):
    file = tmp_path / "one.toml"
    file.write_text('method = "my_code:method"\n')
    assert read_file(file) == {"methods": "my_code:method"}
    assert plan({"method": "naive"}) == plan({"methods": "naive"}) == [TrainConfig(method="naive")]
    for words in ({"method": "niave"}, {"method": "naive", "methods": "routed"}):
        with pytest.raises(InputError, match=r"Did you mean 'naive'|Both methods and method"):
            plan(words)
    file.write_text('method = "naive"\nmethods = ["routed"]\n')
    with pytest.raises(InputError, match="line 1: methods is given too"):
        read_file(file)


def test_a_files_faults_are_all_told_with_their_lines(tmp_path: Path):
    file = tmp_path / "sweep.toml"
    file.write_text(
        '# a comment\nmethods = []\noversight = [0.1, "high", 3]\n\nlerning_rate = 1.0\n'
        'seeds = "many"\nseed = 4\n[network]\nwidth = 3\n'
    )
    with pytest.raises(InputError) as refused:
        read_file(file)
    lines = str(refused.value).splitlines()
    assert str(file) in lines[0]
    for line, words in (
        (2, "methods is an empty list"),
        (3, "oversight[1]='high'"),
        (3, "oversight[2]=3"),
        (5, "Did you mean 'learning_rate'"),
        (6, "seeds='many'"),
        (7, "seeds is given too"),
        (8, "no setting 'network'"),
    ):
        assert any(f"line {line}: " in text and words in text for text in lines), (line, words)
    file.write_text("seeds = 3\nmethods = = 4\n")
    with pytest.raises(InputError, match=r"sweep.toml cannot be read as TOML.*line 2"):
        read_file(file)
    with pytest.raises(InputError, match="cannot be read"):
        read_file(tmp_path / "nowhere.toml")


def test_a_fault_of_many_runs_is_told_once():
    with pytest.raises(InputError) as refused:
        plan({"rows": 1, "cols": 2, "seeds": 1000})
    assert len(str(refused.value).splitlines()) == 1
    with pytest.raises(InputError) as refused:
        plan({"rows": 1, "cols": [1, 2], "discount": [0.1, 0.2, 0.3, 0.4]})
    assert str(refused.value).splitlines()[5:] == ["and 3 more"]


def test_what_only_files_can_get_wrong_is_told(tmp_path: Path):
    file = tmp_path / "sweep.toml"
    file.write_text(
        'label-noise = 0.1\nlabel_noise = 0.2\nout = "x"\njobs = 2\n"a(b" = 1\nlerning_rate = 1\n'
        'methods = ["ruoted"]\nseed = 2026-01-01\n',
        encoding="utf-8",
    )
    with pytest.raises(InputError) as refused:
        read_file(file)
    told = str(refused.value)
    for words in (
        "line 1: label_noise is given again on line 2. Give it once.",
        "line 3: out is an option of the command line, not of the file: give --out there.",
        "line 4: jobs is an option",
        "line 5: There is no setting 'a(b'.\n",
        "line 6: There is no setting 'lerning_rate'. Did you mean 'learning_rate'?",
        "line 7: There is no method 'ruoted'. Did you mean 'routed'?",
        "line 8: seed=datetime.date(2026, 1, 1) cannot be used",
    ):
        assert words in told
    assert told.count("Settings: preset, methods") == 1
    file.write_bytes(b'methods = ["na\xffive"]')
    with pytest.raises(InputError, match="cannot be read as TOML"):
        read_file(file)


def test_more_values_than_runs_may_be_are_refused_before_they_are_looked_at():
    with pytest.raises(InputError, match=r"learning_rate has 100,001 values; .* at most 100,000"):
        plan({"learning_rate": ["no number"] * 100_001})


def test_a_file_that_is_nested_too_deeply_is_refused(tmp_path: Path):
    """Python's parsers give up with an error that is no ValueError."""
    deep = 20_000
    toml, settings = tmp_path / "sweep.toml", tmp_path / "config.json"
    toml.write_text("learning_rate = " + "[" * deep + "]" * deep)
    with pytest.raises(InputError, match="nested too deeply"):
        read_file(toml)
    assert main(["sweep", "--config", str(toml), "--out", str(tmp_path / "sweep")]) == 2
    settings.write_text('{"a":' * deep + "1" + "}" * deep)
    assert main(["train", "--config", str(settings), "--out", str(tmp_path / "run")]) == 2
    for name in ("config.json", "sweep.json"):
        folder = tmp_path / name.partition(".")[0]
        folder.mkdir()
        (folder / name).write_text(settings.read_text())
    assert main(["evaluate", str(tmp_path / "config")]) == 2
    assert main(["status", str(tmp_path / "sweep")]) == 2
