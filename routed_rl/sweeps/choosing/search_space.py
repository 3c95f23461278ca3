"""What a search may change, ranges and lists of settings, and what every run of it has."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from routed_envs.errors import InputError, shown
from routed_rl.any_config import AnyConfig
from routed_rl.config import HOST_FIELDS, UNNAMED
from routed_rl.naming import INCIDENTAL
from routed_rl.sweeps.plan import as_list, plan

SITUATION = (
    *("seeds", "seed", "env", "world", "rows", "cols", "max_steps", "tempting_starts"),
    *("oversight", "oversight_diamond", "oversight_ghost", "oversight_falloff"),
    *("spurious_oversight", "label_noise", "hidden_oversight"),
)
"""These say where and under whom a run learns. Of a list of them each setting is tried in all."""
FIRST_SEED = 1000
"""Seeds from here on are for searching; reported figures have smaller ones."""
LOG_FACTOR = 10
"""A range of positive numbers whose ends are so far apart is searched on a logarithmic scale."""
NUMBER = r"[+-]?(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?"
RANGE = re.compile(rf"({NUMBER})\.\.({NUMBER})")


@dataclass(frozen=True)
class Range:
    """Numbers between two ends, both included; whole ones if both ends are whole numbers.

    Attributes:
        low: The smallest.
        high: The largest.

    Raises:
        InputError: There is nothing between them.
    """

    low: int | float
    high: int | float

    def __post_init__(self) -> None:
        if self.low >= self.high:
            raise InputError(
                f"{self.low}..{self.high}: give LOW..HIGH, the smaller number first, or one value."
            )

    @classmethod
    def of(cls, text: Any) -> Range | None:
        """The range that a text such as 0.001..0.01 means; None if it means another value."""
        found = RANGE.fullmatch(text.strip()) if isinstance(text, str) else None
        return None if found is None else cls(_number(found[1]), _number(found[2]))

    @property
    def ends(self) -> tuple[int | float, int | float]:
        """The smallest and the largest."""
        return self.low, self.high

    @property
    def log(self) -> bool:
        """Whether it is searched on a logarithmic scale."""
        return self.low > 0 and self.high >= LOG_FACTOR * self.low


@dataclass(frozen=True)
class SearchSpace:
    """What a search may change, and what every run of it has.

    Attributes:
        ranges: The ranges of numbers, by the settings' names.
        choices: The values of settings that have several, by name; widths are text such as 64,64.
        fixed: The words of every run, as `plan` takes them.
    """

    ranges: Mapping[str, Range]
    choices: Mapping[str, Sequence[Any]]
    fixed: Mapping[str, Any]

    @classmethod
    def of(cls, words: Mapping[str, Any]) -> SearchSpace:
        """What a search's words mean.

        Args:
            words: As `plan` takes them. A setting with several values, or with a range as text,
                LOW..HIGH, is searched, unless it is one of `SITUATION`. Seeds are 1000 and above
                unless `seed` says which.

        Raises:
            InputError: Nothing is to be searched, several methods are given, or a value cannot be
                used.
        """
        given = {name: as_list(values) for name, values in words.items()}
        _check_words(given)
        ranges = {name: found for name, values in given.items() if (found := _range(name, values))}
        choices = {n: v for n, v in given.items() if len(v) > 1 and n not in SITUATION}
        fixed = {n: v for n, v in words.items() if n not in ranges and n not in choices}
        space = cls(ranges, choices, _seeded(fixed))
        space._check()
        return cls(
            {name: Range(*space._held(name, found.ends)) for name, found in ranges.items()},
            {name: space._held(name, values) for name, values in choices.items()},
            space.fixed,
        )

    @property
    def usual(self) -> list[AnyConfig]:
        """The runs of a trial in which nothing is changed."""
        return plan(self.fixed)

    def configs(self, drawn: Mapping[str, Any]) -> list[AnyConfig]:
        """The runs in which values of what is searched are tried.

        Raises:
            InputError: They do not fit together.
        """
        return plan({**self.fixed, **{name: [value] for name, value in drawn.items()}})

    def defaults(self) -> dict[str, Any] | None:
        """What the settings would be that are searched; None if that is not in the space."""
        config = self.usual[0]
        usual = {name: _plain(getattr(config, name)) for name in (*self.ranges, *self.choices)}
        inside = all(r.low <= usual[name] <= r.high for name, r in self.ranges.items())
        listed = all(usual[name] in values for name, values in self.choices.items())
        return usual if inside and listed else None

    def to_json(self) -> dict[str, Any]:
        """Everything that decides which values are drawn, by setting, as plain values."""
        runs = [config.to_json() for config in self.usual]
        names = dict.fromkeys(name for run in runs for name in run)
        decides = {name: [run.get(name, UNNAMED.get(name)) for run in runs] for name in names}
        told = {
            name: [value for index, value in enumerate(values) if value not in values[:index]]
            for name, values in decides.items()
            if name not in HOST_FIELDS
        }
        ranges = {name: f"{between.low}..{between.high}" for name, between in self.ranges.items()}
        return {**told, **self.choices, **ranges}

    def _held(self, name: str, values: Iterable[Any]) -> list[Any]:
        """Values as the setting holds them: the text "0" of a share is the number 0.0."""
        return [_plain(getattr(self.configs({name: value})[0], name)) for value in values]

    def _check(self) -> None:
        """Refuse ends and values that cannot be used, before anything is trained."""
        if not self.ranges and not self.choices:
            raise InputError(
                "Nothing is to be searched. Give a range or several values of a setting: "
                "--learning-rate 0.0005..0.01 --weight-decay 0 0.1 1"
            )
        faults: dict[str, None] = {}
        ends = {name: between.ends for name, between in self.ranges.items()}
        for name, values in {**ends, **self.choices}.items():
            for value in values:
                try:
                    self._held(name, [value])
                except InputError as error:
                    faults[str(error)] = None
        if faults:
            raise InputError("\n".join(faults))


def _number(text: str) -> int | float:
    return int(text) if text.lstrip("+-").isdigit() else float(text)


def _range(name: str, values: Sequence[Any]) -> Range | None:
    """The range that a setting's only value means, if it means one.

    Raises:
        InputError: A range stands beside other values, or of what is not searched.
    """
    found = [between for value in values if (between := Range.of(value))]
    if found and (len(values) > 1 or name in SITUATION):
        allowed = "give one range LOW..HIGH, or a list of values."
        if name in SITUATION:
            allowed = "it is not searched, every draw is tried at each of its values. List them."
        raise InputError(f"{name}={shown(list(values))} cannot be used: {allowed}")
    return found[0] if found else None


def _plain(value: Any) -> Any:
    """A value as the journal can hold it: widths as the command line has them, 64,64."""
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else value


def _seeded(fixed: dict[str, Any]) -> dict[str, Any]:
    """The words with the seeds of the search."""
    if "seed" in fixed:
        return fixed
    count = plan({"seeds": fixed.pop("seeds", [1])})
    return fixed | {"seed": [FIRST_SEED + config.seed for config in count]}


def _check_words(given: Mapping[str, Sequence[Any]]) -> None:
    """Refuse what a sweep takes and a search does not.

    Raises:
        InputError: A study, several methods, both seeds and seed, or what decides nothing that a
            run learns.
    """
    if "study" in given:
        raise InputError("study: a search is for the gridworld and for environments. Leave it out.")
    if {"seed", "seeds"} <= given.keys():
        raise InputError("Both seeds and seed were given. Give one of them.")
    methods = given.get("methods", given.get("method", []))
    if len(methods) > 1:
        raise InputError(
            f"methods={shown(list(methods))}: a search is of one method. Search each in a folder "
            "of its own, with as many trials."
        )
    for name in INCIDENTAL:
        values = given.get(name, [])
        if len(values) > 1 or any(map(Range.of, values)):
            raise InputError(
                f"{name}={shown(list(values))} cannot be searched: it does not change what a run "
                "learns. Give one value, or leave it out."
            )
