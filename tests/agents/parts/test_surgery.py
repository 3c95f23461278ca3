"""Parts added to a network, deleted from it, switched off, measured and written to files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from small_networks import gradients, loss, stack, tokens, transformer

from routed_agents import (
    Dimensions,
    Heads,
    Parts,
    Routes,
    Units,
    ablate,
    expand,
    load_ablated,
    save_ablated,
    usage,
    without,
)
from routed_envs import InputError

MLP = "blocks.*.mlp.down"
HEADS = "blocks.*.attention.out"
DOWN = "blocks.0.mlp.down.weight"


def parts_of(shared: bool = False) -> Parts:
    """Half of the heads and some units of each block in two parts."""
    where = {
        "sea": [Units(MLP, first=3), Heads(HEADS, first=2, width=2)],
        "wood": [Units(MLP, last=4)],
    }
    return Parts(transformer(shared), where)


def test_deleting_units_by_hand():
    model = stack()
    small = ablate(Parts(model, {"mine": Units("2", at=(0, 4))}), "mine")
    kept = [1, 2, 3, 5]
    assert torch.equal(small.model[0].weight, model[0].weight[kept])  # pyright: ignore
    assert torch.equal(small.model[0].bias, model[0].bias[kept])  # pyright: ignore
    assert torch.equal(small.model[2].weight, model[2].weight[:, kept])  # pyright: ignore
    assert (small.model[0].out_features, small.model[2].in_features) == (4, 4)  # pyright: ignore
    assert small.names == ()


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("names", [("sea",), ("wood",), ("sea", "wood")])
def test_a_smaller_network_computes_what_the_guarded_one_does(shared: bool, names: tuple[str, ...]):
    parts = parts_of(shared)
    before = parts.model(tokens())
    small, guarded = ablate(parts, *names), without(parts, *names)
    assert torch.allclose(small.model(tokens()), guarded(tokens()), atol=1e-12)
    assert torch.equal(parts.model(tokens()), before), "the whole one is as it was"
    assert not torch.allclose(before, guarded(tokens()))
    sizes = [
        sum(value.numel() for value in model.parameters()) for model in (parts.model, small.model)
    ]
    # A unit has 8 + 8 weights and 2 biases to make it, and 8 to read it; a head 3 x 2 rows of 8 + 1
    # and 2 columns of 8, of which two heads that share have one of keys and values.
    unit, head = 8 + 8 + 2 + 8, 6 * 9 + 16
    gone = {"sea": 3 * unit + 2 * head - shared * 4 * 9, "wood": 4 * unit}
    assert sizes[0] - sizes[1] == 2 * sum(gone[name] for name in names)


def test_what_is_left_keeps_its_names():
    parts = parts_of()
    small = ablate(parts, "sea")
    assert small.names == ("wood",)
    assert [place.items for _, place in small.places["wood"]] == [(3, 4, 5, 6)] * 2
    alone = without(small, "wood")(tokens())
    assert torch.allclose(alone, without(parts, "sea", "wood")(tokens()), atol=1e-12)
    assert torch.allclose(ablate(small, "wood").model(tokens()), alone, atol=1e-12)
    assert [(gone.part, gone.layer, gone.items, gone.of) for gone in small.removed][:2] == [
        ("sea", "blocks.0.mlp.down", 3, 10),
        ("sea", "blocks.1.mlp.down", 3, 10),
    ]


def test_heads_are_counted_where_an_attention_layer_says_how_many_it_has():
    model = transformer()
    model.blocks[0].attention.num_heads = 4  # pyright: ignore
    parts = Parts(model, {"sea": Heads(HEADS, last=1, width=2)})
    assert ablate(parts, "sea").model.blocks[0].attention.num_heads == 3  # pyright: ignore
    expand(model, {"sea": Heads(HEADS, last=2, width=2)})
    assert model.blocks[0].attention.num_heads == 6  # pyright: ignore


def test_rows_of_fused_layers_are_those_of_their_heads():
    """Two heads of two channels: twelve rows, six of each head."""
    for fused, rows in (("by head", [6, 7, 8, 9, 10, 11]), ("by kind", [2, 3, 6, 7, 10, 11])):
        model = torch.nn.ModuleDict({"qkv": torch.nn.Linear(1, 12), "out": torch.nn.Linear(4, 1)})
        where: Any = Heads("out", last=1, width=2, fused=fused)  # pyright: ignore
        with torch.no_grad():
            model["qkv"].weight[:, 0] = torch.arange(12)  # pyright: ignore
        small = ablate(Parts(model, {"last": where}), "last")
        kept = [row for row in range(12) if row not in rows]
        assert small.model["qkv"].weight[:, 0].tolist() == kept  # pyright: ignore
        expand(small.model, {"new": where})
        assert small.model["qkv"].out_features == 12  # pyright: ignore
        old = small.model["qkv"].weight[:, 0].tolist()  # pyright: ignore
        assert [old[row] for row in range(12) if row not in rows] == kept


@pytest.mark.parametrize("shared", [False, True])
def test_an_expanded_network_computes_what_it_did_until_it_learns(shared: bool):
    model = transformer(shared)
    before = model(tokens())
    draws = torch.Generator().manual_seed(3)
    where = {
        "sea": Units(MLP, last=3),
        "wood": Units(MLP, last=2),
        "head": Heads(HEADS, last=2, width=2),
    }
    parts = expand(model, where, generator=draws)
    assert torch.allclose(model(tokens()), before, atol=1e-12)
    assert [place.items for _, place in parts.places["sea"]] == [(10, 11, 12)] * 2
    assert [place.items for _, place in parts.places["wood"]] == [(13, 14)] * 2
    assert [place.items for _, place in parts.places["head"]] == [(4, 5)] * 2
    with Routes(parts, {"sea": {"wood": 0.0, "rest": 0.0}}, exact=True)(["sea"] * 4):
        loss(model, tokens()).backward()
    learned = gradients(model)["blocks.0.mlp.down.weight"]
    assert learned[:, 10:13].all()
    assert not learned[:, :10].any()
    assert not learned[:, 13:].any()
    small = ablate(parts, "sea", "wood", "head").model
    assert torch.equal(small(tokens()), before)


def test_fresh_units_are_as_random_as_the_others_and_drawn_from_the_generator():
    models = [transformer() for _ in range(3)]
    for model, seed in zip(models, (0, 0, 1), strict=True):
        draws = torch.Generator().manual_seed(seed)
        expand(model, {"sea": Units(MLP, last=40)}, fresh=True, generator=draws)
    first, same, other = (dict(model.named_parameters())[DOWN].detach() for model in models)
    assert torch.equal(first, same)
    assert not torch.equal(first, other)
    assert float(first[:, 10:].std()) == pytest.approx(float(first[:, :10].std()), rel=0.2)


def test_units_beside_a_single_one_are_like_it():
    model = torch.nn.Sequential(torch.nn.Linear(1, 1), torch.nn.Linear(1, 1))
    expand(model, {"sea": Units("1", last=2)}, fresh=True)
    made = model[0]
    assert isinstance(made, torch.nn.Linear)
    assert made.weight.flatten().tolist() == pytest.approx([made.weight[0].item()] * 3)
    assert all(bool(value.isfinite().all()) for value in model.parameters())


def test_usage_is_the_mean_size_of_a_parts_activations():
    model = stack()
    inputs = torch.tensor([[1.0, -2.0, 0.5], [0.3, 0.1, -1.0]], dtype=torch.float64)
    parts = Parts(model, {"last": Units("2", last=2), "first": Units("2", first=1)})
    hidden = model[1](model[0](inputs))
    found = usage(parts, inputs)
    assert torch.allclose(found["last"], hidden[:, 4:].abs().mean(1))
    assert torch.allclose(found["first"], hidden[:, 0].abs())
    assert usage(parts_of(), tokens())["sea"].shape == (4, 5)
    uneven = Parts(
        torch.nn.Sequential(torch.nn.Linear(3, 3), Flat(), torch.nn.Linear(6, 2)),
        {"both": [Units("0", last=1), Units("2", last=1)]},
    )
    with pytest.raises(InputError, match="activations of shapes"):
        usage(uneven, torch.zeros(2, 3))


class Flat(torch.nn.Module):
    """Two samples become one."""

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """[2, 3] -> [1, 6]."""
        return values.reshape(1, 6)


def test_a_guarded_network_shares_its_weights():
    parts = parts_of()
    guarded = without(parts, "sea")
    ours, theirs = dict(parts.model.named_parameters()), dict(guarded.named_parameters())
    assert all(theirs[name] is value for name, value in ours.items())
    assert torch.equal(without(parts)(tokens()), parts.model(tokens()))
    axis = Parts(parts.model, {"axis": Dimensions("blocks.1", at=(0,), size=8)})
    silent = without(axis, "axis")
    seen: list[torch.Tensor] = []
    silent.output.register_forward_pre_hook(lambda _, given: seen.append(given[0]))  # pyright: ignore
    silent(tokens())
    assert not seen[0][..., 0].any()
    assert seen[0][..., 1:].all()


def test_a_file_holds_nothing_of_what_was_deleted_and_opens_again(tmp_path: Path):
    parts = parts_of()
    small = ablate(parts, "sea")
    path = tmp_path / "small.safetensors"
    save_ablated(small, path)
    content = path.read_bytes()
    gone = parts.model.blocks[0].mlp["up"].weight[:3].detach()  # pyright: ignore
    for row in gone:
        assert row.numpy().tobytes() not in content
    stays = small.model.blocks[0].mlp["up"].weight[0].detach()  # pyright: ignore
    assert stays.numpy().tobytes() in content
    torch.manual_seed(9)
    other = Parts(type(parts.model)().double(), parts.where)
    again = load_ablated(other, path)
    assert torch.equal(again.model(tokens()), small.model(tokens()))
    assert again.names == ("wood",)
    assert again.removed == small.removed


def test_a_network_that_was_cut_twice_opens_again(tmp_path: Path):
    parts, path = parts_of(), tmp_path / "small.safetensors"
    small = ablate(ablate(parts, "sea"), "wood", "wood")
    save_ablated(small, path)
    again = load_ablated(parts_of(), path)
    assert torch.equal(again.model(tokens()), small.model(tokens()))
    assert again.removed == small.removed
    assert [gone.of for gone in again.removed if gone.part == "wood"] == [7, 7]


def test_files_that_do_not_fit_are_refused(tmp_path: Path):
    parts = parts_of()
    path = tmp_path / "small.safetensors"
    with pytest.raises(InputError, match="Nothing was deleted"):
        save_ablated(parts, path)
    save_ablated(ablate(parts, "sea"), path)
    elsewhere = {"sea": Units(MLP, last=3), "wood": Units(MLP, first=4)}
    with pytest.raises(InputError, match="parts lie elsewhere"):
        load_ablated(Parts(parts.model, elsewhere), path)
    fewer = Parts(parts.model, {"sea": Units(MLP, first=3), "wood": Units(MLP, last=4)})
    with pytest.raises(InputError, match="is of another network"):
        load_ablated(fewer, path)
    bigger = parts_of()
    bigger.model.output = torch.nn.Linear(8, 12, bias=False).double()
    with pytest.raises(InputError, match="is of another network"):
        load_ablated(bigger, path)
    path.write_bytes(b"nothing")
    with pytest.raises(InputError, match="holds no network"):
        load_ablated(parts, path)


def test_what_cannot_be_added_or_deleted_is_refused():
    model = transformer(shared=True)
    with pytest.raises(InputError, match="Name the parts to delete, of sea, wood"):
        ablate(parts_of())
    with pytest.raises(InputError, match="Did you mean 'sea'"):
        ablate(parts_of(), "see")
    odd = Parts(model, {"odd": Heads(HEADS, first=1, width=2)})
    with pytest.raises(InputError, match="Delete all 2 that share"):
        ablate(odd, "odd")
    axis = Parts(model, {"axis": Dimensions("blocks.0", at=(0,), size=8)})
    with pytest.raises(InputError, match="cannot be added or deleted"):
        ablate(axis, "axis")
    with pytest.raises(InputError, match="nobody is found"):
        ablate(Parts(model, {"last": Units("output", last=1)}), "last")
    normed = torch.nn.Sequential(
        torch.nn.Linear(3, 4), torch.nn.LayerNorm(4), torch.nn.Linear(4, 2)
    )
    with pytest.raises(InputError, match="nobody is found"):
        ablate(Parts(normed, {"last": Units("2", last=1)}), "last")
    with pytest.raises(InputError, match="new units come last"):
        expand(model, {"sea": Units(MLP, first=3)})
    with pytest.raises(InputError, match="add a multiple of 2"):
        expand(model, {"sea": Units(MLP, last=1), "head": Heads(HEADS, last=1, width=2)})
    assert model.blocks[0].mlp["down"].in_features == 10, "nothing was changed"  # pyright: ignore


class Layers(torch.nn.ModuleDict):
    """Linear layers side by side, which say nothing of who reads whom."""

    def __init__(self, **sizes: tuple[int, int]) -> None:
        super().__init__({name: torch.nn.Linear(*size) for name, size in sizes.items()})


@pytest.mark.parametrize(
    ("model", "where"),
    [
        (Layers(hidden=(5, 8), policy=(8, 2), value=(8, 1)), Units("policy", last=3)),
        (Layers(hidden=(5, 8), policy=(8, 2), value=(8, 1)), Units("[pv]*", last=3)),
        (
            Layers(hidden=(5, 8), policy=(8, 2), more=(8, 8)),
            Units("policy", last=3, made_by=("hidden",)),
        ),
        (
            Layers(first=(5, 8), hidden=(8, 8), policy=(8, 2), value=(8, 1)),
            Units("policy", last=3, made_by=("hidden",)),
        ),
        (Layers(made=(5, 8), one=(8, 8), two=(8, 8)), Units("*o*", last=1, made_by=("made",))),
    ],
)
def test_units_that_several_layers_read_are_not_resized(model: Layers, where: Units):
    before = {name: tuple(value.shape) for name, value in model.named_parameters()}
    for resize in (
        lambda: ablate(Parts(model, {"a": where}), "a"),
        lambda: expand(model, {"a": where}),
    ):
        with pytest.raises(InputError, match=r"may read the same units.*without\(parts, 'a'\)"):
            resize()
    assert {name: tuple(value.shape) for name, value in model.named_parameters()} == before


@pytest.mark.parametrize(
    ("model", "where"),
    [
        (Layers(a=(3, 8), b=(8, 8), c=(8, 2)), Units("b", last=2)),
        (Layers(a=(3, 8), b=(8, 8), c=(8, 8), d=(8, 2)), Units("d", last=2, made_by=("c",))),
        (
            Layers(actor=(3, 8), critic=(3, 8), policy=(8, 2), value=(8, 1)),
            Units("policy", last=2, made_by=("actor",)),
        ),
        (Layers(up=(8, 8), down=(8, 8), router=(8, 2)), Units("down", last=2, made_by=("up",))),
        (Layers(q=(8, 8), k=(8, 8), v=(8, 8), out=(8, 8)), Heads("out", last=1, width=2)),
    ],
)
def test_layers_that_may_read_something_else_of_that_size_are_no_hindrance(
    model: Layers, where: Units | Heads
):
    small = ablate(Parts(model, {"a": where}), "a").model
    assert small.get_submodule(where.layers).in_features == 6
    expand(model, {"a": where})
    assert model.get_submodule(where.layers).in_features == 10
