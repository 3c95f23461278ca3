"""The primitive: identity forward, weighted gradient backward, under every transformation."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.func import grad, vmap

from routed_agents import route, route_parameters
from routed_agents.routing import add_loss
from routed_envs import InputError


def test_forward_returns_the_same_bits_also_at_infinity():
    values = torch.tensor([1.1, -0.0, float("inf"), -float("inf"), float("nan"), 1e-45])
    for weight in (0.0, 0.3, 1.0):
        routed = route(values, torch.full((6,), weight))
        assert torch.equal(routed.view(torch.int32), values.view(torch.int32))


def test_gradient_is_exactly_zero_where_closed_and_untouched_where_open():
    values = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], requires_grad=True)
    route(values, torch.tensor([0.0, 1.0, 0.25])).square().sum().backward()
    # d(x^2)/dx = 2x, times 0, 1 and 1/4.
    assert values.grad is not None
    assert values.grad.tolist() == [[0.0, 0.0], [6.0, 8.0], [2.5, 3.0]]


def test_the_weight_itself_learns_nothing():
    weight = torch.tensor([0.5], requires_grad=True)
    route(torch.tensor([2.0], requires_grad=True), weight).sum().backward()
    assert weight.grad is None


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.floats(-10, 10), min_size=3, max_size=3),
    st.lists(st.floats(-10, 10), min_size=6, max_size=6),
)
def test_gradient_is_weight_times_unrouted_gradient_in_double_precision(
    weights: list[float], numbers: list[float]
):
    weight = torch.tensor(weights, dtype=torch.float64)
    values = torch.tensor(numbers, dtype=torch.float64).view(3, 2)

    def function(x: torch.Tensor) -> torch.Tensor:
        return (x.sin() * x).sum()

    unrouted = grad(function)(values)
    routed = grad(lambda x: function(route(x, weight)))(values)
    assert torch.equal(routed, unrouted * weight[:, None])


def test_weights_may_be_given_for_each_of_several_leading_axes():
    values = torch.ones(2, 3, 4, requires_grad=True)
    weight = torch.tensor([[0.0, 0.5, 1.0], [1.0, 0.5, 0.0]])
    route(values, weight).sum().backward()
    assert values.grad is not None
    assert torch.equal(values.grad, weight[:, :, None].expand(2, 3, 4))


def test_boolean_weights_open_and_close():
    values = torch.ones(2, requires_grad=True)
    route(values, torch.tensor([True, False])).sum().backward()
    assert values.grad is not None
    assert values.grad.tolist() == [1.0, 0.0]


def test_vmap_over_grad_equals_a_loop():
    values, weights = torch.randn(5, 3, 2), torch.rand(5, 3)

    def gradient(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        return grad(lambda y: route(y, weight).exp().sum())(x)

    together = vmap(gradient)(values, weights)
    alone = torch.stack([gradient(x, w) for x, w in zip(values, weights, strict=True)])
    assert torch.equal(together, alone)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")  # Dynamo's.
def test_compiled_equals_eager():
    values = torch.randn(4, 3, requires_grad=True)
    weight = torch.tensor([0.0, 1.0, 0.5, 0.25])

    def function(x: torch.Tensor) -> torch.Tensor:
        return (route(x.tanh(), weight) * 3).sum()

    (eager,) = torch.autograd.grad(function(values), values)
    compiled = torch.compile(function, backend="aot_eager", fullgraph=True)
    (traced,) = torch.autograd.grad(compiled(values), values)
    assert torch.allclose(eager, traced, atol=1e-7)
    assert traced[0].tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 4, 1)])
def test_a_weight_that_does_not_fit_is_refused_with_both_shapes(shape: tuple[int, ...]):
    with pytest.raises(InputError, match=r"\(2, 4\)"):
        route(torch.zeros(2, 4), torch.zeros(shape))


def two_layers() -> tuple[nn.Linear, nn.Linear, torch.Tensor]:
    torch.manual_seed(0)
    return nn.Linear(3, 4), nn.Linear(4, 2), torch.randn(5, 3)


def test_routed_parameters_learn_their_share_and_what_is_below_learns_everything():
    below, above, inputs = two_layers()
    weight = torch.tensor([0.0, 1.0, 0.5, 0.0, 1.0])
    above(below(inputs)).sum().backward()
    everything = below.weight.grad
    below.zero_grad()
    above.zero_grad()
    routed = route_parameters(above, below(inputs), weight)
    assert torch.equal(routed, above(below(inputs)))
    routed.sum().backward()
    assert below.weight.grad is not None
    assert torch.allclose(below.weight.grad, everything)  # pyright: ignore[reportArgumentType]
    # The gradient of a sum is the sum of the inputs, weighted by hand.
    expected = (weight[:, None] * below(inputs)).sum(0)
    assert torch.allclose(above.weight.grad, expected.expand(2, 4))  # pyright: ignore[reportArgumentType]
    assert torch.allclose(above.bias.grad, weight.sum().expand(2))  # pyright: ignore[reportArgumentType]


def test_a_closed_route_at_activations_keeps_the_sample_from_what_is_below():
    below, above, inputs = two_layers()
    route(above(below(inputs)), torch.zeros(5)).sum().backward()
    assert below.weight.grad is not None
    assert not below.weight.grad.any()


def test_routing_parameters_without_trainable_inputs_is_routing_activations():
    _, above, _ = two_layers()
    inputs, weight = torch.randn(5, 4), torch.rand(5)
    route_parameters(above, inputs, weight).square().sum().backward()
    one = above.weight.grad
    above.zero_grad()
    route(above(inputs), weight).square().sum().backward()
    assert torch.equal(one, above.weight.grad)  # pyright: ignore[reportArgumentType]


def test_an_added_loss_brings_its_gradient_once_whatever_becomes_of_the_values():
    values = torch.tensor([1.0, 2.0], requires_grad=True)
    other = torch.tensor(3.0, requires_grad=True)
    carried = add_loss(values, other.square())
    assert torch.equal(carried, values)
    (0.0 * carried.sum() + 5.0 * carried.prod()).backward()
    assert float(other.grad) == 6.0  # pyright: ignore[reportArgumentType]
    assert values.grad is not None
    assert values.grad.tolist() == [10.0, 5.0]


def test_a_number_is_the_weight_of_every_sample():
    values = torch.rand(3, 2, requires_grad=True)
    route(values, 0.25).sum().backward()
    assert values.grad is not None
    assert values.grad.eq(0.25).all()
