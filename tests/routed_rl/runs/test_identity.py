"""Descriptions of methods: where two differ is said cell by cell."""

from __future__ import annotations

import dataclasses

import pytest

from routed_agents import BestOverseen, GateMemory, get_method
from routed_agents.methods.catalogue import METHODS
from routed_envs.gridworld.world import OUTCOMES
from routed_rl.runs.identity import differing_cells


def cells(before: str, **changes: object) -> list[str]:
    """Where a method differs from itself with some fields changed."""
    method = get_method(before, OUTCOMES)
    return differing_cells(
        method.describe(),
        dataclasses.replace(method, **changes).describe(),  # pyright: ignore[reportArgumentType]
    )


def test_the_cells_that_differ_are_named_and_no_others():
    rows = dict(get_method("naive", OUTCOMES).rows)
    rows["ghost"] = dataclasses.replace(rows["ghost"], reward=-2.0)
    assert cells("naive", rows=rows) == ["rows, ghost, reward: there -1.0, here -2.0"]
    assert cells("routed", deploy=None, gate="even") == [
        "gate: there learned, here even",
        "deploy: there diamond, here None",
    ]
    assert cells("inferred", gate_memory=GateMemory(dropout=0.0), oversight_entries=True) == [
        "gate_memory, dropout: there 0.2, here 0.0",
        "oversight_entries: there False, here nothing",
    ]
    kept = cells("naive", select=BestOverseen({"diamond": 1.0}, episodes=3))
    assert kept == ["select: there None, here BestOverseen(scores={'diamond': 1.0}, episodes=3)"]


def test_functions_without_a_name_are_read_too():
    (line,) = cells("naive", updates=lambda oversight: 0.5)
    assert line.startswith("updates: there routed_agents.methods._whole_budget, here ")
    assert line.endswith(".<locals>.<lambda>")


def test_what_is_no_python_is_shown_from_where_it_begins_to_differ():
    there, here = f"{'same ' * 40}<one at 0x7f>", f"{'same ' * 40}<other at 0x8f>"
    (line,) = differing_cells(there, here)
    assert line.startswith("from character 172: there 'me same ")
    assert "<one at" in line
    assert "<other at" in line
    assert len(line) < 200


@pytest.mark.parametrize("name", METHODS)
def test_every_description_can_be_read(name: str):
    text = get_method(name, OUTCOMES).describe()
    assert differing_cells(text, text) == []
    assert not differing_cells(text, f"{text}, more=1")[0].startswith("from character")
