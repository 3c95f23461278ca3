"""What makes a run this run and no other, and where two runs differ in it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from routed_agents.files import parsed
from routed_agents.methods.description import differing_cells

TABLE = "table of the method"
"""Under this name an identity holds its method's description."""
FORMER = ("evaluate_every",)
"""Earlier versions counted these too; they decide nothing of what a run learns."""


def differences(there: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    """Where two identities differ, a line each; of a method's table the cells that do.

    Args:
        there: As a task or a folder's `config.json` has it.
        here: Another one.
    """
    lines: list[str] = []
    for name in sorted((there.keys() | here.keys()) - set(FORMER)):
        before, now = there.get(name), here.get(name)
        if name == TABLE and isinstance(before, str) and isinstance(now, str):
            lines += [f"{name}, {cell}" for cell in differing_cells(before, now)]
        elif before != now:
            lines.append(f"{name}: there {before!r}, here {now!r}")
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
