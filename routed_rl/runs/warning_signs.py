"""What a run warns of while it trains, each once, by what its overseer can see."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from routed_agents.methods.responsibilities import lost_touch

LONG, LONG_SHARE = 50, 0.1
"""A wanted ending was long without a label after so many updates, and such a share of the run."""
SETTLED = 100
"""Before so many updates nothing else is judged, and not before these shares of the run."""
EXPERTS_SHARE, GATE_SHARE, BELIEF_SHARE = 0.5, 0.75, 0.75
"""Experts and gates are alike at first in every run, and sound beliefs are too sure for a while."""
ALIKE = 0.005
"""Experts, or what a gate says of several observations, are alike below this share of what could
tell them apart. Untrained ones have 0.001, sound runs had 0.2 and 0.1 or more when so far on."""
LOST_TOUCH = "lost touch"
EXPERTS_ALIKE = (
    "The experts act alike: an action tells {divergence:.2%} of what it could of who took it, so "
    "steering changes next to nothing. Give more oversight, or more updates."
)
GATE_ALIKE = (
    "The gate says the same whatever it sees, so it foretells nothing. Give more oversight, of "
    "every target that an episode can end on, or more updates."
)
BELIEF_LOST = (
    "The belief has lost touch: it is sure of what the labels contradict. Do not deploy this "
    "policy; give more oversight, or look for wrong labels."
)


@dataclass(frozen=True)
class RunWarning:
    """What a run warned of while it trained.

    Attributes:
        name: `no label of ...`, `experts alike`, `gate alike` or `lost touch`.
        update: After which it was seen.
        words: What was seen, and what to do.

    Raises:
        TypeError: A damaged file holds something else.
    """

    name: str
    update: int
    words: str

    def __post_init__(self) -> None:
        if [type(part) for part in dataclasses.astuple(self)] != [str, int, str]:
            raise TypeError(f"{self} is no warning")

    @property
    def sentence(self) -> str:
        """The words, and when."""
        return f"Warning at update {self.update:,}: {self.words}"


@dataclass
class Noted:
    """What a run keeps of its labels, and what it warned of; a part of its state.

    Attributes:
        labels: How many the overseer gave, of each target.
        last: After which update the last one of each came; at first when counting began.
        warnings: What was warned of, in the order of the updates.
    """

    labels: dict[str, int] = field(default_factory=dict)
    last: dict[str, int] = field(default_factory=dict)
    warnings: list[RunWarning] = field(default_factory=list)

    @classmethod
    def of(cls, targets: Iterable[str], update: int = 0) -> Self:
        """Nothing yet, after an update."""
        return cls(dict.fromkeys(targets, 0), dict.fromkeys(targets, update))

    def count(self, labels: Mapping[str, int], update: int) -> None:
        """Take in how many episodes had each label in the rollout of an update."""
        for target in self.labels:
            if labels[target]:
                self.labels[target] += labels[target]
                self.last[target] = update

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return dataclasses.asdict(self)

    @classmethod
    def resumed(cls, content: Mapping[str, Any], fresh: Noted) -> Noted:
        """The record in a checkpoint; one of before it existed begins to count where it stands.

        Args:
            content: The checkpoint's.
            fresh: That of a new run.

        Raises:
            ValueError: It is of other targets.
        """
        if "noted" not in content:
            return cls.of(fresh.labels, content["update"])
        kept = content["noted"]
        if not fresh.labels.keys() == kept["labels"].keys() == kept["last"].keys():
            raise ValueError(f"its labels are {kept['labels']}")
        return cls(kept["labels"], kept["last"], [RunWarning(**w) for w in kept["warnings"]])

    def warn(self, entry: Mapping[str, Any], wanted: Iterable[str]) -> list[RunWarning]:
        """What there is to warn of that was not warned of before; it is noted.

        Args:
            entry: A line of the log, of the update that was just taken.
            wanted: The endings that have to have labels now and then.
        """
        said = {warning.name for warning in self.warnings}
        seen = signs(entry, {target: self.last[target] for target in wanted})
        new = [
            RunWarning(name, entry["update"], words)
            for name, words in seen.items()
            if name not in said
        ]
        self.warnings += new
        return new

    def concluded(self, belief: Mapping[str, Any] | None, update: int) -> list[dict[str, Any]]:
        """The warnings of a finished run as plain values; a belief has the last word.

        Args:
            belief: As `described_belief` gives it.
            update: The last.
        """
        said = {warning.name for warning in self.warnings}
        if belief and belief["lost_touch"] and LOST_TOUCH not in said:
            self.warnings.append(RunWarning(LOST_TOUCH, update, BELIEF_LOST))
        return self.to_json()["warnings"]


def signs(entry: Mapping[str, Any], last: Mapping[str, int]) -> dict[str, str]:
    """What is wrong by a line of a run's log, by name and in words.

    Args:
        entry: The line, with `update` and `updates`, and the groups `experts` and `belief`, which
            may be None.
        last: The update of the last label, by wanted ending.
    """
    update, updates = entry["update"], entry["updates"]
    found: dict[str, str] = {}
    for target, when in last.items():
        if update - when >= max(LONG, LONG_SHARE * updates):
            found[f"no label of {target}"] = (
                f"No label of {target} came in the last {update - when:,} updates, so that nothing "
                "tells which endings those are. Give more oversight, or look whether episodes end "
                "there at all."
            )
    experts, belief = entry["experts"] or {}, entry["belief"]
    if _is_late(update, updates, EXPERTS_SHARE) and experts.get("divergence", 1.0) < ALIKE:
        found["experts alike"] = EXPERTS_ALIKE.format(**experts)
    if _is_late(update, updates, GATE_SHARE) and experts.get("gate_information", 1.0) < ALIKE:
        found["gate alike"] = GATE_ALIKE
    if belief and _is_late(update, updates, BELIEF_SHARE) and lost_touch(belief):
        found[LOST_TOUCH] = BELIEF_LOST
    return found


def _is_late(update: int, updates: int, share: float) -> bool:
    return update >= max(SETTLED, share * updates)


def read_warnings(result: Mapping[str, Any]) -> tuple[RunWarning, ...]:
    """What a finished run warned of, from its `result.json`, an earlier version's too."""
    if "warnings" in result:
        return tuple(RunWarning(**warning) for warning in result["warnings"])
    if (result.get("belief") or {}).get("lost_touch"):
        return (RunWarning(LOST_TOUCH, result["updates"], BELIEF_LOST),)
    return ()
