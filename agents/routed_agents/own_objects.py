"""Python objects of the user's own, named by their place: `module:object`."""

from __future__ import annotations

import importlib
import os
import sys
import sysconfig
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from routed_envs.errors import InputError, unknown_name

PACKAGES = ("routed_envs", "routed_agents", "routed_rl")
"""Ours."""


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
        with _current_folder():
            module = importlib.import_module(module_name)
    except Exception as error:  # The user's module may raise anything.
        if _is_missing(module_name, error):
            raise InputError(
                f"{kind} {place!r}: the module {module_name!r} cannot be imported ({error}). Give "
                "module:object, with a module that Python finds from the current folder."
            ) from None
        raise InputError(
            f"{kind} {place!r}: importing the module {module_name!r} failed{_where(error)}: "
            f"{traceback.format_exception_only(error)[-1].strip()}."
        ) from None
    names = [name for name, value in vars(module).items() if _is_own(name, value)]
    if object_name not in vars(module):
        if not names:
            raise InputError(f"{kind} {place!r}: the module {module_name!r} is empty.")
        raise unknown_name(f"object in {module_name}", object_name, names)
    return getattr(module, object_name)


def _is_own(name: str, value: object) -> bool:
    """Whether a module may mean a name for others: not one that it only imports another by."""
    only_imported = isinstance(value, ModuleType) or value is annotations
    return not (only_imported or name.startswith("_"))


def _is_missing(module: str, error: Exception) -> bool:
    """Whether importing failed for want of such a module, and not by what stands in it."""
    if not all(part.isidentifier() for part in module.split(".")):
        return True
    return isinstance(error, ModuleNotFoundError) and f"{module}.".startswith(f"{error.name}.")


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
        with _current_folder():
            return call()
    except InputError as error:
        raise InputError(f"{kind} {place!r}: {error}") from None
    except Exception as error:
        raise InputError(
            f"{kind} {place!r}: calling it failed{_where(error)}: {error!r}. {needs}"
        ) from None


@contextmanager
def _current_folder() -> Iterator[None]:
    """Let Python find modules in the current folder, for as long as the user's own are used.

    It is not on the path otherwise: a folder that was downloaded may hold modules with the names of
    packages that some library tries to import.
    """
    folder = os.getcwd()
    if folder in sys.path:
        yield
        return
    sys.path.append(folder)
    try:
        yield
    finally:
        sys.path.remove(folder)


def _where(error: Exception) -> str:
    """The user's line that an error came by last; whoever raised it may be a library.

    Empty if it came by none but ours: the call itself did not fit.
    """
    if isinstance(error, SyntaxError) and error.filename:
        return f" in {error.filename}, line {error.lineno}"
    modules = (sys.modules.get(name) for name in PACKAGES)
    ours = [str(Path(module.__file__).parent) for module in modules if module and module.__file__]
    libraries = [sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")]
    # Code without a file, such as what `dataclasses` makes, is in angle brackets.
    places = [
        place
        for place in traceback.extract_tb(error.__traceback__)
        if not place.filename.startswith("<") and not _lies_in(place.filename, ours)
    ]
    own = [place for place in places if not _lies_in(place.filename, libraries)]
    return "".join(f" in {place.filename}, line {place.lineno}" for place in (own or places)[-1:])


def _lies_in(file: str, folders: list[str]) -> bool:
    return any(map(Path(file).is_relative_to, folders))
