"""The constants that routing adds, by the share that is overseen."""

from __future__ import annotations

import dataclasses

import pytest

from routed_agents import RoutingSettings
from routed_envs import InputError


@pytest.mark.parametrize(
    ("share", "weight", "offset"),
    [(0.0, 5.0, 2.0), (0.1, 5.0, 1.8), (0.5, 1.0, 1.0), (0.8, 0.25, 0.4), (1.0, 0.1, 0.0)],
)
def test_the_more_is_overseen_the_less_it_counts(share: float, weight: float, offset: float):
    """By hand: at a limit of one half, weight x share equals what is not overseen."""
    settings = RoutingSettings(0.3, overseen_weight=5.0, overseen_limit=0.5, advantage_offset=2.0)
    there = settings.at(share)
    assert there.overseen_weight == pytest.approx(weight)
    assert there.advantage_offset == pytest.approx(offset)
    assert there.gate_coefficient == 0.3
    unlimited = dataclasses.replace(settings, overseen_limit=1.0)
    assert unlimited.at(share).overseen_weight == 5.0


def test_the_defaults_add_only_the_gates_loss():
    assert all(RoutingSettings().at(share) == RoutingSettings() for share in (0.0, 0.4, 1.0))


@pytest.mark.parametrize(
    "changes",
    [
        {"gate_coefficient": -0.1},
        {"overseen_weight": -1.0},
        {"overseen_limit": 0.0},
        {"overseen_limit": 1.5},
    ],
)
def test_constants_out_of_range_are_refused(changes: dict[str, float]):
    (name,) = changes
    with pytest.raises(InputError, match=f"{name}={changes[name]}"):
        RoutingSettings(**changes)
