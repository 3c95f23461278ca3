"""What an overseer says of data: as much of the truth, and as much that is wrong, as he is told."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from routed_envs import InputError, Labels

FOREST, STORY, NOTHING = 0, 1, 2
NAMES = ("forest", "story")


def draws(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_shares_by_hand():
    """Eight of forest, twelve stories: half of the forest is four, of which 80% right are five."""
    truth = torch.tensor([FOREST] * 8 + [STORY] * 12)
    labels = Labels(NAMES, recall={"forest": 0.5, "story": 0.25}, precision={"forest": 0.8})
    said = labels.seen(truth, draws())
    assert (said[:8] == FOREST).sum() == 4
    assert (said[8:] == FOREST).sum() == 1
    assert (said[8:] == STORY).sum() == 3
    assert (said == NOTHING).sum() == 12
    assert labels.labels == ("forest", "story", "unlabelled")
    assert torch.equal(said, labels.seen(truth, draws()))
    assert not torch.equal(said, labels.seen(truth, draws(1)))


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.integers(0, 2), min_size=1, max_size=60),
    st.floats(0, 1),
    st.floats(0.5, 1),
    st.integers(0, 5),
)
def test_recall_and_precision_hold_to_a_label(
    kinds: list[int], recall: float, precision: float, seed: int
):
    truth = torch.tensor(kinds)
    labels = Labels(NAMES, recall=recall, precision={"forest": precision})
    try:
        said = labels.seen(truth, draws(seed))
    except InputError:
        reject()  # There are not enough others to be wrong about.
    for kind in (FOREST, STORY):
        right = ((said == kind) & (truth == kind)).sum()
        assert abs(int(right) - recall * int((truth == kind).sum())) <= 0.5
        wrong = ((said == kind) & (truth != kind)).sum()
        share = precision if kind == FOREST else 1.0
        assert abs(int(wrong) - int(right) * (1 - share) / share) <= 0.5


def test_tokens_are_labelled_one_by_one_and_documents_as_a_whole():
    truth = torch.tensor([[FOREST, NOTHING, FOREST], [STORY, STORY, NOTHING]] * 20)
    tokens = Labels(NAMES, recall=0.5, by="token").seen(truth, draws())
    assert (tokens == FOREST).sum() == 20
    assert ((tokens == FOREST).sum(1) == 1).any(), "a document of which one token has a label"
    documents = Labels(NAMES, recall=0.5, precision={"forest": 0.5}).seen(truth, draws())
    right = (documents == truth).all(1)
    assert (right & (truth[:, 0] == FOREST)).sum() == 10
    wrong = (documents == FOREST).all(1)
    assert wrong.sum() == 10
    assert (truth[wrong][:, 0] == STORY).all()
    assert (documents[~right & ~wrong] == NOTHING).all()


def test_hard_documents_are_missed_first():
    truth, difficulty = torch.zeros(100, dtype=torch.int64), torch.arange(100).float().flip(0)
    easiest = Labels(NAMES, recall=0.3, hardness=1.0).seen(truth, draws(), difficulty)
    assert (easiest[70:] == FOREST).all()
    some = Labels(NAMES, recall=0.3, hardness=0.5).seen(truth, draws(), difficulty)
    means = [float(difficulty[said == FOREST].mean()) for said in (easiest, some)]
    assert means[0] < means[1] < float(difficulty.mean())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"names": ()}, "each once"),
        ({"names": ("forest", "unlabelled")}, "none 'unlabelled'"),
        ({"names": ("forest", "forest")}, "each once"),
        ({"names": NAMES, "by": "word"}, "give 'document' or 'token'"),
        ({"names": NAMES, "recall": 1.5}, "recall of forest=1.5"),
        ({"names": NAMES, "recall": {"forrest": 0.5}}, "Did you mean 'forest'"),
        ({"names": NAMES, "precision": {"story": 0}}, "every label would be wrong"),
        ({"names": NAMES, "hardness": 2}, "hardness=2"),
    ],
)
def test_overseers_that_cannot_be_are_refused(options: dict[str, Any], message: str):
    with pytest.raises(InputError, match=message):
        Labels(**options)


def test_data_that_does_not_fit_is_refused():
    labels = Labels(NAMES)
    for truth, message in (
        (torch.zeros(3), "give int64"),
        (torch.zeros(0, dtype=torch.int64), "give int64"),
        (torch.tensor([0, 3]), "numbers from 0 to 3"),
        (torch.tensor([-1]), "numbers from -1"),
    ):
        with pytest.raises(InputError, match=message):
            labels.seen(truth, draws())
    truth = torch.zeros(3, dtype=torch.int64)
    with pytest.raises(InputError, match="give both or none"):
        labels.seen(truth, draws(), torch.zeros(3))
    with pytest.raises(InputError, match=r"shape \(2,\): give one number for each document"):
        Labels(NAMES, hardness=0.5).seen(truth, draws(), torch.zeros(2))
    with pytest.raises(InputError, match="1 wrong labels are needed, and there are 0"):
        Labels(NAMES, precision=0.5).seen(truth[:1], draws())
