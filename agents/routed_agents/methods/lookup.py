"""Finding a method by its name, or a user's own by the place of its Python object."""

from __future__ import annotations

from routed_agents.methods.catalogue import METHODS
from routed_agents.methods.record import Method
from routed_agents.own_objects import call_own, find_object
from routed_envs.errors import InputError, unknown_name
from routed_envs.outcomes import Outcomes


def get_method(name: str, outcomes: Outcomes) -> Method:
    """The method of that name, for a world with these outcomes.

    Args:
        name: One of `METHODS`; or `module:object` for a method of your own, where the object is a
            `Method`, or a function that makes one from the world's `Outcomes`. The module is
            imported, so its code runs.
        outcomes: The world's.

    Raises:
        InputError: There is no such method (the message names the nearest), or the object is none.
    """
    if ":" in name:
        return _own_method(name, outcomes)
    if name not in METHODS:
        raise unknown_name("method", name, METHODS)
    return METHODS[name](outcomes)


def _own_method(place: str, outcomes: Outcomes) -> Method:
    """The user's method at `module:object`."""
    found = find_object(place, "method")
    if callable(found) and not isinstance(found, type):
        build, needs = found, "It must take Outcomes and return a Method."
        found = call_own(lambda: build(outcomes), place, "method", needs)
    if not isinstance(found, Method):
        raise InputError(
            f"method {place!r} is a {type(found).__name__}. Give a routed_agents.Method, or a "
            "function of the world's Outcomes that returns one; see scripts/custom_method.py."
        )
    return found
