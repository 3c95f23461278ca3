"""A language model of a few layers, for studies that train in seconds."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional


class SmallGPT(nn.Module):
    """A decoder-only transformer: layer norms first, learned positions.

    Args:
        vocabulary: Tokens that there are.
        context: The longest sequence.
        width: Of the residual stream.
        layers: Blocks.
        heads: Of the attention of each block; the width is a multiple of them.
        hidden: Units of the MLP of each block.
        tied: Whether the last layer reads with the vectors of the tokens, and has none of its own.

    Attributes:
        learned: Which entries of the last layer's rows learn from what it reads, bool [vocabulary,
            width]; None for all.
    """

    def __init__(
        self,
        vocabulary: int,
        context: int,
        width: int,
        layers: int,
        heads: int,
        hidden: int,
        tied: bool = False,
    ) -> None:
        super().__init__()
        self.learned: torch.Tensor | None = None
        self.tokens = nn.Embedding(vocabulary, width)
        self.positions = nn.Embedding(context, width)
        self.blocks = nn.ModuleList(_Block(width, heads, hidden) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.head = None if tied else nn.Linear(width, vocabulary, bias=False)
        for name, weight in self.named_parameters():
            if weight.dim() > 1:
                # What is added to the residual stream shrinks with the number of additions.
                is_added = name.endswith(("down.weight", "out.weight"))
                nn.init.normal_(weight, std=0.02 * ((2 * layers) ** -0.5 if is_added else 1.0))
        if self.head is not None:
            # A part that alone learns of a token speaks through a row that nobody teaches to be
            # told from others. With 0.02 a narrow network can hardly name it: logits up to 1.3.
            nn.init.normal_(self.head.weight, std=width**-0.5)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Logits of the next tokens, [B, T, vocabulary], from tokens int64 [B, T]."""
        return self.read(self.stream(tokens, len(self.blocks)))

    def stream(self, tokens: torch.Tensor, blocks: int) -> torch.Tensor:
        """The residual stream after so many blocks, float [B, T, width]."""
        # Of every sample: routes at parameters have to know whose an activation is.
        places = torch.arange(tokens.shape[1], device=tokens.device).expand_as(tokens)
        stream = self.tokens(tokens) + self.positions(places)
        for block in self.blocks[:blocks]:
            stream = block(stream)
        return stream

    def read(self, stream: torch.Tensor) -> torch.Tensor:
        """Logits of the next tokens from the residual stream after all blocks."""
        stream, rows = self.norm(stream), self.rows
        if self.head is not None and self.learned is None:
            return self.head(stream)  # As a layer: routes at parameters stand at its calls.
        if self.learned is not None:
            rows = torch.where(self.learned.to(rows.device), rows, rows.detach())
        return functional.linear(stream, rows)

    @property
    def middle(self) -> int:
        """Half of the blocks, at least one."""
        return max(1, len(self.blocks) // 2)

    @property
    def rows(self) -> torch.Tensor:
        """What the last layer reads with: the row of each token, [vocabulary, width]."""
        return (self.head or self.tokens).weight


class _Block(nn.Module):
    """Attention and an MLP, each added to the residual stream."""

    def __init__(self, width: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.attention_norm, self.attention = nn.LayerNorm(width), _Attention(width, heads)
        self.mlp_norm, self.mlp = nn.LayerNorm(width), _MLP(width, hidden)

    def forward(self, stream: torch.Tensor) -> torch.Tensor:
        stream = stream + self.attention(self.attention_norm(stream))
        return stream + self.mlp(self.mlp_norm(stream))


class _Attention(nn.Module):
    """Each token looks at itself and at those before it."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, stream: torch.Tensor) -> torch.Tensor:
        batch, length, width = stream.shape
        query, key, value = (
            part.view(batch, length, self.heads, -1).transpose(1, 2)
            for part in self.qkv(stream).chunk(3, -1)
        )
        seen = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        return self.out(seen.transpose(1, 2).reshape(batch, length, width))


class _MLP(nn.Module):
    """Hidden units, which `down` reads."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.up, self.down = nn.Linear(width, hidden), nn.Linear(hidden, width)

    def forward(self, stream: torch.Tensor) -> torch.Tensor:
        return self.down(functional.gelu(self.up(stream)))
