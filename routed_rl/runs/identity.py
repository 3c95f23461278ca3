"""What makes a run this run and no other, and where two runs differ in it."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from routed_agents.files import parsed
from routed_envs.errors import InputError, shown
from routed_rl.naming import SETTINGS

TABLE = "table of the method"
"""Under this name an identity holds its method's description."""
FORMER = ("evaluate_every",)
"""Earlier versions counted these too; they decide nothing of what a run learns."""
PARTS = ("rows", "experts", "gate", "deploy", "relabel", "updates", "select")
"""What `Method.describe` says, in this order; further parts have their names with them."""
TAKEN = (
    *("mixture", "deployed", "unwatched"),
    *(name.removesuffix("_rate") for name in SETTINGS if name.endswith("_rate")),
)
"""Results have these names for something else than an outcome: `learning_rate` is a setting."""
AROUND = 30
"""So many characters are shown before what differs, in descriptions that cannot be read."""


def check_outcomes(targets: Sequence[str]) -> None:
    """Refuse outcomes whose figures would take the place of others in results.

    Args:
        targets: The names of the ways in which an episode can end.

    Raises:
        InputError: An outcome has a name of `TAKEN`.
    """
    taken = [name for name in targets if name in TAKEN]
    if taken:
        raise InputError(
            f"targets={shown(tuple(targets))}: call {taken[0]!r} otherwise. Results have something "
            f"else under the names {', '.join(TAKEN)}."
        )


def differences(there: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    """Where two identities differ, a line each; of a method's table the cells that do.

    Args:
        there: As a task or a folder's `config.json` has it.
        here: Another one.
    """
    lines: list[str] = []
    for name in sorted((there.keys() | here.keys()) - set(FORMER)):
        before, now = there.get(name), here.get(name)
        if before == now:
            continue
        if name == TABLE and isinstance(before, str) and isinstance(now, str):
            lines += [f"{name}, {cell}" for cell in differing_cells(before, now)]
        else:
            words = [repr(held[name]) if name in held else "not set" for held in (there, here)]
            lines.append(f"{name}: there {words[0]}, here {words[1]}")
    return lines


def read_identity(text: str) -> dict[str, Any]:
    """The identity that a checkpoint holds as JSON.

    Raises:
        ValueError: It is none.
    """
    found = parsed(json.loads, text)
    if not isinstance(found, dict):
        raise ValueError("it says of no run whose it is")
    return found


def differing_cells(there: str, here: str) -> list[str]:
    """Where two methods differ, a line each, such as "rows, diamond, reward: there 1, here 2".

    Args:
        there: What `Method.describe` says of one.
        here: The same of the other.
    """
    try:
        return _walk(_read(there), _read(here), "")
    except (ValueError, SyntaxError, RecursionError):
        # A value of a user's own is written in another way.
        return [_first_difference(there, here)]


def _read(description: str) -> ast.expr:
    """A description as a call with its parts. Nothing is executed."""
    # Functions without a name of their own are in angle brackets, which Python does not read.
    text = re.sub(r"<(lambda|locals)>", r"_\1_", description)
    return parsed(lambda words: ast.parse(words, mode="eval").body, f"describe({text})")


def _walk(there: ast.expr | None, here: ast.expr | None, place: str) -> list[str]:
    """The lines of two parts that have the same place."""
    words = [_text(there), _text(here)]
    if words[0] == words[1]:
        return []
    before, now = _parts(there, place), _parts(here, place)
    if before is None or now is None or type(there) is not type(here):
        return [f"{place}: there {words[0]}, here {words[1]}"]
    prefix = f"{place}, " if place else ""
    names = dict.fromkeys((*before, *now))
    return [line for k in names for line in _walk(before.get(k), now.get(k), f"{prefix}{k}")]


def _parts(node: ast.expr | None, place: str) -> dict[str, ast.expr] | None:
    """What a dictionary or a record consists of, by name; None of what is one cell."""
    if isinstance(node, ast.Dict):
        keys = (ast.literal_eval(key) if key else "" for key in node.keys)
        return dict(zip(map(str, keys), node.values, strict=True))
    if isinstance(node, ast.Call):
        names = map(str, range(len(node.args))) if place else PARTS
        named = {str(keyword.arg): keyword.value for keyword in node.keywords}
        return dict(zip(names, node.args, strict=False)) | named
    return None


def _text(node: ast.expr | None) -> str:
    """A part as the description has it."""
    text = "nothing" if node is None else ast.unparse(node)
    return re.sub(r"\b_(lambda|locals)_\b", r"<\1>", text)


def _first_difference(there: str, here: str) -> str:
    """Two texts from shortly before the place where they begin to differ."""
    pairs = enumerate(zip(there, here, strict=False))
    same = next((place for place, (a, b) in pairs if a != b), min(len(there), len(here)))
    start = max(0, same - AROUND)
    parts = [repr(text[start:][: 3 * AROUND]) for text in (there, here)]
    return f"from character {start}: there {parts[0]}, here {parts[1]}"
