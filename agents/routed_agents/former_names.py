"""Where modules stood when runs and models were saved that must still be known as what they are."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from importlib import import_module
from types import ModuleType
from typing import Any

MOVED = {
    "routed_agents.known_methods": "routed_agents.methods.catalogue",
    "routed_agents.methods": "routed_agents.methods.record",
    "routed_agents.relabelling": "routed_agents.methods.relabelling",
    "routed_agents.selection": "routed_agents.methods.early_stopping",
    "routed_agents.stable_baselines.policy": "routed_agents.stable_baselines.actor_critic",
    "routed_agents.stable_baselines.settings": "routed_agents.methods.routing_settings",
}
"""Each module's name in what commit bf9a7c6 and those before it saved, with the present one."""
_FORMER = {now: before for before, now in MOVED.items()}


def saved_name(module: str) -> str:
    """The name under which a module, given its present one, stands in saved runs."""
    return _FORMER.get(module, module)


@contextmanager
def former_modules() -> Iterator[None]:
    """Let what is unpickled find its classes under the names that they had when it was saved."""
    with ExitStack() as aliases:
        for before, now in MOVED.items():
            aliases.enter_context(_alias(before, import_module(now)))
        yield


@contextmanager
def _alias(name: str, module: ModuleType) -> Iterator[None]:
    """Let a name stand for a module, or the package that has it today show what the module holds.

    The package stays in its place, so that what is unpickled can import modules from it.
    """
    found = sys.modules.get(name)
    place: dict[str, Any] = sys.modules
    key, value = name, module
    if hasattr(found, "__path__"):
        place, key, value = vars(found), "__getattr__", partial(getattr, module)
    present = place.get(key)
    place[key] = value
    try:
        yield
    finally:
        if present is None:
            del place[key]
        else:
            place[key] = present
