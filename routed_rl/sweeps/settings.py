"""From lists of settings to the configurations of a sweep's runs; what cannot be is refused."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import json
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from routed_envs.errors import InputError, unknown_name
from routed_rl.config import HOST_FIELDS, PRESETS, TrainConfig, field_adapters

Values = Mapping[str, Sequence[Any]]
"""For each setting the values that it takes."""

PLURALS = {"methods": "method"}
SETTINGS = tuple(f.name for f in dataclasses.fields(TrainConfig) if f.name != "method")
WORDS = ("preset", "methods", "seeds", *SETTINGS)
"""What a sweep's file may say."""


def run_name(config: TrainConfig) -> str:
    """The name of a run's folder in a sweep: 12 hexadecimal digits of its configuration's hash.

    Args:
        config: What decides the run; the device and the threads do not count.
    """
    values = {k: v for k, v in config.to_json().items() if k not in HOST_FIELDS}
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:12]


def plan(words: Mapping[str, Any]) -> list[TrainConfig]:
    """The configurations that a sweep's words ask for: every combination of the lists.

    The seed varies slowest, so that a sweep that is stopped early has every method and level.

    Args:
        words: By name: `preset`; `methods`, names; `seeds`, a number n for the seeds 0 to n - 1;
            any other setting of `TrainConfig`, one value or a list. Text is read as the command
            line would, with commas between the parts of a single value.

    Returns:
        One configuration for each run, all different.

    Raises:
        InputError: An unknown word, an empty list, a duplicate or a value that cannot be used;
            every fault is listed.
    """
    faults: list[str] = []
    preset = _preset(words.get("preset", "fast"), faults)
    values = {name: _listed(given) for name, given in words.items() if name != "preset"}
    checked = {
        PLURALS.get(name, name): _checked(name, given, faults) for name, given in values.items()
    }
    if "seed" in checked and "seeds" in checked:
        faults.append("Both seeds and seed were given. Give one of them.")
    if faults:
        raise InputError("\n".join(faults))
    checked |= {"seed": range(checked.pop("seeds")[0])} if "seeds" in checked else {}
    return _combinations(preset, checked)


def read_file(path: Path) -> dict[str, Any]:
    """The words of a sweep's TOML file.

    Args:
        path: The file; its keys are the words of the command line, with `-` or `_`.

    Raises:
        InputError: The file cannot be read, or something in it cannot be used; every fault is
            listed with its line.
    """
    try:
        text = path.read_text()
        found = {key.replace("-", "_"): value for key, value in tomllib.loads(text).items()}
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as TOML: {error}.") from None
    faults: list[str] = []
    for word, given in found.items():
        try:
            plan({word: given})
        except InputError as error:
            line = _line_of(word, text)
            faults += [f"  line {line}: {fault}" for fault in str(error).splitlines()]
    if {"seed", "seeds"} <= set(found):
        faults.append(f"  line {_line_of('seed', text)}: seeds is given too. Give one of them.")
    if faults:
        raise InputError(f"{path} holds what cannot be used:\n" + "\n".join(faults))
    return found


def _line_of(word: str, text: str) -> int:
    """The number of the line on which a key is given."""
    pattern = re.compile(rf"^\s*\[?\s*[\"']?{word.replace('_', '[-_]')}[\"']?\s*[\]=.]")
    lines = (number for number, line in enumerate(text.splitlines(), 1) if pattern.match(line))
    return next(lines, 1)


def _preset(given: Any, faults: list[str]) -> str:
    """The preset's name, or a fault."""
    if given in PRESETS:
        return given
    faults.append(str(unknown_name("preset", given, PRESETS)))
    return "fast"


def _listed(given: Any) -> list[Any]:
    """A setting's values as a list; one value alone stands for a list of it."""
    if isinstance(given, Mapping | str) or not isinstance(given, Iterable):
        return [given]
    return list(given)


def _checked(name: str, given: list[Any], faults: list[str]) -> list[Any]:
    """A setting's values as its field holds them; what cannot be used is added to the faults."""
    if name not in WORDS:
        faults.append(str(unknown_name("setting", name, WORDS)))
        return []
    if not given:
        faults.append(f"{name} is an empty list. Give at least one value, or leave it out.")
        return []
    values = []
    for index, value in enumerate(given):
        place = f"{name}[{index}]" if len(given) > 1 else name
        try:
            values.append(_value(name, value))
        except (ValidationError, ValueError):
            allowed = _allowed(name)
            faults.append(f"{place}={value!r} cannot be used: give {allowed}.")
    if name in HOST_FIELDS and len(given) > 1:
        faults.append(
            f"{name} says where runs train and makes no other run of one: give one value."
        )
    if name == "seeds" and len(given) > 1:
        faults.append(f"seeds={given!r}: give one number n for the seeds 0 to n - 1, or seed.")
    for value in values:
        if values.count(value) > 1:
            fault = f"{name} has {value!r} twice. Give each value once."
            faults += [] if fault in faults else [fault]
    return values


def _value(name: str, given: Any) -> Any:
    """One value as the field of that name holds it; text is read as the command line would."""
    adapter = field_adapters()["updates" if name == "seeds" else PLURALS.get(name, name)]
    if not isinstance(given, str):
        return adapter.validate_json(json.dumps(given), strict=True)
    if given.lower() == "none":
        return adapter.validate_python(None)
    if name.endswith("_widths"):
        return adapter.validate_json(f"[{given}]", strict=True)
    return adapter.validate_strings(given)


def _allowed(name: str) -> str:
    """What a setting's values can be, in words."""
    if name == "seeds":
        return "a whole number of at least 1"
    return field_adapters()[PLURALS.get(name, name)].json_schema()["description"]


def _combinations(preset: str, values: Values) -> list[TrainConfig]:
    """A configuration for every combination of the values; the seed varies slowest."""
    names = sorted(values, key=lambda name: name != "seed")
    faults, configs = [], []
    for combination in itertools.product(*(values[name] for name in names)):
        changes = dict(zip(names, combination, strict=True))
        try:
            configs.append(TrainConfig.from_preset(preset, **changes))
        except ValueError as error:
            faults.append(f"With {changes}: {error}")
    if faults:
        raise InputError("\n".join(faults))
    return configs
