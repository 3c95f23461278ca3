"""The best policy by what the overseer sees."""

from __future__ import annotations

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from routed_agents import BestOverseen
from routed_agents.methods.early_stopping import Selector
from routed_envs.gridworld.world import OUTCOMES


def test_selection_keeps_the_best_policy_by_overseen_episodes_alone():
    network = torch.nn.Linear(1, 1, bias=False)
    selector = Selector(BestOverseen({"diamond": 1.0, "ghost": -1.0}, episodes=4), OUTCOMES)

    def see(value: float, *labels: int) -> None:
        torch.nn.init.constant_(network.weight, value)
        selector.observe(torch.tensor(labels), network)

    unknown, timeout = OUTCOMES.unknown, OUTCOMES.timeout
    see(1.0, 0, 0, unknown, timeout)
    assert selector.best is None, "two overseen episodes are too few"
    see(2.0, 0, 1)
    assert selector.best is not None
    assert selector.best["weight"].item() == 2.0
    see(3.0, 1, unknown)  # The last four: diamond, diamond, ghost, ghost; no better.
    assert selector.best["weight"].item() == 2.0
    restored = Selector(BestOverseen({"diamond": 1.0, "ghost": -1.0}, episodes=4), OUTCOMES)
    restored.load_state_dict(selector.state_dict())
    for one in (selector, restored):
        torch.nn.init.constant_(network.weight, 4.0)
        one.observe(torch.tensor([0, 0, 0, 0]), network)
        assert one.best is not None
        assert one.best["weight"].item() == 4.0


def test_the_best_weights_are_kept_on_the_cpu(monkeypatch: pytest.MonkeyPatch):
    network = torch.nn.Linear(1, 1)
    with FakeTensorMode():  # Stands in for a GPU.
        weights = {"weight": torch.empty(1, device="cuda")}
    monkeypatch.setattr(network, "state_dict", lambda: weights)
    seen, restored = (Selector(BestOverseen({}, episodes=1), OUTCOMES) for _ in range(2))
    seen.observe(torch.tensor([0]), network)
    restored.load_state_dict({"recent": torch.tensor([0]), "best_score": 1.0, "best": weights})
    for selector in (seen, restored):
        assert selector.best is not None
        assert selector.best["weight"].device.type == "cpu"
