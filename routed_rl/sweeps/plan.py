"""From lists of settings to the configurations of a sweep's runs; what cannot be is refused."""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
import itertools
import json
import math
import re
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from routed_agents.files import parsed, read_text
from routed_envs.errors import InputError, shown, unknown_name
from routed_rl.any_config import AnyConfig, kind_of
from routed_rl.config import HOST_FIELDS, PRESETS, Size, TrainConfig, field_adapters
from routed_rl.environment_config import EnvironmentConfig
from routed_rl.naming import INCIDENTAL, counted
from routed_rl.study_configs.study_config import StudyConfig

Values = Mapping[str, Sequence[Any]]
"""For each setting the values that it takes."""

PLURALS = {"methods": "method"}
TWO_WORDS = (("seeds", "seed"), ("methods", "method"))
"""Either says the same."""

OPTIONS = ("out", "jobs", "backend", "address", "config")
"""What only the command line may say."""
COUNT: TypeAdapter[int] = TypeAdapter(Size)
MOST_RUNS = 100_000
MOST_FAULTS = 5
"""How many faults of single runs a refusal tells."""
FORMER_PACE: Mapping[type[Any], int] = {TrainConfig: 350, EnvironmentConfig: 0}
"""The default of `evaluate_every` where it is now None: an earlier sweep finds its runs again."""


def words_of(kind: type[Any]) -> tuple[str, ...]:
    """What may be said of runs whose configurations are of this kind."""
    names = [field.name for field in dataclasses.fields(kind)]
    own = ("methods", "seeds") if kind is EnvironmentConfig else ("preset", "methods", "seeds")
    return (*own, *names)


def run_name(config: AnyConfig) -> str:
    """The name of a run's folder in a sweep: 12 hexadecimal digits of its configuration's hash.

    The device and the threads do not count.
    """
    values = {k: v for k, v in config.to_json().items() if k not in HOST_FIELDS}
    if config.evaluate_every is None and type(config) in FORMER_PACE:
        values["evaluate_every"] = FORMER_PACE[type(config)]
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:12]


def plan(words: Mapping[str, Any]) -> list[AnyConfig]:
    """The configurations that a sweep's words ask for: every combination of the lists.

    The seed varies slowest, so that a sweep that is stopped early has every method and level.

    Args:
        words: By name: `preset`; `methods`, names; `seeds`, a number n for the seeds 0 to n - 1;
            any other setting of `TrainConfig`, with `env` of `EnvironmentConfig`, or with `study`
            of that study's settings, one value or a list. Text is read as the command line would,
            with commas between the parts of a single value.

    Returns:
        One configuration for each run, all different.

    Raises:
        InputError: An unknown word, an empty list, a duplicate or a value that cannot be used;
            every fault is listed.
    """
    preset, faults = words.get("preset", "fast"), list[str]()
    kind = kind_of(words)
    if kind is EnvironmentConfig and "preset" in words:
        faults.append("preset is of the gridworld. Leave out env or preset.")
    elif not isinstance(preset, str) or preset not in presets_of(kind):
        faults.append(str(unknown_name("preset", preset, presets_of(kind))))
    values = {
        PLURALS.get(name, name): _checked(kind, name, as_list(given), faults)
        for name, given in words.items()
        if name != "preset"
    }
    faults += [
        f"Both {many} and {one} were given. Give one of them."
        for many, one in TWO_WORDS
        if {many, one} <= words.keys()
    ]
    if faults:
        raise InputError("\n".join(faults))
    _check_size(values)
    values |= {"seed": range(values.pop("seeds")[0])} if "seeds" in values else {}
    make: Callable[..., AnyConfig] = kind
    if issubclass(kind, TrainConfig | StudyConfig):
        make = partial(kind.from_preset, preset)
    return _combinations(make, values)


def presets_of(kind: type[Any]) -> Mapping[str, Any]:
    """The named constants that there are for a kind of runs."""
    return kind.presets if issubclass(kind, StudyConfig) else PRESETS


def read_file(path: Path, study: str = "", in_environment: bool = False) -> dict[str, Any]:
    """The words of a sweep's TOML file.

    Args:
        path: The file; its keys are the words of the command line, with `-` or `_`.
        study: The study that it is of; empty if the file says so, or is of none.
        in_environment: It is of runs in an environment, whether it says so or not.

    Raises:
        InputError: The file cannot be read, or something in it cannot be used; every fault is
            listed with its line.
    """
    try:
        text = read_text(path)
        given = parsed(tomllib.loads, text)
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as TOML: {error}.") from None
    found = {key.replace("-", "_"): value for key, value in given.items()}
    named = {"study": study} if study else found | ({"env": None} if in_environment else {})
    kind, faults = kind_of(named), list[str]()
    if study and found.get("study", study) != study:
        line, other = _lines_of("study", text)[0], shown(found["study"])
        faults.append(f"  line {line}: study = {other} is another study than {study}.")
    for word, value in found.items():
        lines = _lines_of(word, text)
        told = _faults_of(kind, word, value)
        if sum(key.replace("-", "_") == word for key in given) > 1:
            told.append(f"{word} is given again on line {lines[-1]}. Give it once.")
        faults += [f"  line {lines[0]}: {fault}" for fault in told]
    faults += [
        f"  line {_lines_of(one, text)[0]}: {many} is given too. Give one of them."
        for many, one in TWO_WORDS
        if {many, one} <= found.keys()
    ]
    if faults:
        allowed = words_of(kind)
        known = [f"Settings: {', '.join(allowed)}."] if found.keys() - set(allowed) else []
        raise InputError("\n".join((f"{path} holds what cannot be used:", *faults, *known)))
    # Whoever looks for code has one word.
    plural = {one: many for many, one in PLURALS.items()}
    return {str(plural.get(word, word)): value for word, value in found.items()}


def _faults_of(kind: type[Any], word: str, given: Any) -> list[str]:
    if word in OPTIONS:
        option = f"--{word}"
        return [f"{word} is an option of the command line, not of the file: give {option} there."]
    if word not in words_of(kind):
        near = difflib.get_close_matches(word, words_of(kind), 1)
        return [f"There is no setting {word!r}." + (f" Did you mean {near[0]!r}?" if near else "")]
    if word == "preset":
        presets = presets_of(kind)
        known = isinstance(given, str) and given in presets
        return [] if known else [str(unknown_name("preset", given, presets))]
    faults: list[str] = []
    _checked(kind, word, as_list(given), faults)
    return faults


def _lines_of(word: str, text: str) -> list[int]:
    """The numbers of the lines on which a key is given; the first line if they are not found."""
    key = re.escape(word).replace("_", "[-_]")
    pattern = re.compile(rf"^\s*\[?\s*[\"']?{key}[\"']?\s*[\]=.]")
    lines = [number for number, line in enumerate(text.splitlines(), 1) if pattern.match(line)]
    return lines or [1]


def as_list(given: Any) -> list[Any]:
    """A setting's values as a list; one value alone stands for a list of it."""
    if isinstance(given, Mapping | str) or not isinstance(given, Iterable):
        return [given]
    return list(given)


def _checked(kind: type[Any], name: str, given: list[Any], faults: list[str]) -> list[Any]:
    """A setting's values as its field holds them; what cannot be used is added to the faults."""
    values: list[Any] = []
    fault = _fault_of_all(kind, name, given)
    if fault:
        faults.append(fault)
        return []
    for index, value in enumerate(given):
        place = f"{name}[{index}]" if len(given) > 1 else name
        try:
            values.append(_value(kind, name, value))
        except (TypeError, ValueError) as error:
            allowed = _adapter(kind, name).json_schema()["description"]
            told = f"{place}={shown(value)} cannot be used: give {allowed}."
            faults.append(str(error) if isinstance(error, InputError) else told)
    if name in INCIDENTAL and len(given) > 1:
        faults.append(f"{name} does not change what a run learns: give one value.")
    if name == "seeds" and len(given) > 1:
        faults.append(f"seeds={shown(given)}: give one number n for the seeds 0 to n - 1, or seed.")
    twice = [value for value, count in Counter(values).items() if count > 1]
    faults += [f"{name} has {value!r} twice. Give each value once." for value in twice]
    return values


def _fault_of_all(kind: type[Any], name: str, given: list[Any]) -> str | None:
    if name not in words_of(kind):
        return str(unknown_name("setting", name, words_of(kind)))
    if len(given) > MOST_RUNS:
        return f"{name} has {len(given):,} values; a sweep has at most {MOST_RUNS:,} runs."
    if not given:
        return f"{name} is an empty list. Give at least one value, or leave it out."
    if name.endswith("_widths") and all(isinstance(value, int) for value in given):
        lists, count = [[value] for value in given], counted(len(given), "value")
        several = f"{shown(lists)} for {count}, or " if len(given) > 1 else ""
        return (
            f"{name}={shown(given)} cannot be used: a value is a list of widths. Give {several}"
            f"{shown([given])} for one."
        )
    return None


def _value(kind: type[Any], name: str, given: Any) -> Any:
    """One value as the field of that name holds it; text is read as the command line would."""
    if PLURALS.get(name, name) == "method" and isinstance(given, str):
        _check_method(kind, given)
    adapter = _adapter(kind, name)
    if not isinstance(given, str):
        return adapter.validate_json(json.dumps(given), strict=True)
    if given.lower() == "none":
        return adapter.validate_python(None)
    if name.endswith("_widths"):
        return adapter.validate_json(f"[{given}]", strict=True)
    if name == "topics":
        return adapter.validate_python(tuple(given.split(",")))
    return adapter.validate_strings(given)


def _check_method(kind: type[Any], name: str) -> None:
    """Refuse a method that there is not; one of the user's own is looked for later."""
    if issubclass(kind, StudyConfig):
        known = kind.methods
    elif ":" in name:
        return
    else:
        from routed_agents.methods.catalogue import METHODS  # Loads PyTorch.

        known = tuple(METHODS)
    if name not in known:
        raise unknown_name("method", name, known)


def _adapter(kind: type[Any], name: str) -> TypeAdapter[Any]:
    """What checks a single value."""
    return COUNT if name == "seeds" else field_adapters(kind)[PLURALS.get(name, name)]


def _check_size(values: Values) -> None:
    """Refuse more runs than anyone can mean, before any is made."""
    sizes = {name: v[0] if name == "seeds" else len(v) for name, v in values.items()}
    runs = math.prod(sizes.values())
    if runs > MOST_RUNS:
        product = " x ".join(f"{n:,} {name}" for name, n in sizes.items() if n > 1)
        raise InputError(
            f"{product} = {runs:,} runs; a sweep has at most {MOST_RUNS:,}. Give fewer values."
        )


def _combinations(make: Callable[..., AnyConfig], values: Values) -> list[AnyConfig]:
    names = sorted(values, key=lambda name: name != "seed")
    faults: dict[str, None] = {}
    configs = []
    for combination in itertools.product(*(values[name] for name in names)):
        changes = dict(zip(names, combination, strict=True))
        try:
            configs.append(make(**changes))
        except ValueError as error:
            changes.pop("seed", None)
            faults[f"With {changes}: {error}"] = None
    if faults:
        more = [f"and {len(faults) - MOST_FAULTS} more"] if len(faults) > MOST_FAULTS else []
        raise InputError("\n".join((*list(faults)[:MOST_FAULTS], *more)))
    return configs
