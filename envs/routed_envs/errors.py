"""The error for whatever a user can put right."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class InputError(ValueError):
    """What was given cannot be used; the message says what is allowed and what to do."""


def unknown_name(kind: str, given: str, known: Iterable[str]) -> InputError:
    """The error for a name that does not exist, with the nearest one that does.

    Args:
        kind: What the name should name, such as `method`.
        given: The name.
        known: The names that exist, at least one.
    """
    names = list(known)
    nearest = difflib.get_close_matches(str(given), names, 1, 0)[0]
    return InputError(
        f"There is no {kind} {given!r}. Did you mean {nearest!r}? Known: {', '.join(names)}."
    )
