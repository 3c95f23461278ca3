"""Turning a language model: what adding a direction to its residual stream does to words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from routed_rl.studies.language.corpora import PAD
from routed_rl.studies.language.small_gpt import SmallGPT


@dataclass(frozen=True)
class Dial:
    """What a network says with a direction added to its residual stream.

    Attributes:
        network: It stays as it is.
        block: After so many blocks the direction is added, at every place.
        tokens: int64 [N, T], the documents in which it is turned.
        stream: float [N, T, width], the residual stream there.
        size: How long the direction is.
    """

    network: SmallGPT
    block: int
    tokens: torch.Tensor
    stream: torch.Tensor
    size: float

    @classmethod
    @torch.no_grad()
    def of(cls, network: SmallGPT, block: int, tokens: torch.Tensor, strength: float) -> Dial:
        """A dial whose turns are so many mean norms of the stream."""
        stream = network.stream(tokens, block)
        norms = stream.norm(dim=-1)[tokens != PAD]
        return cls(network, block, tokens, stream, strength * float(norms.mean()))

    @torch.no_grad()
    def turned(self, direction: torch.Tensor, words: Sequence[int]) -> list[float]:
        """How likely words are next, the mean over all places of the documents.

        Args:
            direction: float [width]; only where it points matters. Zeros turn nothing.
            words: Numbers of tokens.
        """
        length = float(direction.norm())
        logits = self._after(self.stream, direction / length * self.size if length else direction)
        chances = logits.softmax(-1)
        return chances[self.tokens != PAD].mean(0)[list(words)].tolist()

    def best_sign(self, direction: torch.Tensor, word: int) -> float:
        """How likely a word is with the direction or its opposite, whichever says it more."""
        return max(self.turned(sign * direction, [word])[0] for sign in (1.0, -1.0))

    @torch.no_grad()
    def said(
        self, direction: torch.Tensor, start: Sequence[int], length: int, generator: torch.Generator
    ) -> list[int]:
        """What the network says, drawn token by token, with `direction` added as it is.

        Args:
            direction: float [width].
            start: The tokens that are given.
            length: Of the whole, at most the network's context; it ends before it fills up.
            generator: Draws, on the CPU.
        """
        said = list(start)
        while len(said) < length:
            tokens = torch.tensor([said], device=direction.device)
            logits = self._after(self.network.stream(tokens, self.block), direction)[0, -1]
            token = int(torch.multinomial(logits.softmax(-1).cpu(), 1, generator=generator))
            if token == PAD:
                break
            said.append(token)
        return said

    def _after(self, stream: torch.Tensor, added: torch.Tensor) -> torch.Tensor:
        stream = stream + added
        for block in self.network.blocks[self.block :]:
            stream = block(stream)
        return self.network.read(stream)


@torch.no_grad()
def mean_difference(network: SmallGPT, block: int, tokens: torch.Tensor, word: int) -> torch.Tensor:
    """The mean of the stream where a word is next, less that of all other places, float [width].

    Args:
        network: Whose stream.
        block: After so many blocks.
        tokens: int64 [N, T], documents.
        word: The number of the word.
    """
    stream, following = network.stream(tokens, block)[:, :-1], tokens[:, 1:]
    before, real = following == word, following != PAD
    return stream[before].mean(0) - stream[real & ~before].mean(0)
