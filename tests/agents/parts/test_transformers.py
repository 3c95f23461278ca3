"""Parts of networks of others, as they come: Llama with shared keys, and GPT-NeoX."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from routed_agents import Heads, Parts, Routes, Units, ablate, expand, usage, without

transformers = pytest.importorskip("transformers", reason='pip install "routed-rl[models]"')

pytestmark = pytest.mark.slow

TOKENS = torch.randint(0, 20, (3, 6), generator=torch.Generator().manual_seed(1))
LABELS = torch.tensor([0, 1, 0])
SIZES = {"vocab_size": 20, "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2}


def llama() -> tuple[Any, dict[str, Any]]:
    torch.manual_seed(0)
    config = transformers.LlamaConfig(**SIZES, num_attention_heads=4, num_key_value_heads=2)
    where = {
        "sea": [
            Units("model.layers.*.mlp.down_proj", last=5),
            Heads("model.layers.*.self_attn.o_proj", last=2, width=4),
        ]
    }
    return transformers.LlamaForCausalLM(config).double().eval(), where


def neox() -> tuple[Any, dict[str, Any]]:
    torch.manual_seed(0)
    config = transformers.GPTNeoXConfig(**SIZES, num_attention_heads=4)
    where = {
        "sea": [
            Units("gpt_neox.layers.*.mlp.dense_4h_to_h", last=5),
            Heads("gpt_neox.layers.*.attention.dense", last=2, width=4),
        ]
    }
    return transformers.GPTNeoXForCausalLM(config).double().eval(), where


@pytest.fixture(params=[llama, neox])
def made(request: pytest.FixtureRequest) -> tuple[Any, Parts]:
    model, where = request.param()
    return model, Parts(model, where)


def learned(model: Any, tokens: torch.Tensor) -> dict[str, torch.Tensor]:
    logits = model(tokens).logits[:, :-1].flatten(0, 1)
    aims = tokens[:, 1:].flatten()
    model.zero_grad()
    torch.nn.functional.cross_entropy(logits, aims, reduction="sum").backward()
    return {name: value.grad.clone() for name, value in model.named_parameters()}


@pytest.mark.parametrize("exact", [False, True])
def test_a_mixed_batch_is_separate_batches(made: tuple[Any, Parts], exact: bool):
    model, parts = made
    plain = model(TOKENS).logits
    routes = Routes(parts, {"sea": {"rest": 0.0}, "other": {"sea": 0.0}}, exact=exact)
    with routes(LABELS):
        assert torch.equal(model(TOKENS).logits, plain)
        together = learned(model, TOKENS)
    apart = []
    for label, rows in ((0, [0, 2]), (1, [1])):
        with routes(torch.full((len(rows),), label)):
            apart.append(learned(model, TOKENS[rows]))
    for name, value in together.items():
        assert torch.allclose(value, apart[0][name] + apart[1][name], atol=1e-12), name
    up = next(name for name in together if "up_proj.weight" in name or "h_to_4h.weight" in name)
    assert not apart[0][up][:-5].any()
    assert not apart[1][up][-5:].any()
    assert apart[0][up][-5:].any()
    embedding = next(name for name in together if "embed" in name)
    assert apart[0][embedding].any() != exact


def test_a_smaller_network_computes_what_the_guarded_one_does(made: tuple[Any, Parts]):
    model, parts = made
    small, guarded = ablate(parts, "sea").model, without(parts, "sea")
    assert torch.allclose(small(TOKENS).logits, guarded(TOKENS).logits, atol=1e-12)
    assert not torch.allclose(small(TOKENS).logits, model(TOKENS).logits)
    count = [sum(value.numel() for value in each.parameters()) for each in (small, model)]
    assert count[0] < count[1]
    assert usage(parts, TOKENS)["sea"].shape == (3, 6)


def test_an_expanded_network_computes_what_it_did(made: tuple[Any, Parts]):
    model, parts = made
    before = model(TOKENS).logits
    bigger = expand(model, {"more": parts.where["sea"][0]})  # pyright: ignore
    assert torch.allclose(model(TOKENS).logits, before, atol=1e-12)
    assert ablate(bigger, "more").model(TOKENS).logits.sub(before).abs().max() < 1e-12
