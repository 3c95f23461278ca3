"""Python objects of the user's own, named by their place: `module:object`."""

from __future__ import annotations

import importlib
import traceback
from collections.abc import Callable
from typing import Any

from routed_envs.errors import InputError, unknown_name


def find_object(place: str, kind: str) -> Any:
    """The user's object at `module:object`. The module is imported, so its code runs.

    Args:
        place: Where it is.
        kind: What it shall be, for the refusals.

    Raises:
        InputError: There is no such module or object.
    """
    module_name, _, object_name = place.partition(":")
    try:
        module = importlib.import_module(module_name)
    except (ImportError, ValueError, SyntaxError) as error:
        raise InputError(
            f"{kind} {place!r}: the module {module_name!r} cannot be imported ({error}). Give "
            "module:object, with a module that Python finds from the current folder."
        ) from None
    except Exception as error:  # The user's module may raise anything.
        raise InputError(
            f"{kind} {place!r}: importing the module {module_name!r} failed in {_where(error)}: "
            f"{error!r}."
        ) from None
    names = [name for name in vars(module) if not name.startswith("_")]
    if object_name not in vars(module):
        if not names:
            raise InputError(f"{kind} {place!r}: the module {module_name!r} is empty.")
        raise unknown_name(f"object in {module_name}", object_name, names)
    return getattr(module, object_name)


def call_own(call: Callable[[], Any], place: str, kind: str, needs: str) -> Any:
    """What a user's function returns.

    Args:
        call: Calls it.
        place: Where it is.
        kind: What it makes, for the refusals.
        needs: What it must take and return, in words.

    Raises:
        InputError: It raised something.
    """
    try:
        return call()
    except InputError as error:
        raise InputError(f"{kind} {place!r}: {error}") from None
    except Exception as error:
        raise InputError(
            f"{kind} {place!r}: calling it failed in {_where(error)}: {error!r}. {needs}"
        ) from None


def _where(error: Exception) -> str:
    """The file and the line that raised an error."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"{place.filename}, line {place.lineno}"
