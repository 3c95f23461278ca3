"""What tells a world's states apart, in words: the fields of its own record of a state."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import torch

MOST_ENTRIES = 4
"""A field with more entries, such as a board, is no word for a state."""


@dataclass(frozen=True)
class StateField:
    """A field in which states differ.

    Attributes:
        name: As the world calls it.
        values: Its different values, in words.
        codes: int64 [S], which of them each state has.
    """

    name: str
    values: tuple[str, ...]
    codes: torch.Tensor


def state_fields(states: Any) -> list[StateField]:
    """The fields that tell states apart.

    Args:
        states: S states, a frozen dataclass of tensors [S, ...].

    Returns:
        The fields that are not the same in all states. Where they do not tell every state from
        every other, or there is but one state, the state's number in the list comes as one more.
    """
    fields = [
        found
        for field in dataclasses.fields(states)
        if (found := _field(field.name, getattr(states, field.name))) is not None
    ]
    count = len(getattr(states, dataclasses.fields(states)[0].name))
    codes = torch.stack([torch.zeros(count), *(field.codes for field in fields)], 1)
    if not fields or len(codes.unique(dim=0)) < count:
        numbers = torch.arange(count)
        fields.append(StateField("state", tuple(map(str, range(1, count + 1))), numbers))
    return fields


def _field(name: str, values: torch.Tensor) -> StateField | None:
    """A field, or None if it has too many entries or never differs."""
    entries = values.reshape(len(values), -1)
    if not 1 <= entries.shape[1] <= MOST_ENTRIES:
        return None
    different, codes = entries.unique(dim=0, return_inverse=True)
    if len(different) == 1:
        return None
    words = tuple(", ".join(map(_word, row)) for row in different.tolist())
    return StateField(name.replace("_", " "), words, codes)


def _word(value: bool | float) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}"
