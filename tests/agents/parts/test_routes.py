"""Routes at activations and at parameters: what is exactly zero, and what is the unrouted value."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from small_networks import gradients, loss, stack, tokens, transformer
from torch.func import functional_call, grad, vmap
from torch.utils.checkpoint import checkpoint

from routed_agents import Dimensions, Heads, Parts, Routes, Units, usage, without
from routed_agents.parts.weights import RouteWeights
from routed_envs import InputError

MLP = "blocks.*.mlp.down"
HEADS = "blocks.*.attention.out"


def stacked() -> tuple[torch.nn.Sequential, Parts]:
    model = stack()
    return model, Parts(model, {"last": Units("2", last=2), "first": Units("2", first=1)})


def transformed(shared: bool = False) -> tuple[torch.nn.Module, Parts]:
    model = transformer(shared)
    where = {
        "sea": [Units(MLP, first=3), Heads(HEADS, first=2, width=2)],
        "wood": [Units(MLP, last=4)],
    }
    return model, Parts(model, where)


INPUTS = torch.tensor([[1.0, -2.0, 0.5], [0.3, 0.1, -1.0]], dtype=torch.float64)


def test_a_closed_channel_learns_nothing_and_an_open_one_as_ever():
    model, parts = stacked()
    model(INPUTS).sum().backward()
    whole = gradients(model)
    with Routes(parts, {"mine": {"rest": 0.0, "first": 0.5}})(torch.zeros(2, dtype=torch.int64)):
        model(INPUTS).sum().backward()
    routed = gradients(model)
    # Rows of the first layer: unit 0 is of `first`, 1 to 3 the rest, 4 and 5 of `last`.
    assert torch.equal(routed["0.weight"][0], 0.5 * whole["0.weight"][0])
    assert not routed["0.weight"][1:4].any()
    assert torch.equal(routed["0.weight"][4:], whole["0.weight"][4:])
    assert torch.equal(routed["0.bias"][4:], whole["0.bias"][4:])
    # What reads the units learns to, as in the paper.
    assert torch.equal(routed["2.weight"], whole["2.weight"])


def test_exact_routes_close_parameters_and_nothing_below():
    model, parts = stacked()
    below = torch.nn.Linear(3, 3).double()
    network = torch.nn.Sequential(below, model)
    parts = Parts(network, {"last": Units("1.2", last=2), "first": Units("1.2", first=1)})
    network(INPUTS).sum().backward()
    whole = gradients(network)
    routes = Routes(parts, {"mine": {"rest": 0.0, "first": 0.5}}, exact=True)
    with routes(["mine", "mine"]):
        result = network(INPUTS)
        result.sum().backward()
    routed = gradients(network)
    assert torch.equal(result, network(INPUTS))
    assert torch.allclose(routed["1.0.weight"][0], 0.5 * whole["1.0.weight"][0])
    assert not routed["1.0.weight"][1:4].any()
    assert torch.allclose(routed["1.0.weight"][4:], whole["1.0.weight"][4:])
    assert torch.allclose(routed["1.2.weight"][:, 0], 0.5 * whole["1.2.weight"][:, 0])
    assert not routed["1.2.weight"][:, 1:4].any()
    assert torch.allclose(routed["1.2.weight"][:, 4:], whole["1.2.weight"][:, 4:])
    assert not routed["1.2.bias"].any(), "it is of the rest"
    assert not routed["0.weight"].any(), "the rest is every other parameter"
    routes.remove()
    # With the rest open, what is below learns through closed parts too.
    with Routes(parts, {"mine": {"last": 0.0}}, exact=True)(["mine", "mine"]):
        network(INPUTS).sum().backward()
    again = gradients(network)
    assert torch.allclose(again["0.weight"], whole["0.weight"])
    assert not again["1.0.weight"][4:].any()


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("shared", [False, True])
def test_one_mixed_batch_is_separate_batches(exact: bool, shared: bool):
    model, parts = transformed(shared)
    table: dict[str, Any] = {
        "sea": {"wood": 0.0, "rest": -0.75},
        "wood": {"sea": "off", "rest": 0.0},
        "unknown": {},
    }
    routes = Routes(parts, table, exact=exact)
    labels = ["sea", "unknown", "wood", "sea"]
    with routes(labels):
        loss(model, tokens()).backward()
    together = gradients(model)
    for row, label in enumerate(labels):
        with routes([label]):
            loss(model, tokens(), [row]).backward()
    apart = gradients(model)
    for name, value in together.items():
        assert torch.allclose(value, apart[name], atol=1e-12), name
    with routes(["wood"] * 4):
        loss(model, tokens()).backward()
    closed = gradients(model)
    assert not closed["blocks.0.mlp.up.weight"][:3].any(), "off"
    assert not closed["blocks.0.mlp.up.weight"][3:6].any(), "the rest, weight 0"
    assert closed["blocks.0.mlp.up.weight"][6:].all()
    assert closed["embed.weight"].any() != exact


@pytest.mark.parametrize("exact", [False, True])
def test_open_routes_change_nothing_and_no_routes_leave_no_trace(exact: bool):
    model, parts = transformed()
    result = model(tokens())
    loss(model, tokens()).backward()
    whole = gradients(model)
    routes = Routes(parts, {"any": {}}, exact=exact)
    with routes(torch.zeros(4, 5, dtype=torch.int64)):
        assert torch.equal(model(tokens()), result)
        loss(model, tokens()).backward()
    routed = gradients(model)
    for name, value in whole.items():
        assert (
            torch.equal(routed[name], value) if not exact else torch.allclose(routed[name], value)
        )
    loss(model, tokens()).backward()
    assert all(torch.equal(value, whole[name]) for name, value in gradients(model).items())
    routes.remove()
    assert not any(module._forward_pre_hooks for module in model.modules())
    assert not any("forward" in vars(module) for module in model.modules())


def test_tokens_have_labels_of_their_own_and_weights_may_be_graded():
    model, parts = transformed()
    routes = Routes(parts, {"sea": {"wood": 0.0}, "unknown": {"wood": 0.25}})
    labels = torch.tensor([[0, 1, 0, 1, 0]] * 4)
    with routes(labels):
        loss(model, tokens()).backward()
    by_table = gradients(model)
    with routes({"wood": 0.25 * labels.double()}):
        loss(model, tokens()).backward()
    graded = gradients(model)
    assert all(torch.equal(value, graded[name]) for name, value in by_table.items())
    with routes({"wood": torch.zeros(4, 5)}):
        loss(model, tokens()).backward()
    assert not gradients(model)["blocks.1.mlp.gate.weight"][6:].any()


@pytest.mark.parametrize("dtype", [torch.bool, torch.int64, torch.float64])
def test_a_number_beside_weights_of_any_kind_stays_what_it_is(dtype: torch.dtype):
    given = torch.tensor([1, 0], dtype=dtype)
    assert RouteWeights.graded([given, 0.5]).gradients.tolist() == [[1.0, 0.5], [0.0, 0.5]]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(-2, 2), min_size=2, max_size=2), st.floats(-2, 2))
def test_exact_gradients_are_weighted_sums_of_each_samples_own(weights: list[float], rest: float):
    model, parts = stacked()
    own = []
    for row in range(2):
        model(INPUTS[row : row + 1]).square().sum().backward()
        own.append(gradients(model))
    routes = Routes(parts, {}, exact=True)
    given = torch.tensor([*weights, rest], dtype=torch.float64)
    with routes({"last": given[:2], "rest": given[2].expand(2)}):
        model(INPUTS).square().sum().backward()
    routed = gradients(model)
    for name, rows in (("0.weight", slice(4, 6)), ("0.bias", slice(4, 6))):
        expected = weights[0] * own[0][name][rows] + weights[1] * own[1][name][rows]
        assert torch.allclose(routed[name][rows], expected, atol=1e-12)
    expected = rest * (own[0]["2.weight"] + own[1]["2.weight"])
    assert torch.allclose(routed["2.weight"][:, 1:4], expected[:, 1:4], atol=1e-12)


def test_dimensions_of_a_stream_are_routed_at_the_blocks_output():
    model = transformer()
    parts = Parts(model, {"axis": Dimensions("blocks.0", at=(0,), size=8)})
    with Routes(parts, {"axis": {"rest": 0.0}})(["axis"] * 4):
        loss(model, tokens()).backward()
    routed = gradients(model)
    down = routed["blocks.0.mlp.down.weight"]
    assert down[0].any()
    assert not down[1:].any()
    assert routed["blocks.1.mlp.down.weight"].all()


@pytest.mark.parametrize("size", [1, 7])
def test_a_stream_of_another_width_than_was_said_is_refused(size: int):
    model = transformer()
    parts = Parts(model, {"axis": Dimensions("blocks.0", at=(0,), size=size)})
    routes = Routes(parts, {"axis": {"rest": 0.0}})
    message = f"Block has 8 channels, and its parts were told of {size}: give size=8"
    with pytest.raises(InputError, match=message), routes(["axis"] * 4):
        model(tokens())
    routes.remove()
    with pytest.raises(InputError, match=message):
        usage(parts, tokens())
    with pytest.raises(InputError, match=message):
        without(parts, "axis")(tokens())


class Doubled(torch.nn.Linear):
    """A linear layer that does more than its class says."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002  # As it is called there.
        """[..., inputs] -> [..., outputs]."""
        return 2 * super().forward(input)


def test_exact_routes_keep_what_a_layer_of_ones_own_computes():
    model = torch.nn.Sequential(Doubled(3, 3), *stack()).double()
    routes = Routes(Parts(model, {"last": Units("3", last=2)}), {"mine": {}}, exact=True)
    expected = model(INPUTS)
    expected.sum().backward()
    plain = gradients(model)
    with routes(["mine"] * 2):
        found = model(INPUTS)
        found.sum().backward()
    assert torch.allclose(found, expected, atol=1e-12)
    for name, gradient in gradients(model).items():
        assert torch.allclose(gradient, plain[name], atol=1e-12), name


def test_labels_are_whole_numbers_of_any_size():
    model, parts = stacked()
    routes = Routes(parts, {"mine": {"last": 0.0}, "other": {"first": 0.0}})
    found = []
    for kind in (torch.int64, torch.int16, torch.uint8):
        with routes(torch.tensor([0, 1], dtype=kind)):
            model(INPUTS).sum().backward()
        found.append(gradients(model)["0.weight"])
    assert torch.equal(found[0], found[1])
    assert torch.equal(found[0], found[2])


def test_a_switched_off_part_does_not_act_for_such_samples_alone():
    model, parts = transformed()
    plain = model(tokens())
    routes = Routes(parts, {"any": {}, "locked": {"wood": "off"}})
    with routes(["any", "locked", "any", "locked"]):
        mixed = model(tokens())
    assert torch.equal(mixed[::2], plain[::2])
    assert not torch.allclose(mixed[1::2], plain[1::2])


@pytest.mark.parametrize("exact", [False, True])
def test_what_is_off_by_chance_is_what_a_table_switches_off(exact: bool):
    model, parts = transformed()
    shared = {"sea": 0.5, "rest": -1.0}
    table = {
        "any": shared,
        "locked": {**shared, "wood": "off"},
        "none": {**shared, "wood": "off", "sea": "off"},
    }
    routes = Routes(parts, table, exact=exact)

    def routed(labels: list[str], off: dict[str, torch.Tensor] | None) -> list[torch.Tensor]:
        with routes(labels, off):
            result = model(tokens())
            loss(model, tokens()).backward()
        return [result, *gradients(model).values()]

    by_table = routed(["any", "locked", "none", "none"], None)
    wood = torch.tensor([False, True, False, True])
    sea = torch.tensor([False, False, False, True])
    by_chance = routed(["any", "any", "none", "any"], {"wood": wood, "sea": sea})
    assert all(map(torch.equal, by_table, by_chance))
    nobody = {name: torch.zeros(4, dtype=torch.bool) for name in ("wood", "sea")}
    assert all(map(torch.equal, routed(["any"] * 4, nobody), routed(["any"] * 4, None)))


def test_tokens_for_which_a_graded_part_is_off():
    model, parts = transformed()
    routes = Routes(parts, {"any": {"rest": 0.5}, "locked": {"rest": 0.5, "wood": "off"}})
    labels = torch.tensor([[0, 1, 0, 1, 0]] * 4)
    with routes(labels):
        loss(model, tokens()).backward()
    by_table = gradients(model)
    half = torch.full(labels.shape, 0.5, dtype=torch.double)
    with routes({"rest": half}, {"wood": labels == 1}):
        loss(model, tokens()).backward()
    assert all(torch.equal(value, by_table[name]) for name, value in gradients(model).items())


@pytest.mark.parametrize("exact", [False, True])
def test_activation_checkpointing_sees_the_labels(exact: bool):
    model, parts = transformed()
    routes = Routes(parts, {"sea": {"rest": 0.0}, "wood": {"sea": 0.0}}, exact=exact)
    labels = ["sea", "wood", "sea", "wood"]
    with routes(labels):
        loss(model, tokens()).backward()
    expected = gradients(model)
    forwards = [block.forward for block in model.blocks]  # pyright: ignore
    for block, forward in zip(model.blocks, forwards, strict=True):  # pyright: ignore
        block.forward = lambda x, forward=forward: checkpoint(forward, x, use_reentrant=False)
    with routes(labels):
        loss(model, tokens()).backward()
    found = gradients(model)
    assert all(torch.allclose(value, found[name]) for name, value in expected.items())


@pytest.mark.parametrize("exact", [False, True])
def test_under_function_transformations(exact: bool):
    model, parts = transformed()
    routes = Routes(parts, {"sea": {"rest": 0.0}, "wood": {"sea": 0.0}}, exact=exact)
    labels = torch.tensor([0, 1, 1, 0])
    weights = {name: value.detach() for name, value in model.named_parameters()}

    def learned(values: dict[str, torch.Tensor], row: torch.Tensor, label: torch.Tensor) -> Any:
        with routes(label[None]):
            logits = functional_call(model, values, (row[None],))[0, :-1]
            return torch.nn.functional.cross_entropy(logits, row[1:], reduction="sum")

    each = vmap(grad(learned), in_dims=(None, 0, 0))(weights, tokens(), labels)
    with routes(labels):
        loss(model, tokens()).backward()
    together = gradients(model)
    for name, value in each.items():
        assert torch.allclose(value.sum(0), together[name], atol=1e-12), name


@pytest.mark.slow
@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")  # Dynamo's,
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor:UserWarning")  # and this too.
def test_compiled_is_eager(exact: bool):
    model, parts = transformed()
    routes = Routes(parts, {"sea": {"rest": 0.0}, "wood": {"sea": 0.0}}, exact=exact)
    compiled: Any = torch.compile(model, backend="aot_eager")
    for labels in ([0, 1, 1, 0], [1, 1, 1, 0]):
        with routes(torch.tensor(labels)):
            loss(model, tokens()).backward()
            expected = gradients(model)
            loss(compiled, tokens()).backward()
        found = gradients(model)
        assert all(torch.allclose(value, found[name]) for name, value in expected.items())


def test_what_is_given_by_name_learns_below_an_exact_layer():
    class Named(torch.nn.Module):
        """Calls its norm with a name, as some networks do."""

        def __init__(self) -> None:
            super().__init__()
            self.below, self.norm = torch.nn.Linear(3, 3), torch.nn.LayerNorm(3)
            self.mlp = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Linear(4, 1))

        def forward(self, values: torch.Tensor) -> torch.Tensor:
            return self.mlp(self.norm(input=self.below(values)))

    torch.manual_seed(0)
    model = Named().double()
    model(INPUTS).sum().backward()
    whole = gradients(model)
    with Routes(Parts(model, {"last": Units("mlp.1", last=1)}), {"any": {}}, exact=True)(
        ["any"] * 2
    ):
        model(INPUTS).sum().backward()
    routed = gradients(model)
    assert all(torch.allclose(routed[name], value) for name, value in whole.items())


def test_hooks_of_others_are_called_once():
    model, parts = transformed()
    called = []
    for module in model.modules():
        module.register_forward_hook(lambda module, *_: called.append(module))
    model(tokens())
    usual = len(called)
    with Routes(parts, {"sea": {"rest": 0.0}}, exact=True)(["sea"] * 4):
        model(tokens())
    assert len(called) == 2 * usual


def test_a_copy_of_the_network_hears_the_same_labels():
    model, parts = transformed()
    for exact in (False, True):
        routes = Routes(parts, {"sea": {"rest": 0.0}}, exact=exact)
        twin = copy.deepcopy(model)
        with routes(["sea"] * 4):
            loss(model, tokens()).backward()
            loss(twin, tokens()).backward()
        ours, theirs = gradients(model), gradients(twin)
        assert all(torch.equal(value, theirs[name]) for name, value in ours.items())
        routes.remove()


def test_makers_that_only_fit_by_size_are_refused():
    class Sideways(torch.nn.Module):
        def __init__(self, side: int) -> None:
            super().__init__()
            self.up, self.side = torch.nn.Linear(3, 5), torch.nn.Linear(side, 5)
            self.down = torch.nn.Linear(5, 3)

    message = "up, side: each has as many rows as down reads, .* made_by="
    with pytest.raises(InputError, match=message):
        Parts(Sideways(4), {"sea": Units("down", last=1)})
    Parts(Sideways(4), {"sea": Units("down", last=1, made_by=("up",))})
    Parts(Sideways(3), {"sea": Units("down", last=1)})  # As in a gated MLP.
    with pytest.raises(InputError, match="made_by="):
        Parts(transformer(), {"sea": Units(HEADS, last=1)})


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ({"sea": Units("blocks.*.mlp.dow", last=1)}, r"Did you mean 'blocks\.\*\.mlp\.down'"),
        ({"sea": Units("blocks.*.mlp", last=1)}, "one of blocks.0.mlp.up, blocks.0.mlp.gate"),
        ({"sea": Units(MLP, last=11)}, "has 10 units, and at least 11"),
        ({"sea": Heads(HEADS, last=1, width=3)}, "reads 8 channels"),
        ({"sea": Units(MLP, last=1, made_by=("upp",))}, "Did you mean 'up'"),
        ({"sea": Units(MLP, last=1), "rest": Units(MLP, first=1)}, "No part can be called 'rest'"),
        ({"sea": Units(MLP, last=6), "wood": Units(MLP, first=5)}, "wood and sea have channels"),
        (
            {
                "sea": [
                    Units(HEADS, last=1, made_by=("value",)),
                    Heads(HEADS, first=1, width=2),
                ]
            },
            "in units and in heads",
        ),
    ],
)
def test_places_that_do_not_exist_are_refused(where: dict[str, Any], message: str):
    with pytest.raises(InputError, match=message):
        Parts(transformer(), where)


def test_a_selection_names_its_items_in_one_way():
    for options in ({}, {"last": 1, "first": 1}, {"last": -1}, {"at": (-1,)}):
        with pytest.raises(InputError, match="give one of the three"):
            Units("2", **options)  # pyright: ignore[reportArgumentType]


def test_tables_and_labels_that_do_not_fit_are_refused():
    model, parts = stacked()
    with pytest.raises(InputError, match="Did you mean 'last'"):
        Routes(parts, {"mine": {"lst": 0.0}})
    with pytest.raises(InputError, match="'of' is no weight"):
        Routes(parts, {"mine": {"last": "of"}})  # pyright: ignore[reportArgumentType]
    with pytest.raises(InputError, match="rest cannot be off"):
        Routes(parts, {"mine": {"rest": "off"}})
    routes = Routes(parts, {"mine": {"last": 0.0}})
    with pytest.raises(InputError, match="Did you mean 'mine'"), routes(["mime"]):
        pass
    with pytest.raises(InputError, match="whole numbers"), routes(torch.zeros(2)):
        pass
    for numbers, message in (([0, 1], "labels go from 0 to 1"), ([-1, 0], "labels go from -1")):
        with pytest.raises(InputError, match=message), routes(torch.tensor(numbers)):
            pass
    with pytest.raises(InputError, match="no labels"), Routes(parts, {})(torch.tensor([0])):
        pass
    with pytest.raises(InputError, match="the same for all parts"), routes({"last": 1.0}):
        pass
    two = torch.zeros(2, dtype=torch.bool)
    for off, message in (
        ({"lst": two}, "Did you mean 'last'"),
        ({"rest": two}, "part 'rest'"),
        ({"last": two[:1]}, r"Give torch.bool of shape \(2,\)"),
        ({"last": torch.zeros(2)}, "last has torch.float32"),
    ):
        with pytest.raises(InputError, match=message), routes(["mine"] * 2, off):
            pass
    with pytest.raises(InputError, match=r"shape \(3,\) do not fit"), routes(["mine"] * 3):
        model(INPUTS)
    routes.remove()
    with pytest.raises(InputError, match="these routes were removed"), routes(["mine"]):
        pass


def test_exact_routes_that_cannot_be_had_are_refused():
    model = transformer()
    for where, message in (
        (Dimensions("blocks.0", at=(0,), size=8), "no parameters of their own"),
        (Units("output", last=1), "nobody is found who makes what output reads"),
    ):
        parts = Parts(model, {"sea": where})
        with pytest.raises(InputError, match=message):
            Routes(parts, {}, exact=True)
        assert not any(module._forward_pre_hooks for module in model.modules())
        assert not any(module._forward_hooks for module in model.modules())
    first = Routes(Parts(model, {"sea": Units(MLP, last=1)}), {}, exact=True)
    with pytest.raises(InputError, match="was replaced"):
        Routes(first.parts, {}, exact=True)
    first.remove()
    model.place = torch.nn.Parameter(torch.zeros(8))
    parts = Parts(model, {"sea": Units(MLP, last=1)})
    with pytest.raises(InputError, match="The network has parameters of its own"):
        Routes(parts, {}, exact=True)
    normed = torch.nn.Sequential(
        torch.nn.Linear(2, 3), torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2)
    )
    with pytest.raises(InputError, match="statistics of whole batches"):
        Routes(Parts(normed, {"sea": Units("1", last=1)}), {}, exact=True)
    for own, name in ((0, "0"), (1, "1")):
        layers = [torch.nn.Linear(2, 3), torch.nn.Linear(3, 2)]
        layers[own] = (Doubled(2, 3), Doubled(3, 2))[own]
        parts = Parts(torch.nn.Sequential(*layers), {"sea": Units("1", last=1)})
        with pytest.raises(InputError, match=f"sea: {name} has a forward pass of its own"):
            Routes(parts, {}, exact=True)
    remembering = torch.nn.Sequential(
        torch.nn.Linear(2, 3), torch.nn.Linear(3, 2), torch.nn.LSTM(2, 2)
    )
    routes = Routes(Parts(remembering, {"sea": Units("1", last=1)}), {"sea": {}}, exact=True)
    with pytest.raises(InputError, match="LSTM returns several things"), routes(["sea"] * 4):
        remembering(torch.zeros(4, 5, 2))
