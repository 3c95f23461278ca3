"""What a run warns of: from which figures on, once, and what earlier versions' runs warned of."""

from __future__ import annotations

from typing import Any

import pytest

from routed_agents import get_method
from routed_envs.gridworld.world import OUTCOMES
from routed_rl.runs.warning_signs import (
    ALIKE,
    BELIEF_LOST,
    Noted,
    RunWarning,
    read_warnings,
    signs,
)

SURE = {"agreement": 0.6, "sureness": 0.95, "labels": 200.0, "without_label": 0.0}


def line(update: int, updates: int = 1000, **groups: Any) -> dict[str, Any]:
    """A line of a run's log."""
    return {"update": update, "updates": updates, "experts": None, "belief": None} | groups


@pytest.mark.parametrize(
    ("entry", "names"),
    [
        (line(499, experts={"divergence": 0.0}), []),
        (line(500, experts={"divergence": 0.0}), ["experts alike"]),
        (line(500, experts={"divergence": ALIKE}), []),
        (line(99, 120, experts={"divergence": 0.0}), []),
        (line(100, 120, experts={"divergence": 0.0}), ["experts alike"]),
        (line(749, experts={"divergence": 1.0, "gate_information": 0.0}), []),
        (line(750, experts={"divergence": 1.0, "gate_information": 0.0}), ["gate alike"]),
        (line(749, belief=SURE), []),
        (line(750, belief=SURE), ["lost touch"]),
        (line(750, belief=SURE | {"agreement": 0.8}), []),
    ],
)
def test_experts_gates_and_beliefs_are_judged_late(entry: dict[str, Any], names: list[str]):
    assert list(signs(entry, {})) == names


@pytest.mark.parametrize(
    ("update", "updates", "last", "warned"),
    [(99, 1000, 0, False), (100, 1000, 0, True), (700, 1000, 601, False), (49, 60, 0, False)],
)
def test_a_wanted_ending_long_without_a_label(update: int, updates: int, last: int, warned: bool):
    found = signs(line(update, updates), {"diamond": last})
    assert list(found) == ["no label of diamond"] * warned


def test_labels_are_counted_and_each_warning_is_given_once():
    noted = Noted.of(("diamond", "ghost"))
    noted.count({"diamond": 2, "ghost": 0, "timeout": 5, "unknown": 9}, 30)
    noted.count({"diamond": 0, "ghost": 3, "timeout": 5, "unknown": 9}, 40)
    assert (noted.labels, noted.last) == ({"diamond": 2, "ghost": 3}, {"diamond": 30, "ghost": 40})
    assert noted.warn(line(120), ("diamond",)) == []
    (warning,) = noted.warn(line(130), ("diamond",))
    assert (warning.name, warning.update) == ("no label of diamond", 130)
    assert "No label of diamond came in the last 100 updates" in warning.sentence
    assert noted.warn(line(140), ("diamond",)) == []


def test_a_resumed_run_goes_on_counting():
    noted = Noted.of(("diamond",))
    noted.count({"diamond": 2}, 30)
    noted.warn(line(200), ("diamond",))
    assert Noted.resumed({"noted": noted.to_json()}, Noted.of(("diamond",))) == noted
    assert Noted.resumed({"update": 70}, Noted.of(("diamond",))) == Noted(
        {"diamond": 0}, {"diamond": 70}
    )


def test_what_a_damaged_file_holds_is_refused():
    noted = Noted.of(("left",)).to_json()
    with pytest.raises(ValueError, match="its labels are"):
        Noted.resumed({"noted": noted}, Noted.of(("diamond",)))
    for damaged in ({"name": "a", "update": "soon", "words": "b"}, {"name": "a"}):
        with pytest.raises(TypeError):
            read_warnings({"warnings": [damaged]})


def test_a_belief_that_lost_touch_at_the_end_is_told_whenever_that_was_seen():
    lost = RunWarning("lost touch", 40, BELIEF_LOST)
    noted = Noted.of(("diamond",))
    assert noted.concluded({"lost_touch": False}, 40) == []
    told = noted.concluded({"lost_touch": True}, 40)
    assert told == noted.concluded({"lost_touch": True}, 40), "it is noted once"
    assert read_warnings({"warnings": told}) == (lost,)
    assert read_warnings({"updates": 40, "belief": {"lost_touch": True}}) == (lost,)
    assert read_warnings({"updates": 40, "belief": None}) == ()


@pytest.mark.parametrize(
    ("method", "needed"),
    [
        ("inferred", ("diamond",)),
        ("routed", ("diamond",)),
        ("filtering", ("diamond",)),
        ("reward-model", ("diamond",)),
        ("naive", ()),
        ("oracle", ()),
    ],
)
def test_which_labels_a_method_cannot_do_without(method: str, needed: tuple[str, ...]):
    assert get_method(method, OUTCOMES).needed_labels(OUTCOMES) == needed
