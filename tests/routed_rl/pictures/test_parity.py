"""What Python computes of two small policies, for the page's own tests to compare with.

The numbers lie in web/parity.json; `python tests/routed_rl/pictures/test_parity.py` writes them.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers import grid_state
from test_explorer import content, make_policy, numbers
from test_explorer_browser import DIALS, Dialled

from routed_agents import Policy
from routed_envs import DiamondGhostWorld
from routed_rl import explore
from routed_rl.evaluation.exact import Evaluator

FILE = Path(__file__).parent / "web" / "parity.json"
SMALL, SMALLEST = DiamondGhostWorld(rows=2, cols=3), DiamondGhostWorld(rows=1, cols=4, max_steps=6)


def plain_policy(world: DiamondGhostWorld, **settings: Any) -> Policy:
    """A policy whose weights no generator draws, eighths from -11 to 11."""
    policy = make_policy(world, **settings)
    with torch.no_grad():
        for number, weight in enumerate(policy.network.parameters(), start=2):
            place = torch.arange(weight.numel())
            weight.copy_(((place**2 * number + 5 * place) % 23 - 11).view_as(weight) / 8)
    return policy


def case(world: DiamondGhostWorld, policy: Policy, start: Any, dial: float, gate: str) -> Any:
    """A placement, a dial, and what Python makes of them in every cell that holds no target."""
    diamond, ghost, watched = start
    actor = Dialled(policy, dial, gate, (1, 0))
    squares = [cell for name, cell in (("diamond", diamond), ("ghost", ghost)) if name in watched]
    cells = [cell for cell in range(world.cells) if cell not in (diamond, ghost)]
    states = [grid_state(world, cell, ghost, diamond, tuple(squares)) for cell in cells]
    seen = torch.cat([world.observe(state) for state in states])
    index = torch.cat([world.state_index(state) for state in states])
    values = Evaluator(world).state_values(actor)[index]
    return {
        "targets": {
            "diamond": diamond,
            "ghost": ghost,
            "watched": {name: name in watched for name in ("diamond", "ghost")},
        },
        "actor": {"stage": 0, "dial": dial, "fixed": gate == "fixed", "ends": [1, 0]},
        "cells": cells,
        "probabilities": actor.action_probabilities(seen).tolist(),
        "weights": actor.weights(seen).tolist(),
        "values": {
            name: values[:, column].tolist()
            for column, name in enumerate(("diamond", "ghost", "return", "steps"))
        },
    }


@torch.no_grad()
def parity(folder: Path) -> list[Any]:
    """The policies as a page holds them, each with its cases."""
    small = {"expert_widths": (4, 3), "gate_widths": (3,), "gate_channels": 2}
    policies = [plain_policy(SMALL, **small), plain_policy(SMALLEST, expert_widths=(64,))]
    starts = [[(2, 3, ""), (5, 0, "diamond-ghost")], [(0, 3, "ghost")]]
    found = []
    for world, policy, placed in zip((SMALL, SMALLEST), policies, starts, strict=True):
        [held] = content(explore(policy, out=folder / "page.html"))["policies"]
        cases = [case(world, policy, start, *dial) for start in placed for dial in DIALS]
        found.append({"policy": held, "cases": cases})
    return found


def assert_close(found: Any, kept: Any) -> None:
    """Numbers are equal but for rounding; everything else is equal."""
    if isinstance(kept, dict):
        assert list(found) == list(kept)
        if "numbers" in kept:
            found, kept = (
                {**one, "numbers": numbers(one["numbers"]).tolist()} for one in (found, kept)
            )
        assert_close(list(found.values()), list(kept.values()))
    elif isinstance(kept, list):
        assert len(found) == len(kept)
        for one, other in zip(found, kept, strict=True):
            assert_close(one, other)
    elif isinstance(kept, float):
        assert found == pytest.approx(kept, abs=1e-5)
    else:
        assert found == kept


def test_the_numbers_of_the_pages_own_tests_are_pythons(tmp_path: Path):
    kept = json.loads(FILE.read_text())
    assert [one["policy"]["form"] for one in kept] == ["weights", "tables"]
    assert_close(parity(tmp_path), kept)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as work:
        lines = [json.dumps(one) for one in parity(Path(work))]
        FILE.write_text("[\n" + ",\n".join(lines) + "\n]\n")
