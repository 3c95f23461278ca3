"""Where modules stood when runs and models were saved that must still be known as what they are."""

from __future__ import annotations

MOVED = {
    "routed_agents.known_methods": "routed_agents.methods.catalogue",
    "routed_agents.methods": "routed_agents.methods.record",
    "routed_agents.relabelling": "routed_agents.methods.relabelling",
    "routed_agents.selection": "routed_agents.methods.early_stopping",
    "routed_agents.stable_baselines.entropy": "routed_agents.stable_baselines.entropy",
    "routed_agents.stable_baselines.policy": "routed_agents.stable_baselines.actor_critic",
}
"""Each module's name in what version 0.1.0 saved, with the present one."""
_FORMER = {now: before for before, now in MOVED.items()}


def saved_name(module: str) -> str:
    """The name under which a module's functions stand in saved runs.

    Args:
        module: Its present name.
    """
    return _FORMER.get(module, module)
