"""Finding a method by its name, or a user's own by the place of its Python object."""

from __future__ import annotations

import importlib
import traceback

from routed_agents.methods.catalogue import METHODS
from routed_agents.methods.record import Method
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
    module_name, _, object_name = place.partition(":")
    try:
        module = importlib.import_module(module_name)
    except (ImportError, ValueError, SyntaxError) as error:
        raise InputError(
            f"method {place!r}: the module {module_name!r} cannot be imported ({error}). Give "
            "module:object, with a module that Python finds from the current folder."
        ) from None
    except Exception as error:  # The user's module may raise anything.
        raise InputError(
            f"method {place!r}: importing the module {module_name!r} failed in {_where(error)}: "
            f"{error!r}."
        ) from None
    names = [name for name in vars(module) if not name.startswith("_")]
    if object_name not in vars(module):
        if not names:
            raise InputError(f"method {place!r}: the module {module_name!r} is empty.")
        raise unknown_name(f"object in {module_name}", object_name, names)
    found = getattr(module, object_name)
    if callable(found) and not isinstance(found, type):
        found = _built(place, found, outcomes)
    if not isinstance(found, Method):
        raise InputError(
            f"method {place!r} is a {type(found).__name__}. Give a routed_agents.Method, or a "
            "function of the world's Outcomes that returns one; see scripts/custom_method.py."
        )
    return found


def _built(place: str, builder: object, outcomes: Outcomes) -> object:
    """What a user's function makes of the outcomes."""
    try:
        return builder(outcomes)  # pyright: ignore[reportCallIssue]
    except InputError as error:
        raise InputError(f"method {place!r}: {error}") from None
    except Exception as error:
        raise InputError(
            f"method {place!r}: calling it with the world's outcomes failed in {_where(error)}: "
            f"{error!r}. It must take Outcomes and return a Method."
        ) from None


def _where(error: Exception) -> str:
    """The file and the line that raised an error."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"{place.filename}, line {place.lineno}"
