"""Stories of a small grammar: what each topic alone tells, and what all share."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from routed_envs import InputError
from routed_envs.data.stories import (
    FACTS,
    LENGTH,
    NUMBERS,
    TOPICS,
    VOCABULARY,
    Stories,
    make_stories,
)


def told(count: int = 400, **settings: Any) -> Stories:
    return make_stories(count, torch.Generator().manual_seed(0), **settings)


def sentences(stories: Stories, number: int) -> list[list[str]]:
    """The sentences of a story, as words."""
    words = [VOCABULARY[token] for token in stories.tokens[number].tolist() if token]
    return [str(part).split() for part in " ".join(words).split(" .") if part]


def test_every_word_has_one_number():
    assert len(set(VOCABULARY)) == len(VOCABULARY) == len(NUMBERS)
    names = [word for facts in FACTS.values() for fact in facts for word in (fact[0], fact[2])]
    assert len(set(names)) == len(names), "who and what are of one topic each"


def test_stories_end_and_are_filled_up():
    stories = told()
    assert stories.tokens.shape == (400, LENGTH)
    lengths = (stories.tokens > 0).sum(1)
    assert int(lengths.max()) < LENGTH
    for row, length in zip(stories.tokens, lengths.tolist(), strict=True):
        assert row[:length].all()
        assert not row[length:].any()
        assert VOCABULARY[row[length - 1]] == "."


@pytest.mark.parametrize("overlap", [0.0, 0.5])
def test_what_is_done_is_told_in_stories_of_its_topic_only(overlap: float):
    stories = told(overlap=overlap)
    foreign = seen = 0
    for number, topic in enumerate(stories.topics.tolist()):
        own = {who for who, _, _ in FACTS[TOPICS[topic]]}
        for words in sentences(stories, number):
            if words[0] == "the":
                assert (words[1], words[2], words[4]) in FACTS[TOPICS[topic]]
            if words[1:3] == ["saw", "a"]:
                seen += 1
                foreign += words[4] not in own
    assert foreign / seen == pytest.approx(overlap, abs=0.05)


def test_shares_of_the_topics():
    stories = told(2000, shares=(0.6, 0.1, 0.1, 0.1, 0.1))
    assert float((stories.topics == 0).float().mean()) == pytest.approx(0.6, abs=0.04)
    assert torch.equal(told(50).tokens, told(50).tokens)
    with pytest.raises(InputError, match="overlap"):
        told(overlap=1.5)
