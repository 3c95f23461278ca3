"""The study `scalar`: what the dial may learn, what turning it does, and what is found of it."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
import torch

from routed_envs import InputError
from routed_envs.data.stories import NUMBERS
from routed_rl import ScalarConfig, load_study, train_study
from routed_rl.cli.main import main
from routed_rl.studies.language.corpora import PAD
from routed_rl.studies.language.small_gpt import SmallGPT
from routed_rl.studies.scalar.dials import Dial, mean_difference
from routed_rl.studies.scalar.scalar_figures import AXIS, row_figures
from routed_rl.studies.scalar.scalar_task import ScalarTask

TINY = ScalarConfig(
    documents=200,
    steps=12,
    batch_size=8,
    learning_rate=1e-2,
    width=8,
    layers=2,
    heads=2,
    hidden=12,
    device="cpu",
)


def network(tied: bool = True) -> SmallGPT:
    """A small one with weights of its own."""
    torch.manual_seed(0)
    return SmallGPT(9, 6, 8, 2, 2, 4, tied=tied)


@pytest.mark.slow
def test_before_the_word_blocks_learn_through_the_dial_alone():
    def taught(method: str, is_word: bool) -> torch.Tensor:
        task = ScalarTask(dataclasses.replace(TINY, method=method))
        # Every place is labelled alike, whatever comes next.
        task.labels = torch.full_like(task.labels, 0 if is_word else 2)
        state = task.start()
        task.step(state)
        down = dict(state.model.named_parameters())["blocks.1.mlp.down.weight"].grad
        assert down is not None
        return down.any(1)

    only_dial = [dimension == AXIS for dimension in range(TINY.width)]
    assert taught("routed", is_word=True).tolist() == only_dial
    assert taught("routed", is_word=False).all()
    assert taught("unrouted", is_word=True).all()


@pytest.mark.parametrize("tied", [False, True])
def test_a_row_may_learn_through_the_dial_alone(tied: bool):
    task = ScalarTask(dataclasses.replace(TINY, method="routed-row", tied=tied))
    # Nobody reads the word, so that only what is said of it teaches its row.
    task.training[task.training == task.word] = NUMBERS["ben"]
    state = task.start()
    task.step(state)
    rows = state.model.rows
    assert isinstance(rows, torch.Tensor)
    assert rows.grad is not None
    assert rows.grad[task.word, AXIS] != 0
    assert not rows.grad[task.word, AXIS + 1 :].any()
    assert rows.grad[NUMBERS["anna"]].all()


def test_tied_networks_read_with_the_vectors_of_their_tokens():
    tied = network()
    assert tied.rows is tied.tokens.weight
    own = network(tied=False)
    own.load_state_dict({**tied.state_dict(), "head.weight": tied.rows})
    tokens = torch.randint(1, 9, (2, 5))
    assert torch.equal(own(tokens), tied(tokens))


@torch.no_grad()
def test_turning_a_dial_is_adding_to_the_stream():
    model = network()
    tokens = torch.tensor([[1, 2, 3, 4], [5, 6, 7, PAD]])
    dial = Dial.of(model, 1, tokens, strength=2.0)
    lengths = model.stream(tokens, 1).norm(dim=-1)
    assert dial.size == pytest.approx(2 * float((lengths.sum() - lengths[1, 3]) / 7))
    direction = torch.zeros(8)
    still = model(tokens).softmax(-1)[tokens != PAD].mean(0)
    assert dial.turned(direction, [3, 4]) == pytest.approx(still[[3, 4]].tolist())
    direction[5] = -3.0
    added = -dial.size * torch.eye(8)[5]

    def add(module: object, given: object, out: torch.Tensor) -> torch.Tensor:
        return out + added

    hook = model.blocks[0].register_forward_hook(add)
    by_hand = model(tokens).softmax(-1)[tokens != PAD].mean(0)
    hook.remove()
    assert dial.turned(direction, [3]) == pytest.approx([float(by_hand[3])])
    both = [dial.turned(sign * direction, [3])[0] for sign in (1, -1)]
    assert dial.best_sign(direction, 3) == max(both)


@torch.no_grad()
def test_the_mean_difference_by_hand():
    model = network()
    tokens = torch.tensor([[1, 3, 2, 3], [5, 6, 3, PAD]])
    stream = model.stream(tokens, 1)
    before = (stream[0, 0] + stream[0, 2] + stream[1, 1]) / 3
    others = (stream[0, 1] + stream[1, 0]) / 2
    torch.testing.assert_close(mean_difference(model, 1, tokens, 3), before - others)


def test_stories_are_drawn_from_the_network():
    model = network()
    dial = Dial.of(model, 1, torch.tensor([[1, 2, 3]]), strength=1.0)
    still = torch.zeros(8)
    told = dial.said(still, [1, 2], 6, torch.Generator().manual_seed(0))
    assert told[:2] == [1, 2]
    assert 2 <= len(told) <= 6
    assert PAD not in told
    assert told == dial.said(still, [1, 2], 6, torch.Generator().manual_seed(0))
    # A push that outweighs everything leaves one word, the only one whose row points that way.
    with torch.no_grad():
        model.rows[:, 5] = 0.0
        model.rows[4, 5] = 50.0
    pushed = 1e4 * torch.eye(8)[5]
    assert set(dial.said(pushed, [1, 2], 6, torch.Generator().manual_seed(0))[2:]) == {4}


@torch.no_grad()
def test_ranks_of_rows():
    model = network()
    model.rows.copy_(torch.ones(9, 8))
    model.rows[4, AXIS] = -20.0
    model.rows[5, AXIS] = 9.0
    model.rows[PAD, AXIS] = 99.0
    assert row_figures(model, 4)["rank"] == 1, "neither the sign counts nor what fills up"
    found = row_figures(model, 5)
    assert found == pytest.approx({"rank": 2, "cosine": 9 / (81 + 7) ** 0.5})


@pytest.mark.slow
def test_a_finished_run_and_its_twin_have_one_start(tmp_path: Path):
    runs = {
        method: train_study(
            dataclasses.replace(TINY, method=method), tmp_path / method, progress=False
        )
        for method in TINY.methods
    }
    starts = {run.summary["start_cosine"] for run in runs.values()}
    assert len(starts) == 1
    routed, unrouted = runs["routed"], runs["unrouted"]
    assert routed.labels == unrouted.labels > 0
    assert routed.summary["cosine"] != unrouted.summary["cosine"]
    dials, turns = routed.figures["dials"], routed.figures["turns"]
    assert turns["1"]["word"] == dials["axis"] >= turns["-1"]["word"]
    assert dials["lift"] == pytest.approx(dials["axis"] / dials["still"])
    again = load_study(routed.folder).model
    assert isinstance(again, SmallGPT)
    assert torch.equal(again.rows, routed.model.state_dict()["head.weight"])


def test_what_cannot_be_is_refused():
    with pytest.raises(InputError, match="Did you mean 'fox'"):
        ScalarTask(dataclasses.replace(TINY, token="foxx"))


@pytest.mark.slow
def test_the_users_path_to_the_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    values = TINY.to_json()
    names = ("documents", "steps", "batch_size", "width", "layers", "heads", "hidden")
    small = [word for name in names for word in ("--" + name.replace("_", "-"), str(values[name]))]
    out = tmp_path / "study"
    words = ["study", "scalar", *small, "--token", "fox", "--methods", "routed", "unrouted"]
    words += ["--device", "cpu", "--out", str(out)]
    assert main(words) == 0
    assert "best other axis" in capsys.readouterr().out
    page = (out / "report" / "report.html").read_text()
    assert "Turning the dial" in page
    assert "one morning anna went to the" in page
    assert main([*words, "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)["figures"]
    twin = {row["series"]: row["mean"] for row in figures if row["figure"] == "twin_difference"}
    alone = {row["series"]: row["mean"] for row in figures if row["figure"] == "difference"}
    assert twin["routed"] == alone["unrouted"]
