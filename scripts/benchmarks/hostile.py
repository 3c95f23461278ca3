"""What no program should be given: values that fit nothing, and files that were damaged."""

from __future__ import annotations

import io
import json
import math
import os
import pickle
import random
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from hypothesis import strategies

HIT = "HIT"
"""A file of this name appears where a payload was executed."""
DEPTH = 5_000
NUMBERS = (
    *(-1, 0, 1, 2, 3, 1001, 10**5, 10**6, 10**9, 10**12, 2**31, 2**63, 2**64, 10**400),
    *(-0.0, 0.5, 1.5, 5e-324, 1e-300, 1e38, 1e300, math.inf, -math.inf, math.nan),
)
TEXTS = (
    *("", " ", "x", "0.5", "None", "true", "routed", "inferred", "naive", "fast", "cpu", "cuda"),
    *("payload:M", "payload:M()", "os:system", ":", "a:", ":b", "../../etc/passwd", "/", "~"),
    *(
        "[/b]",
        "[red]",
        "%s",
        "{0}",
        "\x00",
        "\x1b[31m",
        "\ud800",
        "\u202e",
        "é" * 300,
        "x" * 20_000,
    ),
)
OTHERS = (None, True, False, [], [[]], {}, [None], {"x": {"y": []}}, [0] * 200, ["x", 1, None])
JSON = strategies.recursive(
    strategies.sampled_from((*NUMBERS, *TEXTS, *OTHERS))
    | strategies.integers()
    | strategies.floats()
    | strategies.text(max_size=20),
    lambda inner: (
        strategies.lists(inner, max_size=4)
        | strategies.dictionaries(strategies.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=8,
)
"""Any value that JSON can hold, with a liking for the odd ones."""


def odd_value(chance: random.Random) -> Any:
    """One that hardly any setting takes."""
    return chance.choice(chance.choice((NUMBERS, TEXTS, OTHERS)))


def extreme(value: Any, chance: random.Random) -> Any:
    """One of the same kind, often one that the setting takes, if it is not what anybody means."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return chance.choice([number for number in NUMBERS if isinstance(number, int)])
    if isinstance(value, float):
        return chance.choice((0, 1, 0.0, 1.0, 0.5, *NUMBERS))
    if isinstance(value, list):
        return [chance.choice((1, 2, 3, 1000, 10**6)) for _ in range(chance.randint(0, 4))]
    return odd_value(chance)


def changed(values: dict[str, Any], chance: random.Random, value: Any) -> dict[str, Any]:
    """A record with one to three of its entries replaced, or dropped, renamed or added."""
    found = dict(values)
    for _ in range(chance.randint(1, 3)):
        name = chance.choice(list(found) or ["x"])
        match chance.randrange(16):
            case 0:
                found.pop(name, None)
            case 1:
                found[name + chance.choice(("s", " ", "\x00", "é"))] = found.pop(name, None)
            case 2:
                found[str(odd_value(chance))[:50]] = value
            case 3 | 4:
                found[name] = value
            case 5 | 6:
                found[name] = odd_value(chance)
            case _:
                found[name] = extreme(found.get(name), chance)
    return found


def nested(kind: str) -> str:
    """JSON or TOML that is nested more deeply than anyone can mean."""
    deep = "[" * DEPTH + "]" * DEPTH
    return f"method = {deep}\n" if kind == "toml" else f'{{"config": {deep}}}'


def changed_json(text: bytes, chance: random.Random) -> bytes:
    """A JSON object, or the first line of several, with odd values somewhere inside."""
    first, _, rest = text.partition(b"\n") if text.startswith(b'{"') else (text, b"", b"")
    try:
        content = json.loads(first)
    except ValueError:
        return text + b"{"
    place = content
    while isinstance(place, dict) and place and chance.random() < 0.7:
        name = chance.choice(list(place))
        if not isinstance(place[name], dict) or chance.random() < 0.3:
            place[name] = odd_value(chance)
            break
        place = place[name]
    else:
        content = odd_value(chance)
    return json.dumps(content).encode() + b"\n" + rest


def odd_inside(text: bytes, chance: random.Random) -> bytes:
    """A policy or a checkpoint that can be opened, and holds what does not belong there."""
    with suppress(Exception):
        if text[:2] == b"PK":
            return _odd_checkpoint(text, chance)
        return _odd_policy(text, chance)
    return changed_json(text, chance)


def _odd_checkpoint(text: bytes, chance: random.Random) -> bytes:
    content = torch.load(io.BytesIO(text), weights_only=True)
    name = chance.choice(list(content))
    content[name] = _odd_tensors(content[name], chance)
    file = io.BytesIO()
    torch.save(content, file)
    return file.getvalue()


def _odd_tensors(content: Any, chance: random.Random) -> Any:
    """The same with one thing replaced, or one tensor in it of other numbers or another shape."""
    if isinstance(content, dict) and content and chance.random() < 0.8:
        name = chance.choice(list(content))
        return content | {name: _odd_tensors(content[name], chance)}
    if not isinstance(content, torch.Tensor) or chance.random() < 0.2:
        return odd_value(chance)
    shapes = (content * math.nan, content.flatten()[:1], content.unsqueeze(0), content.double())
    return chance.choice(shapes)


def _odd_policy(text: bytes, chance: random.Random) -> bytes:
    """A file of safetensors with other words about it, or another tensor."""
    size = int.from_bytes(text[:8], "little")
    told = json.loads(text[8 : 8 + size])["__metadata__"]
    tensors = safetensors.torch.load(text)
    if chance.random() < 0.5:
        name = chance.choice(list(told))
        told[name] = changed_json(told[name].encode(), chance).decode().strip()
    else:
        tensors = _odd_tensors(tensors, chance)
    return safetensors.torch.save(tensors, told)


def payload(text: bytes, chance: random.Random) -> bytes:
    """A pickle that leaves a file where it is executed."""
    return pickle.dumps(_Bomb())


class _Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return (open, (HIT, "w"))


def _flipped(text: bytes, chance: random.Random) -> bytes:
    found = bytearray(text or b"x")
    for _ in range(chance.randint(1, 8)):
        found[chance.randrange(len(found))] ^= 1 << chance.randrange(8)
    return bytes(found)


def _zeroed(text: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(max(1, len(text)))
    return text[:start] + bytes(min(512, len(text) - start)) + text[start + 512 :]


CONTENT: dict[str, Callable[[bytes, random.Random], bytes]] = {
    "empty": lambda text, chance: b"",
    "cut": lambda text, chance: text[: chance.randrange(max(1, len(text)))],
    "bits flipped": _flipped,
    "zeros inside": _zeroed,
    "random bytes": lambda text, chance: chance.randbytes(chance.randint(1, 2000)),
    "doubled": lambda text, chance: text + text,
    "in UTF-16": lambda text, chance: text.decode(errors="replace").encode("utf-16"),
    "another type": lambda text, chance: chance.choice((b"[]", b"null", b"3", b'"x"', b"{}")),
    "odd values": changed_json,
    "nested deeply": lambda text, chance: nested("json").encode(),
    "a huge number": lambda text, chance: b'{"format": ' + b"9" * 5000 + b"}",
    "odd inside": odd_inside,
    "a pickle": payload,
}
"""What a file may hold instead of its content."""
PLACES: dict[str, Callable[[Path, Path], object]] = {
    "missing": lambda path, victim: None,
    "a folder": lambda path, victim: path.mkdir(),
    "a named pipe": lambda path, victim: os.mkfifo(path),
    "a link elsewhere": lambda path, victim: path.symlink_to(victim),
    "a link to nowhere": lambda path, victim: path.symlink_to("nowhere"),
    "a link to itself": lambda path, victim: path.symlink_to(path.name),
}
"""What may lie where a file was."""


def damage(path: Path, victim: Path, chance: random.Random) -> str:
    """Damage a file.

    Args:
        path: The file.
        victim: A file of someone else, to which a link may lead.
        chance: Decides how.

    Returns:
        How it was done.
    """
    if chance.random() < 0.25:
        how = chance.choice(list(PLACES))
        path.unlink()
        PLACES[how](path, victim)
        return how
    deep = ("odd inside", "odd values") if chance.random() < 0.4 else tuple(CONTENT)
    how = chance.choice(deep)
    path.write_bytes(CONTENT[how](path.read_bytes(), chance))
    return how
