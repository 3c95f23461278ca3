"""Turning a language model: what adding a direction to its residual stream does to a word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from routed_rl.studies.language.corpora import PAD
from routed_rl.studies.language.small_gpt import SmallGPT

RANDOM = 16
"""Random directions, of which the mean is told."""


@dataclass(frozen=True)
class Dial:
    """What a network says with a direction added to its residual stream.

    Attributes:
        network: It stays as it is.
        block: After so many blocks the direction is added, at every place.
        tokens: int64 [N, T], the documents.
        size: How long the direction is.
    """

    network: SmallGPT
    block: int
    tokens: torch.Tensor
    size: float

    @classmethod
    def of(cls, network: SmallGPT, block: int, tokens: torch.Tensor, strength: float) -> Dial:
        """A dial whose turns are so many norms of the stream."""
        with torch.no_grad():
            norms = network.stream(tokens, block).norm(dim=-1)
        real = tokens != PAD
        return cls(network, block, tokens, strength * float(norms[real].mean()))

    @torch.no_grad()
    def turned(self, direction: torch.Tensor, words: Sequence[int]) -> list[float]:
        """How likely words are next, the mean over all places of the documents.

        Args:
            direction: float [width]; only where it points matters. Zeros turn nothing.
            words: Numbers of tokens.
        """
        length = float(direction.norm())
        step = direction / length * self.size if length else direction
        stream = self.network.stream(self.tokens, self.block) + step
        for block in self.network.blocks[self.block :]:
            stream = block(stream)
        chances = self.network.head(self.network.norm(stream)).softmax(-1)
        return chances[self.tokens != PAD].mean(0)[list(words)].tolist()

    def best_sign(self, direction: torch.Tensor, word: int) -> float:
        """How likely a word is with the direction or its opposite, whichever says it more."""
        return max(self.turned(sign * direction, [word])[0] for sign in (1.0, -1.0))

    @torch.no_grad()
    def difference(self, word: int) -> torch.Tensor:
        """The mean of the stream where the word is next, less that of all other places, [width]."""
        stream, following = self.network.stream(self.tokens, self.block), self.tokens[:, 1:]
        before, real = following == word, following != PAD
        return stream[:, :-1][before].mean(0) - stream[:, :-1][real & ~before].mean(0)
