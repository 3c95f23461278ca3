"""The error for whatever a user can put right."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable
from numbers import Integral, Real
from typing import Any

NEAR = 0.4
"""From this likeness on, 0 to 1, a name is offered as what was meant."""
MOST_SHOWN = 200
"""Letters of what was given that a message repeats."""


class InputError(ValueError):
    """What was given cannot be used; the message says what is allowed and what to do."""


def shown(given: Any) -> str:
    """What was given, as a message tells it: in Python's words, and not at any length."""
    try:
        text = repr(given)
    except ValueError:
        return "a number of more digits than Python writes"
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}..."


def unknown_name(kind: str, given: str, known: Iterable[str]) -> InputError:
    """The error for a name that does not exist, with the nearest one that does.

    Args:
        kind: What the name should name, such as `method`.
        given: The name.
        known: The names that exist, at least one.
    """
    names = list(known)
    near = difflib.get_close_matches(str(given), names, 1, NEAR)
    guess = f" Did you mean {near[0]!r}?" if near else ""
    return InputError(f"There is no {kind} {shown(given)}.{guess} Known: {', '.join(names)}.")


def check_names(kind: str, given: Iterable[str], known: Collection[str]) -> None:
    """Refuse names that do not exist.

    Args:
        kind: What a name should name, such as `setting`.
        given: The names.
        known: The names that exist, at least one.

    Raises:
        InputError: A name is unknown; the message tells the nearest one that exists.
    """
    for name in given:
        if name not in known:
            raise unknown_name(kind, name, known)


def check_probability(name: str, given: Any, also: str = "") -> None:
    """Refuse what is no number from 0 to 1; `also` says what else may be given for the setting.

    Raises:
        InputError: It is not a number from 0 to 1.
    """
    check_fraction(name, given, "probability", also)


def check_fraction(name: str, given: Any, kind: str, also: str = "") -> None:
    """As `check_probability`, for a number of another kind, such as a `share`.

    Raises:
        InputError: It is not a number from 0 to 1.
    """
    number: Any = given  # Compared as it is: not every whole number has a float.
    if not (isinstance(given, Real) and 0 <= number <= 1):
        raise InputError(f"{name}={shown(given)} is no {kind}. Give a number from 0 to 1{also}.")


def check_count(name: str, given: Any) -> None:
    """Refuse what is no whole number of at least 1.

    Raises:
        InputError: It is not.
    """
    number: Any = given
    if not (isinstance(given, Integral) and number >= 1):
        raise InputError(f"{name}={shown(given)}: give a whole number of at least 1.")
