"""What users may give as methods of their own, good and bad."""

from __future__ import annotations

import dataclasses

import torch

from routed_agents import Method, Rollout, get_method
from routed_envs import Outcomes
from routed_envs.gridworld.world import OUTCOMES


def own(outcomes: Outcomes) -> Method:
    return dataclasses.replace(get_method("naive", outcomes), name="own")


OWN = own(OUTCOMES)
NOT_A_METHOD = {"rows": 3}


def fails(outcomes: Outcomes) -> Method:
    raise KeyError("a fault of mine")


def takes_nothing() -> Method:
    return OWN


def misspells(outcomes: Outcomes) -> Method:
    return dataclasses.replace(OWN, the_name="own")  # pyright: ignore[reportCallIssue]


def _breaks(
    rollout: Rollout, memory: dict[str, torch.Tensor], generator: torch.Generator
) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """Goes well for a while, as faults do."""
    calls = memory.get("calls", torch.tensor(0)) + 1
    if calls > 3:
        raise RuntimeError("a fault of mine in the fourth update")
    return rollout.labels, {"calls": calls}


BREAKS = dataclasses.replace(OWN, name="breaks", relabel=_breaks)
