"""The study `digits`: what a label teaches, what is erased, and a user's path to the page."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
import torch

import routed_rl
from routed_envs import InputError
from routed_rl import DigitsConfig, load_study, train_study
from routed_rl.cli.main import main
from routed_rl.studies.digits.digits_figures import erased, summarised
from routed_rl.studies.digits.digits_methods import DIGITS_METHODS
from routed_rl.studies.digits.digits_task import DigitsTask, correlation
from routed_rl.studies.digits.split_autoencoder import SplitAutoencoder
from routed_rl.studies.study_state import StudyState
from routed_rl.studies.study_task import denormals_flushed

DEMO = DigitsConfig.from_preset("demo", device="cpu")
TINY = dataclasses.replace(
    DEMO, steps=3, certificate_steps=2, batch_size=16, encoder_widths=(8,), code_size=4
)


def words_of(config: DigitsConfig, *names: str) -> list[str]:
    """The options of the command line that say the same, of some settings."""
    values = config.to_json()
    words: list[str] = []
    for name in names:
        value = values[name]
        text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
        words += ["--" + name.replace("_", "-"), text]
    return words


METHODS = ("filtered", "unrouted-no-penalties")
# Large enough for a code that lives.
LIVING = dataclasses.replace(
    DEMO, steps=200, certificate_steps=20, batch_size=64, encoder_widths=(32,), code_size=8
)
SMALL = words_of(LIVING, "steps", "certificate_steps", "batch_size", "encoder_widths", "code_size")


def gradients(method: str, label: int, **changes: float) -> torch.Tensor:
    """How the last layer of the encoder learns from images of one label, [halves]."""
    config = dataclasses.replace(TINY, method=method, **changes)
    task = DigitsTask(config)
    task.labels[:] = label
    state = task.start()
    state.optimizer = torch.optim.SGD(state.model.parameters(), lr=1.0)
    before = [weight.detach().clone() for weight in state.model.parameters()]
    task.update(state)
    assert isinstance(state.model, SplitAutoencoder)
    last = [name for name, _ in state.model.named_parameters()].index("encoder.2.weight")
    change = list(state.model.parameters())[last].detach() - before[last]
    return torch.stack([change[:2].abs().sum(), change[2:].abs().sum()])


@pytest.mark.parametrize(
    ("method", "taught"),
    [
        ("routed-no-penalties", [(True, False), (False, True), (True, True)]),
        ("routed-no-penalties-two-decoders", [(True, False), (False, True), (True, True)]),
        ("unrouted-no-penalties", [(True, True)] * 3),
        ("filtered", [(False, False), (True, True), (True, True)]),
    ],
)
def test_an_image_teaches_the_halves_that_its_label_leaves_open(
    method: str, taught: list[tuple[bool, bool]]
):
    for label, halves in enumerate(taught):
        found = gradients(method, label)
        assert [bool(change != 0) for change in found] == list(halves), label


def test_low_images_teach_both_halves_where_only_the_other_way_is_closed():
    low, high = (
        gradients("routed-one-way", label, sparsity=0.0, correlation=0.0) for label in (0, 1)
    )
    assert (low > 0).all()
    assert high[0] == 0
    assert high[1] > 0


def test_a_label_empties_the_half_that_it_closes():
    task = DigitsTask(dataclasses.replace(TINY, method="routed-emptied"))
    assert task._closed(torch.tensor([0, 1, 2])).tolist() == [[0, 1, 0], [1, 0, 0]]


def test_each_label_weighs_the_same():
    """Three low images and one high one: the published loss adds a mean over each group."""
    task = DigitsTask(TINY)
    weights = task._weights(torch.tensor([0, 0, 0, 1]))
    torch.testing.assert_close(weights, torch.tensor([[1 / 3, 1 / 3, 1 / 3, 1.0]]))
    # Half of them without a label: all together still weigh 2.
    weights = task._weights(torch.tensor([0, 1, 2, 2]))
    torch.testing.assert_close(weights, torch.tensor([[0.5, 0.5, 0.5, 0.5]]))
    two = DigitsTask(dataclasses.replace(TINY, method="routed-two-decoders"))
    weights = two._weights(torch.tensor([0, 1, 2, 2]))
    torch.testing.assert_close(weights, torch.tensor([[0.5, 0, 0.25, 0.25], [0, 0.5, 0.25, 0.25]]))
    left = DigitsTask(dataclasses.replace(TINY, method="filtered"))
    torch.testing.assert_close(left._weights(torch.tensor([0, 1])), torch.tensor([[0.0, 1.0]]))


def test_the_correlation_of_codes_by_hand():
    network = SplitAutoencoder(4, (2,), 4, 1)
    codes = torch.tensor([[0.0, 1.0, 0.0, 5.0], [1.0, 0.0, 2.0, 5.0], [2.0, 1.0, 4.0, 5.0]])
    # The first and the third rise together; sums over 3 images, deviations over 2 of them. The
    # second turns, so it goes with nothing, and the fourth never changes.
    expected = (2 / 3 + 0 + 0 + 0) / 4
    assert float(correlation(network, codes)) == pytest.approx(expected, abs=1e-5)


def test_what_is_erased_by_hand():
    figures: dict[str, Any] = {
        "decoder": {"absolute": [0.1] * 5 + [0.2] * 5, "squared": [0.0] * 10},
        "low": {"absolute": [0.1] * 5 + [0.4] * 5, "squared": [0.0] * 10},
        "high": {"absolute": [0.25] * 5 + [0.25] * 5, "squared": [0.3] * 5 + [0.1] * 5},
        "constant": {"absolute": [0.3] * 5 + [0.4] * 5, "squared": [0.5] * 10},
    }
    assert erased(figures, "low", "low", figures["decoder"]) == 0
    assert erased(figures, "low", "high", figures["decoder"]) == 1
    assert erased(figures, "high", "low", figures["decoder"]) == pytest.approx(0.75)
    assert erased(figures, "high", "high", figures["decoder"]) == pytest.approx(0.25)
    found = summarised(figures, DIGITS_METHODS["routed"])
    assert found["erased_own"] == pytest.approx(0.125)
    assert found["erased_foreign"] == pytest.approx(0.875)
    assert found["contrast"] == pytest.approx(0.75)
    assert (found["own"], found["foreign"]) == (0.25, 0.25)
    assert (found["own_squared"], found["foreign_squared"]) == (0.1, 0.3)
    assert (found["decoder"], found["constant"]) == pytest.approx((0.15, 0.35))
    one = summarised(figures, DIGITS_METHODS["routed-one-way"])
    assert one["contrast"] == pytest.approx(0.5), "the high half alone has digits of its own"
    dead = figures | {"decoder": {"absolute": [0.1] * 5 + [0.4] * 5, "squared": [0.0] * 10}}
    assert summarised(dead, DIGITS_METHODS["routed"])["contrast"] is None, "nothing to erase"
    left = summarised(figures, DIGITS_METHODS["filtered"])
    assert left["contrast"] is None, "its decoder never learned the digits that it leaves out"
    assert summarised(figures, DIGITS_METHODS["filtered"], figures["decoder"])["contrast"] == (
        pytest.approx(0.5)
    )


def test_hidden_numbers_change_nothing_of_the_training():
    def trained(shuffled: bool) -> StudyState:
        task = DigitsTask(dataclasses.replace(TINY, oversight=0.3))
        labels = task.labels.clone()
        if shuffled:
            hidden = (labels == 2).nonzero()[:, 0]
            numbers = task.training.numbers.clone()
            numbers[hidden] = numbers[hidden].roll(7)
            task._data = (dataclasses.replace(task.training, numbers=numbers), task._data[1])
        state = task.start()
        for _ in range(task.updates):
            task.update(state)
        return state

    pairs = zip(trained(False).weights(), trained(True).weights(), strict=True)
    assert all(torch.equal(*pair) for pair in pairs)


def test_labels_are_as_many_as_said_and_as_right():
    task = DigitsTask(dataclasses.replace(TINY, oversight=0.5, precision=0.9))
    truth = (task.training.numbers >= 5).long()
    said = task.labels < 2
    assert float((task.labels[said] == truth[said]).float().mean()) == pytest.approx(0.9, abs=0.02)
    right = float((task.labels == truth).float().mean())
    assert right == pytest.approx(0.5, abs=0.01)
    assert sum(task.noted().labels.values()) == int(said.sum())


@pytest.mark.parametrize("stopped", [2, 4])
def test_a_resumed_run_ends_in_the_same_bits(tmp_path: Path, stopped: int):
    whole = train_study(TINY, tmp_path / "whole", progress=False)
    task = DigitsTask(TINY)
    state = task.start()
    for _ in range(stopped):
        task.update(state)
    other = DigitsTask(TINY).start()
    content = json.loads(json.dumps(state.update))  # The update's number, and the rest below.
    other.load_state_dict(state.state_dict())
    assert other.update == content == stopped
    for _ in range(task.updates - stopped):
        task.update(other)
    for name, weight in whole.model.state_dict().items():
        assert torch.equal(weight, other.model.state_dict()[name]), name


def test_certificates_change_nothing_that_they_try():
    task = DigitsTask(TINY)
    state = task.start()
    for _ in range(TINY.steps):
        task.update(state)
    before = {name: weight.clone() for name, weight in state.model.state_dict().items()}
    task.update(state)
    changed = {
        name
        for name, weight in state.model.state_dict().items()
        if not torch.equal(weight, before[name])
    }
    assert changed == {name for name in before if name.startswith("certificates.")}


def test_denormal_numbers_are_flushed_inside_only():
    tiny = torch.tensor([1e-39])
    with denormals_flushed():
        assert float(tiny * 1.0) == 0.0
        with denormals_flushed():
            pass
        assert float(tiny * 1.0) == 0.0
    assert float(tiny * 1.0) > 0.0


@pytest.mark.slow
def test_halves_split_where_images_are_routed(tmp_path: Path):
    contrast: dict[str, float] = {}
    for method in ("routed", "unrouted", "routed-emptied"):
        config = dataclasses.replace(DEMO, method=method, steps=600, certificate_steps=200)
        found = train_study(config, tmp_path / method, progress=False).summary["contrast"]
        assert found is not None
        contrast[method] = found
    assert contrast["routed"] > 0.4
    assert contrast["routed-emptied"] > 0.7
    assert abs(contrast["unrouted"]) < 0.15


@pytest.mark.slow
def test_the_users_path_to_the_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    out = tmp_path / "study"
    words = ["study", "digits", "--preset", "demo", *SMALL, "--device", "cpu", "--out", str(out)]
    words += ["--methods", *METHODS]
    assert main(words) == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in ("filtered", "unrouted", "contrast"))
    page = (out / "report" / "report.html").read_text()
    assert "Digits, rebuilt from each half" in page
    assert "0.09 | 0.08" in page
    # What is left out is judged by the decoder of another run.
    erased_rows = (out / "report" / "figures" / "erased.csv").read_text().splitlines()
    assert sum(row.startswith("filtered,1.0,erased_foreign") for row in erased_rows) == 1
    figures = {path.name for path in (out / "report" / "figures").iterdir()}
    assert {"split.svg", "erased.csv", "errors.csv", "rebuilt_0.png", "rebuilt_1.csv"} <= figures
    # The same again trains nothing; the report can be made by itself, and its figures as JSON.
    assert main([*words, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["planned"], len(told["kept"]), told["trained"]) == (2, 2, [])
    assert {row["figure"] for row in told["figures"]} >= {"contrast", "own", "foreign", "decoder"}
    assert main(["report", str(out)]) == 0
    assert main(["status", str(out)]) == 0
    assert "2 of 2 finished" in capsys.readouterr().out
    rows = routed_rl.load_results(out)
    assert [row["method"] for row in rows] == list(METHODS)
    assert rows[0]["told"] == "labels"
    assert routed_rl.load_curves(out) == []


def test_without_a_word_a_study_is_all_of_its_rows(monkeypatch: pytest.MonkeyPatch):
    asked: list[DigitsConfig] = []

    def swept(_: object, configs: list[DigitsConfig], default: Path) -> None:
        asked.extend(configs)
        assert default == Path("studies/digits")
        raise KeyboardInterrupt

    monkeypatch.setattr("routed_rl.cli.commands.study.StudySweep._swept", swept)
    assert main(["study", "digits"]) == 130
    assert asked == [DigitsConfig(method=method) for method in DIGITS_METHODS]


def test_what_is_no_study_and_what_is_no_policy_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    run = tmp_path / "run"
    trained = train_study(TINY, run, progress=False)
    assert load_study(run).figures == trained.figures
    with pytest.raises(InputError, match="load_study reads it"):
        routed_rl.load_run(run)
    for command in ("evaluate", "render", "explore"):
        assert main([command, str(run)]) == 2
        assert "which trains a network and no policy" in " ".join(capsys.readouterr().err.split())
    assert main(["train", "--config", str(run / "config.json")]) == 2
    assert "routed-rl study digits --help" in " ".join(capsys.readouterr().err.split())
    assert main(["study", "digit"]) == 2
    assert "Did you mean 'digits'?" in capsys.readouterr().err
    assert main(["study", "digits", "--methods", "route"]) == 2
    assert "Did you mean 'routed'?" in capsys.readouterr().err
    with pytest.raises(InputError, match="There is no study 'words'"):
        routed_rl.plan({"study": "words"})
    with pytest.raises(InputError, match="code_size=3 cannot be used: give an even number"):
        DigitsConfig(code_size=3)
    model = run / "model.safetensors"
    model.write_bytes(model.read_bytes()[:-9])
    with pytest.raises(InputError, match="is no network that a study saved, or it is damaged"):
        load_study(run)


def test_a_study_and_policies_in_one_sweep_are_told_apart(tmp_path: Path):
    from helpers import TINY as POLICY

    out = tmp_path / "mixed"
    routed_rl.sweep([TINY, POLICY], out, progress=False)
    with pytest.raises(InputError, match="runs of several kinds: digits, policies"):
        routed_rl.write_sweep_report(out)
