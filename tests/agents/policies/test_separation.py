"""How far apart experts and gate are: worked by hand, and the same in every space of actions."""

from __future__ import annotations

import math

import pytest
import torch
from helpers import network, observations

from routed_agents import NetworkSettings
from routed_agents.policies.separation import few, separation


class Fixed:
    """Experts that act by given probabilities, whatever they see, and a gate of given weights."""

    def __init__(self, experts: list[list[float]], gate: list[list[float]]) -> None:
        self.experts, self.gate = torch.tensor(experts), torch.tensor(gate)

    def gate_logits(self, inputs: torch.Tensor, /) -> torch.Tensor:
        return self.gate[inputs].log()

    def each_log_probability(self, inputs: torch.Tensor, actions: torch.Tensor, /) -> torch.Tensor:
        return self.experts.T[actions].log()


SEEN, TAKEN = torch.tensor([0, 1]), torch.tensor([0, 1])
EVEN = [[0.5, 0.5], [0.5, 0.5]]


def entropy(*probabilities: float) -> float:
    """In bits."""
    return -sum(p * math.log2(p) for p in probabilities)


@pytest.mark.parametrize(
    ("experts", "divergence"),
    [
        ([[0.7, 0.3], [0.7, 0.3]], 0.0),
        ([[1.0, 0.0], [0.0, 1.0]], 1.0),
        ([[0.75, 0.25], [0.25, 0.75]], 1 - entropy(0.75, 0.25)),
    ],
)
def test_divergence_worked_by_hand(experts: list[list[float]], divergence: float):
    found = separation(Fixed(experts, EVEN), False, SEEN, TAKEN)
    assert found == {"divergence": pytest.approx(divergence, abs=1e-6)}


@pytest.mark.parametrize(
    ("gate", "mean_entropy", "information"),
    [
        (EVEN, 1.0, 0.0),
        ([[1.0, 0.0], [1.0, 0.0]], 0.0, 0.0),
        ([[1.0, 0.0], [0.0, 1.0]], 0.0, 1.0),
        ([[0.9, 0.1], [0.1, 0.9]], entropy(0.9, 0.1), 1 - entropy(0.9, 0.1)),
    ],
)
def test_a_gate_that_says_the_same_tells_nothing(
    gate: list[list[float]], mean_entropy: float, information: float
):
    found = separation(Fixed(EVEN, gate), True, SEEN, TAKEN)
    assert found["gate_entropy"] == pytest.approx(mean_entropy, abs=1e-6)
    assert found["gate_information"] == pytest.approx(information, abs=1e-6)


def test_three_experts_and_a_network():
    policy = network(NetworkSettings(("a", "b", "c"), "learned", (4, 5, 5), 4, (16,), (8,), 0))
    found = separation(policy, True, observations(40), torch.arange(40) % 4)
    assert 0 < found["divergence"] < 0.2
    assert 0.8 < found["gate_entropy"] < 1
    with torch.no_grad():
        for expert in list(policy.experts.values())[1:]:
            expert.load_state_dict(policy.experts["a"].state_dict())
    alike = separation(policy, True, observations(40), torch.arange(40) % 4)
    assert alike["divergence"] == pytest.approx(0, abs=1e-6)


def test_some_steps_are_evenly_spaced():
    assert few(torch.arange(12).view(4, 3)).tolist() == list(range(12))
    assert few(torch.arange(2048).view(32, 64)).tolist() == list(range(0, 2048, 4))
