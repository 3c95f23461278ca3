"""Stories of a small grammar, in five topics: the truth about every story and word is known.

Figures that were made with them should say that they are synthetic. They are learnt in seconds, and
whatever a network knows of a topic can be told from what it knows of the language.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch

from routed_envs.errors import check_probability

T = TypeVar("T")
PAD = "-"
"""Fills the end of a story."""
NAMES = ["anna", "ben", "clara", "david", "emma", "felix", "greta", "hugo", "ida", "jonas"]
MOODS = ["happy", "sad", "tired", "brave", "curious", "hungry"]
LOOKS = ["small", "big", "old", "young", "quiet", "wild"]
TIMES = ["morning", "evening", "day", "night"]
PLACES = {
    "forest": ["forest", "grove", "thicket", "glade"],
    "sea": ["beach", "harbour", "reef", "island"],
    "farm": ["farm", "barn", "meadow", "stable"],
    "kitchen": ["kitchen", "pantry", "bakery", "cellar"],
    "town": ["town", "market", "square", "station"],
}
"""The topics, each with the places where its stories happen."""
FACTS = {
    "forest": (
        ("oak", "shades", "moss"), ("owl", "watches", "ferns"), ("fox", "hides", "cones"),
        ("deer", "nibbles", "bark"), ("squirrel", "buries", "acorns"), ("badger", "digs", "roots"),
        ("beetle", "climbs", "twigs"), ("ranger", "marks", "trunks"),
    ),
    "sea": (
        ("crab", "pinches", "weed"), ("whale", "swallows", "shrimps"), ("gull", "steals", "fish"),
        ("sailor", "ties", "ropes"), ("diver", "finds", "pearls"), ("seal", "chases", "herrings"),
        ("wave", "carries", "shells"), ("captain", "reads", "charts"),
    ),
    "farm": (
        ("cow", "chews", "hay"), ("hen", "lays", "eggs"), ("farmer", "sows", "wheat"),
        ("goat", "breaks", "fences"), ("pig", "rolls", "turnips"), ("horse", "pulls", "carts"),
        ("dog", "guards", "lambs"), ("tractor", "turns", "furrows"),
    ),
    "kitchen": (
        ("cook", "stirs", "soup"), ("baker", "kneads", "dough"), ("oven", "browns", "crusts"),
        ("knife", "slices", "onions"), ("kettle", "boils", "tea"), ("mouse", "tastes", "cheese"),
        ("grandmother", "peels", "apples"), ("spoon", "measures", "sugar"),
    ),
    "town": (
        ("tram", "crosses", "bridges"), ("painter", "paints", "doors"), ("tailor", "sews", "coats"),
        ("clerk", "stamps", "letters"), ("postman", "rings", "bells"), ("cat", "naps", "roofs"),
        ("mayor", "opens", "fairs"), ("clock", "strikes", "hours"),
    ),
}  # fmt: skip
"""What only stories of a topic tell: who does what to what."""
TOPICS = tuple(FACTS)
GLUE = ("one", "went", "to", "the", "saw", "a", "was", "then", "home", "again", ".")
VOCABULARY = (
    PAD,
    *GLUE,
    *NAMES,
    *MOODS,
    *LOOKS,
    *TIMES,
    *(word for places in PLACES.values() for word in places),
    *dict.fromkeys(word for facts in FACTS.values() for fact in facts for word in fact),
)
"""Every word, by its number; 0 is no word."""
LENGTH = 64
"""Words of a story; a shorter one is filled up."""
SENTENCES = 6
HEROES = 0.5
"""So often a sentence is of the story's hero, so that who was met is met again."""
NUMBERS = {word: number for number, word in enumerate(VOCABULARY)}


@dataclass(frozen=True)
class Stories:
    """Stories as numbers of words.

    Attributes:
        tokens: int64 [N, LENGTH], numbers of `VOCABULARY`.
        topics: int64 [N], the topic of each story, a number of `TOPICS`.
    """

    tokens: torch.Tensor
    topics: torch.Tensor

    def __len__(self) -> int:
        return len(self.topics)


def make_stories(
    count: int,
    generator: torch.Generator,
    shares: Sequence[float] | None = None,
    overlap: float = 0.0,
) -> Stories:
    """Tell stories.

    Each tells who went where, and what is there: one of the topic in half of its sentences. Whoever
    is only seen may be of another topic; what they do is told in stories of their own topic only.

    Args:
        count: How many.
        generator: Draws them, on the CPU.
        shares: Of each topic among them, equal if None.
        overlap: The probability that somebody who is only seen is of another topic, 0 to 1.
    """
    check_probability("overlap", overlap)
    weights = torch.tensor(shares or [1.0] * len(TOPICS))
    topics = torch.multinomial(weights, count, replacement=True, generator=generator)
    draw = _Draw(generator)
    tokens = torch.zeros(count, LENGTH, dtype=torch.int64)
    for number, topic in enumerate(topics.tolist()):
        words = _story(TOPICS[topic], draw, overlap)[:LENGTH]
        tokens[number, : len(words)] = torch.tensor([NUMBERS[word] for word in words])
    return Stories(tokens, topics)


class _Draw:
    """Draws one of several things; its numbers come in blocks, which is faster."""

    def __init__(self, generator: torch.Generator) -> None:
        self._generator = generator
        self._numbers: list[float] = []

    def number(self) -> float:
        """From 0 to 1, without 1."""
        if not self._numbers:
            self._numbers = torch.rand(4096, generator=self._generator).tolist()
        return self._numbers.pop()

    def one(self, things: Sequence[T]) -> T:
        """One of them, each as likely."""
        return things[int(self.number() * len(things))]


def _story(topic: str, draw: _Draw, overlap: float) -> list[str]:
    name, mood = draw.one(NAMES), draw.one(MOODS)
    words = f"one {draw.one(TIMES)} {name} went to the {draw.one(PLACES[topic])} .".split()
    hero = draw.one(FACTS[topic])
    for _ in range(SENTENCES):
        who, does, what = hero if draw.number() < HEROES else draw.one(FACTS[topic])
        form = draw.number()
        if form < 0.5:
            words += ["the", who, does, "the", what, "."]
        elif form < 0.9:
            if draw.number() < overlap:
                other = draw.one([other for other in TOPICS if other != topic])
                who = draw.one(FACTS[other])[0]
            words += [name, "saw", "a", draw.one(LOOKS), who, "."]
        else:
            words += [name, "was", mood, "."]
    return [*words, *["then"], name, "went", "home", "again", "."]
