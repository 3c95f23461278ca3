"""What runs of every study share: resuming, sweeping again, refusals, and comparing on a page."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
import torch

import routed_rl
from routed_envs import InputError
from routed_rl import DigitsConfig, ScalarConfig, UnlearnConfig, plan, sweep, train, train_study
from routed_rl.cli.main import main
from routed_rl.report.series import compare
from routed_rl.report.studies.study_page import STUDY_PAGES
from routed_rl.report.studies.unlearn_page import with_above
from routed_rl.runs.identity import TABLE, differing_cells
from routed_rl.study_configs.study_config import StudyConfig
from routed_rl.training.training import task_of

FEW = {"device": "cpu", "steps": 2, "batch_size": 4, "evaluate_every": 0}
GPT = {**FEW, "documents": 200, "width": 8, "layers": 2, "heads": 2, "hidden": 8}
ATTACKED = {"repair_steps": 1, "attack_samples": 4, "attack_steps": 1, "part_units": 4}
TINY = {
    "digits": DigitsConfig(**FEW, data="digits-8x8", certificate_steps=1, encoder_widths=(8,)),  # pyright: ignore[reportArgumentType]
    "unlearn": UnlearnConfig(**GPT, **ATTACKED),  # pyright: ignore[reportArgumentType]
    "scalar": ScalarConfig(**GPT),  # pyright: ignore[reportArgumentType]
}
ROW = dataclasses.replace(TINY["scalar"], method="routed-row")
EVERY = [
    dataclasses.replace(config, method=method)
    for config in TINY.values()
    for method in config.methods
]


def name_of(config: StudyConfig) -> str:
    return f"{config.study}-{config.method}"


@pytest.mark.parametrize("config", EVERY, ids=name_of)
def test_the_table_of_every_row_can_be_read(config: StudyConfig):
    text = task_of(config).identity()[TABLE]
    assert differing_cells(text, text) == []
    assert not differing_cells(text, f"{text}, more=1")[0].startswith("from character")


@pytest.mark.slow
@pytest.mark.parametrize("config", [*TINY.values(), ROW], ids=name_of)
def test_a_run_is_resumed_in_its_folder(config: StudyConfig, tmp_path: Path):
    whole = train_study(config, tmp_path / "run", progress=False)
    (tmp_path / "run" / "result.json").unlink()
    again = train_study(config, tmp_path / "run", resume=True, progress=False)
    pairs = zip(whole.model.parameters(), again.model.parameters(), strict=True)
    assert all(torch.equal(*pair) for pair in pairs)
    assert again.figures == whole.figures


@pytest.mark.slow
def test_a_sweep_over_topics_is_called_again_and_extended(tmp_path: Path):
    config = dataclasses.replace(TINY["unlearn"], method="routed-exact")
    configs = [dataclasses.replace(config, topics=topics) for topics in (("forest",), ("sea",))]
    assert len(sweep(configs, tmp_path, progress=False).trained) == 2
    more = dataclasses.replace(config, topics=("forest", "sea"))
    outcome = sweep([*configs, more], tmp_path, progress=False)
    assert (len(outcome.kept), len(outcome.trained)) == (2, 1)


def test_other_contents_under_the_same_path_are_another_run(tmp_path: Path):
    pytest.importorskip("tokenizers")
    file = tmp_path / "own.txt"

    def write(first: str) -> None:
        lines = [f"the {first if n % 3 == 0 else 'boat sails'} in year {n}" for n in range(150)]
        file.write_text("\n\n".join([*lines, "alone"]))

    write("tree grows")
    text = {"data": str(file), "topics": ("tree",), "context": 16, "vocabulary": 300}
    config = dataclasses.replace(TINY["unlearn"], **text, attack_samples=2)
    run = train_study(config, tmp_path / "run", progress=False)
    write("tree falls")
    with pytest.raises(InputError, match="contents: there"):
        train_study(config, tmp_path / "run", resume=True, progress=False)
    write("tree grows")
    assert train_study(config, tmp_path / "run", resume=True, progress=False).figures == run.figures


@pytest.mark.parametrize(
    ("study", "changes", "message"),
    [
        ("unlearn", {"topics": ("core",)}, "'core' would be taken for something else"),
        ("unlearn", {"topics": ("sea, wood",)}, "no comma with a space"),
        ("unlearn", {"context": 1}, "context=1 cannot be used: give a whole number from 2"),
        ("unlearn", {"data": "bible", "vocabulary": 256}, "give at least 257"),
        ("unlearn", {"documents": 1, "method": "told-everything", "seed": 17}, "leaves out all of"),
        ("scalar", {"context": 8}, "'squirrel' does nothing in 200 stories of 8 tokens"),
        ("digits", {"precision": 0.9}, "precision"),
    ],
)
def test_what_could_not_be_trained_is_refused_before_a_sweep_begins(
    study: str, changes: dict[str, Any], message: str, tmp_path: Path
):
    with pytest.raises(InputError, match=message):
        sweep([dataclasses.replace(TINY[study], **changes)], tmp_path / "out", progress=False)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("study", TINY)
def test_a_device_that_is_not_there_is_refused(study: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match="PyTorch finds no CUDA device here"):
        task_of(dataclasses.replace(TINY[study], device="cuda"))


def test_whoever_trains_the_other_kind_is_told_what_does(tmp_path: Path):
    with pytest.raises(InputError, match="DigitsConfig: train_study trains it"):
        train(TINY["digits"], tmp_path / "run")  # pyright: ignore[reportArgumentType, reportCallIssue]
    with pytest.raises(InputError, match="TrainConfig: train trains it"):
        train_study(routed_rl.TrainConfig(), tmp_path / "run")  # pyright: ignore[reportArgumentType]
    assert not (tmp_path / "run").exists()


def test_a_larger_budget_is_not_offered_where_it_is_another_run(tmp_path: Path):
    train_study(TINY["digits"], tmp_path, progress=False)
    longer = dataclasses.replace(TINY["digits"], steps=3)
    with pytest.raises(InputError, match="Give the same values, or another folder"):
        train_study(longer, tmp_path, resume=True, progress=False)


def test_a_file_has_the_words_of_the_command_that_reads_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    asked: list[StudyConfig] = []

    def swept(_: object, configs: list[StudyConfig], default: Path) -> None:
        asked.extend(configs)
        raise KeyboardInterrupt

    monkeypatch.setattr("routed_rl.cli.commands.study.StudySweep._swept", swept)
    file = tmp_path / "words.toml"
    file.write_text('preset = "demo"\nmethods = ["routed-emptied"]\ncertificate-steps = 7\n')
    assert main(["study", "digits", "--config", str(file)]) == 130
    expected = DigitsConfig.from_preset("demo", method="routed-emptied", certificate_steps=7)
    assert asked == [expected]
    assert main(["study", "unlearn", "--config", str(file)]) == 2
    assert "There is no setting 'certificate_steps'" in capsys.readouterr().err
    file.write_text('study = "digits"\n')
    assert main(["study", "unlearn", "--config", str(file)]) == 2
    assert "'digits' is another study than unlearn" in capsys.readouterr().err


def test_the_published_size_fits_into_a_large_gpu_and_the_fast_one_anywhere():
    published = ScalarConfig.from_preset("paper", device="cpu", documents=2000)
    size = task_of(published).size()
    assert size.bytes < 140e9, size.parts()
    size = task_of(ScalarConfig()).size()
    assert size.bytes < 1.2e9, size.parts()
    assert size.parts()["samples"] == 9000 * (2 * 8 * 64 + 100)


def rows_of(method: str, seeds: int, repaired: float, **changes: Any) -> list[dict[str, Any]]:
    """Finished runs with what they know, a thousandth more for each seed."""
    config = dataclasses.replace(TINY["unlearn"], method=method, **changes)
    return [
        {**json.loads(json.dumps(config.to_json())), "seed": seed, "run": f"{method}{seed}"}
        | {"repaired": repaired + seed / 1000, "other_repaired": 1.0}
        for seed in range(seeds)
    ]


def test_what_filtering_knows_is_that_of_the_same_seed_and_topics():
    rows = [
        *rows_of("filtered", 5, 0.7),
        *rows_of("inferred", 2, 0.9),
        *rows_of("inferred", 1, 2.0, topics=("sea", "farm")),
        *rows_of("inferred", 1, 0.9, oversight=0.1),
    ]
    found = with_above(Path(), rows)
    above = [row.get("above_filtered") for row in found]
    assert above == [None] * 5 + [pytest.approx(0.2)] * 2 + [None] * 2
    # In a search each is compared with the run of the same rate; constants of its own are free.
    rates = [{"learning_rate": 0.1}, {"learning_rate": 0.2}]
    rows = [
        *rows_of("filtered", 1, 0.7, **rates[0]),
        *rows_of("filtered", 1, 0.8, **rates[1]),
        *rows_of("inferred", 1, 0.9, **rates[1]),
    ]
    assert with_above(Path(), rows)[2]["above_filtered"] == pytest.approx(0.1)
    assert "above_filtered" not in with_above(Path(), [rows[0], *rows_of("inferred", 1, 0.9)])[0]


def test_of_many_rows_figures_show_those_that_do_best():
    rows = [
        row
        for number in range(20)
        for row in rows_of("inferred", 1, number / 10, learning_rate=(number + 1) / 100)
    ]
    shown = compare(rows, [], aim=STUDY_PAGES["unlearn"].aim).drawn
    assert len(shown) == 16
    assert min(min(series.scores("repaired")) for series in shown) == pytest.approx(0.4)


def test_a_study_is_planned_with_its_own_words():
    assert len(plan({"study": "scalar", "token": ["fox", "cow"], "seeds": 2})) == 4
