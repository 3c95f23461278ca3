"""Networks to route in: a stack of layers, and a transformer of two blocks."""

from __future__ import annotations

import torch
from torch import nn


def stack(dtype: torch.dtype = torch.float64) -> nn.Sequential:
    """Three inputs, six hidden units, two outputs."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 6), nn.Tanh(), nn.Linear(6, 2)).to(dtype)


class Attention(nn.Module):
    """Four heads of two channels; two of them share their keys and values, if asked."""

    def __init__(self, shared: bool) -> None:
        super().__init__()
        self.query = nn.Linear(8, 8)
        self.key = nn.Linear(8, 4 if shared else 8)
        self.value = nn.Linear(8, 4 if shared else 8)
        self.out = nn.Linear(8, 8)
        self.share = 2 if shared else 1

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """[B, T, 8] -> [B, T, 8]."""
        made = [
            layer(values).unflatten(-1, (-1, 2)) for layer in (self.query, self.key, self.value)
        ]
        query, key, value = (heads.transpose(1, 2) for heads in made)
        key, value = (heads.repeat_interleave(self.share, 1) for heads in (key, value))
        later = torch.ones(values.shape[1], values.shape[1], dtype=torch.bool).triu(1)
        fit = (query @ key.transpose(-1, -2)).masked_fill(later, -torch.inf)
        return self.out((fit.softmax(-1) @ value).transpose(1, 2).flatten(2))


class Block(nn.Module):
    """A pre-norm block with a gated MLP of eight units."""

    def __init__(self, shared: bool) -> None:
        super().__init__()
        self.norms = nn.ModuleList([nn.LayerNorm(8), nn.LayerNorm(8)])
        self.attention = Attention(shared)
        self.mlp = nn.ModuleDict(
            {"up": nn.Linear(8, 10), "gate": nn.Linear(8, 10), "down": nn.Linear(10, 8)}
        )

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """[B, T, 8] -> [B, T, 8]."""
        values = values + self.attention(self.norms[0](values))
        seen = self.norms[1](values)
        return values + self.mlp["down"](self.mlp["gate"](seen).sigmoid() * self.mlp["up"](seen))


class Transformer(nn.Module):
    """Two blocks over eleven tokens; the output layer has the embedding's weights."""

    def __init__(self, shared: bool = False) -> None:
        super().__init__()
        self.embed = nn.Embedding(11, 8)
        self.blocks = nn.ModuleList([Block(shared), Block(shared)])
        self.output = nn.Linear(8, 11, bias=False)
        self.output.weight = self.embed.weight

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """int64 [B, T] -> [B, T, 11]."""
        values = self.embed(tokens)
        for block in self.blocks:
            values = block(values)
        return self.output(values)


def transformer(shared: bool = False) -> Transformer:
    """In double precision, with weights of its own seed."""
    torch.manual_seed(0)
    return Transformer(shared).double()


def tokens() -> torch.Tensor:
    """int64 [4, 5]."""
    return torch.randint(0, 11, (4, 5), generator=torch.Generator().manual_seed(1))


def loss(
    model: nn.Module, given: torch.Tensor, rows: slice | list[int] = slice(None)
) -> torch.Tensor:
    """Something to learn from some of the samples: the next token, summed."""
    logits = model(given[rows])[:, :-1].flatten(0, 1)
    return nn.functional.cross_entropy(logits, given[rows][:, 1:].flatten(), reduction="sum")


def gradients(model: nn.Module) -> dict[str, torch.Tensor]:
    """A copy of every parameter's gradient, zeros where there is none; they are cleared."""
    found = {
        name: torch.zeros_like(value) if value.grad is None else value.grad.clone()
        for name, value in model.named_parameters()
    }
    model.zero_grad()
    return found
