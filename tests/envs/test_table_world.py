"""Worlds as tables, and observations by their entries."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from routed_envs import DiamondGhostWorld, renew
from routed_envs.entries import entries_of, in_full, is_listed
from routed_envs.table_world import MAX_STATES, TableWorld, as_tables
from scripts.own_world import Corridor

KINDS: dict[str, dict[str, Any]] = {
    "plain": {},
    "of one target more": {"oversight_diamond": 0.9, "oversight_ghost": 0.1},
    "less far away": {"oversight_falloff": 0.3},
    "mistaken": {"label_noise": 0.3},
    "hidden": {"hidden_oversight": True},
    "tempting": {"tempting_starts": True, "rows": 4, "cols": 4},
    "short": {"max_steps": 2},
}


def worlds() -> dict[str, Any]:
    small = {"rows": 3, "cols": 3, "oversight": 0.4, "max_steps": 6}
    kinds = {name: DiamondGhostWorld(**small | kind) for name, kind in KINDS.items()}
    return kinds | {"corridor": Corridor(0.4)}


@pytest.mark.parametrize("name", worlds())
def test_a_table_brings_the_same_episodes_as_the_rules(name: str):
    rules = worlds()[name]
    table, count, generator = TableWorld(rules), 200, torch.Generator().manual_seed(0)
    random = torch.rand((count, rules.random_numbers), generator=generator)
    ruled, listed, endings = rules.place(random), table.place(random), []
    for _ in range(20):
        shown = in_full(table.observe(listed), rules.observation_shape)
        assert torch.equal(shown, rules.observe(ruled))
        actions = torch.randint(rules.actions, (count,), generator=generator)
        (ruled, expected), (listed, found) = (
            rules.advance(ruled, actions),
            table.advance(listed, actions),
        )
        for field in ("outcome", "label", "reward", "ended"):
            assert torch.equal(getattr(found, field), getattr(expected, field)), field
        endings.append(found.outcome[found.ended])
        shown = in_full(table.observe(listed), rules.observation_shape)
        assert torch.equal(shown, rules.observe(ruled)), "also where an episode ended"
        table.advance(listed, actions)
        random = torch.rand((count, rules.random_numbers), generator=generator)
        ruled = renew(ruled, expected.ended, rules.place(random))
        listed = renew(listed, found.ended, table.place(random))
    timeout = rules.outcomes.timeout
    assert set(torch.cat(endings).tolist()) >= {0, 1, timeout} - (
        {timeout} if name == "corridor" else set()
    )


def test_worlds_that_cannot_be_listed_keep_their_rules():
    spurious = DiamondGhostWorld(spurious_oversight=0.1)
    assert as_tables(spurious) is spurious
    large = DiamondGhostWorld(8, 8)
    assert (large.state_count or 0) > MAX_STATES
    assert as_tables(large) is large
    assert isinstance(as_tables(DiamondGhostWorld(3, 3)), TableWorld)


@given(st.integers(0, 2**31), st.integers(0, 3), st.integers(40, 60))
def test_entries_say_the_same_as_the_observation(seed: int, most: int, size: int):
    generator = torch.Generator().manual_seed(seed)
    places = torch.rand((9, size), generator=generator).argsort(1)[:, :most]
    observations = torch.zeros((9, size), dtype=torch.int8).scatter_(1, places, 1)
    observations[0] = 0
    lists = entries_of(observations.unflatten(1, (1, size)))
    assert lists is not None
    assert is_listed(lists)
    assert torch.equal(in_full(lists, (1, size)), observations.unflatten(1, (1, size)))
    assert int((lists == size).sum()) == len(lists), "the constant is in each list, once"


@pytest.mark.parametrize("value", [2, -1])
def test_what_is_not_binary_or_not_sparse_is_not_listed(value: int):
    assert entries_of(torch.eye(64, dtype=torch.int8)) is not None
    assert entries_of(value * torch.eye(64, dtype=torch.int8)) is None
    assert entries_of(torch.ones((4, 64), dtype=torch.int8)) is None
    seen = torch.zeros((2, 4, 5, 5), dtype=torch.int8)
    assert in_full(seen, (4, 5, 5)) is seen
