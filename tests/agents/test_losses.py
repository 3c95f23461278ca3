"""The terms of the loss: hand-worked numbers, and nothing that turns NaN."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from routed_agents import losses


def column(*numbers: float) -> torch.Tensor:
    return torch.tensor(numbers).unsqueeze(1)


def test_without_values_an_advantage_is_the_discounted_return_inside_the_window():
    rewards, ended = column(0, 1, 0, 1), column(0, 1, 0, 0).bool()
    found = losses.advantages(rewards, ended, torch.zeros(5, 1), discount=0.5, trace_decay=1.0)
    # The first episode ends at step 1; the second one's reward at step 3 flows back to step 2.
    assert found.flatten().tolist() == [0.5, 1.0, 0.5, 1.0]


def test_the_last_value_stands_for_what_follows_the_window():
    values = column(0, 0, 4)
    found = losses.advantages(column(0, 0), column(0, 0).bool(), values, 0.5, 1.0)
    assert found.flatten().tolist() == [1.0, 2.0]
    ended = losses.advantages(column(0, 0), column(0, 1).bool(), values, 0.5, 1.0)
    assert ended.flatten().tolist() == [0.0, 0.0]


def test_the_baseline_is_subtracted_and_the_trace_decays():
    rewards, ended, values = column(0, 1), column(0, 1).bool(), column(0.5, 0.25, 9)
    # Errors: 0 + 0.5 x 0.25 - 0.5 = -0.375 and 1 - 0.25 = 0.75; traces decay by 0.5 x 0.5.
    found = losses.advantages(rewards, ended, values, 0.5, 0.5)
    assert found.flatten().tolist() == [-0.375 + 0.25 * 0.75, 0.75]
    # Lambda 0 is the one-step error, lambda 1 the return minus the value.
    one_step = losses.advantages(rewards, ended, values, 0.5, 0.0)
    assert one_step.flatten().tolist() == [-0.375, 0.75]
    full = losses.advantages(rewards, ended, values, 0.5, 1.0)
    assert full.flatten().tolist() == [0.5 - 0.5, 0.75]


def test_policy_gradient_loss_and_its_gradient():
    logits = torch.tensor([[0.0, 0.0], [0.0, math.log(3)]], requires_grad=True)
    log_probabilities = logits.log_softmax(1)
    actions, advantage = torch.tensor([0, 1]), torch.tensor([2.0, -1.0])
    loss = losses.policy_gradient_loss(log_probabilities, actions, advantage, torch.ones(2))
    # -(2 log 1/2 - log 3/4) / 2
    assert loss.item() == pytest.approx(-(2 * math.log(0.5) - math.log(0.75)) / 2)
    loss.backward()
    assert logits.grad is not None
    # -advantage x (one-hot - probabilities) / 2
    expected = [-0.5, 0.5, 0.5 * -0.25, 0.5 * 0.25]
    assert logits.grad.flatten().tolist() == pytest.approx(expected)


def test_entropy_of_uniform_and_certain_policies():
    uniform = torch.full((1, 4), 0.25).log()
    assert losses.entropy(uniform, torch.ones(1)).item() == pytest.approx(math.log(4))
    certain = torch.tensor([[0.0, -100.0]])
    assert losses.entropy(certain, torch.ones(1)).item() == pytest.approx(0.0, abs=1e-30)


def test_sample_weights_scale_each_sample_of_a_mean_over_all():
    values, targets = torch.tensor([1.0, 2.0, 3.0]), torch.zeros(3)
    weights = torch.tensor([0.0, 1.0, 0.5])
    assert losses.value_loss(values, targets, weights).item() == pytest.approx((4 + 4.5) / 3)


def test_gate_loss_is_a_mean_over_the_samples_with_a_target():
    logits = torch.tensor([[0.0, 0.0], [math.log(3), 0.0], [50.0, 0.0]])
    targets, has_target = torch.tensor([0, 1, 1]), torch.tensor([1.0, 1.0, 0.0])
    expected = (math.log(2) + math.log(4)) / 2
    assert losses.gate_loss(logits, targets, has_target).item() == pytest.approx(expected)
    assert losses.gate_loss(logits, targets, torch.zeros(3)).item() == 0.0


@given(st.lists(st.floats(-1e3, 1e3, width=32), min_size=1, max_size=20), st.integers(0, 2**20))
def test_normalised_advantages_are_finite_with_mean_zero(numbers: list[float], mask: int):
    values = torch.tensor(numbers)
    weights = torch.tensor([float(mask >> i & 1) for i in range(len(numbers))])
    normal = losses.normalise(values, weights)
    assert normal.isfinite().all()
    if values.std(correction=0) > 1 and weights.all():
        assert float(normal.mean()) == pytest.approx(0, abs=1e-3)
        assert float(normal.std(correction=0)) == pytest.approx(1, abs=1e-3)
