"""What is shown while a run trains: figures under the bar, folded between them."""

from __future__ import annotations

from typing import Any

import pytest

from routed_rl.runs.progress import TrainingBar

ENTRY: dict[str, Any] = {
    "update": 1350,
    "labels": {"diamond": 1293, "ghost": 324},
    "overseer": {
        "episodes": 91,
        "reward_per_step": 0.0811,
        "diamond": 0.02,
        "ghost": 0.03,
        "timeout": 0.09,
        "unknown": 0.86,
    },
    "learner": {"entropy": 1.3284, "loss": 7.0},
    "evaluation": {
        "mixture": {"episode_return": 0.1, "diamond_rate": 0.46, "ghost_rate": 0.44},
        "diamond": {"episode_return": 0.8, "diamond_rate": 0.91, "ghost_rate": 0.04},
    },
}


def shown(columns: int, monkeypatch: pytest.MonkeyPatch, *entries: dict[str, Any]) -> list[str]:
    """The lines under the bar in a terminal of that width."""
    monkeypatch.setenv("COLUMNS", str(columns))
    bar = TrainingBar(10, 0, 64, "environment_steps", visible=False)
    for entry in entries:
        bar.show(entry)
    return [
        str(part).replace("\N{NO-BREAK SPACE}", " ") for part in list(bar.get_renderables())[1:]
    ]


def test_reward_entropy_labels_and_the_overseers_view_are_shown(monkeypatch: pytest.MonkeyPatch):
    later = ENTRY | {"evaluation": None, "labels": {"diamond": 1300, "ghost": 330}}
    assert shown(200, monkeypatch, ENTRY, later) == [
        "reward a step 0.081  entropy 1.328  labels 1,300 diamond, 330 ghost",
        "overseer sees diamond 2%, ghost 3%, timeout 9%, unknown 86% of 91 episodes",
        "ends on diamond (update 1,350): mixture 46%, diamond 91%",
    ]


def test_a_narrow_terminal_folds_between_figures(monkeypatch: pytest.MonkeyPatch):
    assert shown(40, monkeypatch, ENTRY) == [
        "reward a step 0.081  entropy 1.328",
        "labels 1,293 diamond, 324 ghost",
        "overseer sees diamond 2%, ghost 3%,",
        "timeout 9%, unknown 86% of 91 episodes",
        "ends on diamond (update 1,350):",
        "mixture 46%, diamond 91%",
    ]


def test_figures_that_are_not_known_yet_are_left_out(monkeypatch: pytest.MonkeyPatch):
    overseer = {"episodes": 1, "left": 0.0, "right": 1.0}
    early = ENTRY | {"overseer": overseer, "learner": {}, "evaluation": None}
    assert shown(80, monkeypatch, early | {"labels": {"left": 0, "right": 1}}) == [
        "labels 0 left, 1 right",
        "overseer sees left 0%, right 100% of 1 episode",
    ]
