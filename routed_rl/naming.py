"""How settings, counts and times are written, and in which settings runs differ.

Imports nothing heavy.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from routed_rl.any_config import STUDIES
from routed_rl.config import HOST_FIELDS, TrainConfig
from routed_rl.environment_config import EnvironmentConfig

RunT = TypeVar("RunT", bound=Mapping[str, Any])

AXES = ("method", "oversight", "seed")
"""The settings over which sweeps are compared."""
INCIDENTAL = (*HOST_FIELDS, "evaluate_every", "evaluation_episodes", "processes")
"""Settings that decide where a run happens and what it logs, not what it learns."""
SETTINGS = tuple(
    dict.fromkeys(
        field.name
        for record in (EnvironmentConfig, TrainConfig, *STUDIES.values())
        for field in dataclasses.fields(record)
        if field.name not in AXES
    )
)
"""Every other setting of a run, in the gridworld, in an environment or of a study."""


def plain(value: Any) -> Any:
    """A setting's value as one that can be compared and looked up: lists become tuples."""
    if isinstance(value, Mapping):
        return tuple(sorted((name, plain(part)) for name, part in value.items()))
    return tuple(map(plain, value)) if isinstance(value, list | tuple) else value


def setting_text(value: Any) -> str:
    """A setting's value as people write it."""
    if isinstance(value, list | tuple):
        return " x ".join(map(setting_text, value)) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def varying(runs: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """The settings with more than one value among some runs that decide what a run learns."""
    names = (name for name in SETTINGS if name not in INCIDENTAL)
    return tuple(name for name in names if len({plain(run.get(name)) for run in runs}) > 1)


def without_repeats(runs: Iterable[RunT]) -> list[RunT]:
    """The runs without those that repeat an earlier one: they are no seeds of their own.

    Args:
        runs: Each with its settings, by name. Repeated ones differ in what is `INCIDENTAL` alone.
    """
    names = [name for name in (*AXES, *SETTINGS) if name not in INCIDENTAL]
    unique: dict[tuple[Any, ...], RunT] = {}
    for run in runs:
        unique.setdefault(tuple(plain(run.get(name)) for name in names), run)
    return list(unique.values())


def series_name(method: str, names: Sequence[str], values: Sequence[Any]) -> str:
    """A method with the settings that tell some of its runs from the others."""
    pairs = zip(names, values, strict=True)
    return ", ".join([method, *(f"{name} {setting_text(value)}" for name, value in pairs)])


def duration(seconds: float) -> str:
    """A time in words: seconds, minutes, or hours and minutes."""
    if seconds < 90:
        return f"{seconds:.2g} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def counted(count: int, thing: str) -> str:
    """A count with its noun: "1 run", "2 runs"."""
    return f"{count:,} {thing}" + ("" if count == 1 else "s")
