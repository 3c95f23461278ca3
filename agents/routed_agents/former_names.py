"""Where modules stood when runs and models were saved that must still be known as what they are."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

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
    present = {name: sys.modules[name] for name in MOVED if name in sys.modules}
    sys.modules.update({before: import_module(now) for before, now in MOVED.items()})
    try:
        yield
    finally:
        for name in MOVED:
            del sys.modules[name]
        sys.modules.update(present)
