"""An autoencoder whose code has two halves, and decoders that rebuild images from one half."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import nn

from routed_agents import Dimensions, Parts
from routed_rl.studies.digits.digits_methods import HALVES

CODE = "code"
"""The module that returns the code: here it is routed."""


class SplitAutoencoder(nn.Module):
    """Rebuilds images from a code of two halves (Cloud et al., section 4.1 and appendix B).

    Args:
        pixels: Of an image.
        widths: Of the encoder's hidden layers; a decoder has them backwards.
        code_size: Numbers in the code, half of them in each half.
        decoders: How many rebuild images from the whole code.
    """

    def __init__(self, pixels: int, widths: Sequence[int], code_size: int, decoders: int) -> None:
        super().__init__()
        self.code_size = code_size
        self.encoder = _layers((pixels, *widths, code_size), last_bias=False)
        # The penalties see what the encoder returns; only what the decoder reads is routed.
        self.code = nn.Identity()
        back = (*reversed(widths), pixels)
        self.decoders = nn.ModuleList(_layers((code_size, *back)) for _ in range(decoders))
        half = code_size // 2
        self.certificates = nn.ModuleDict({name: _layers((half, *back)) for name in HALVES})

    def parts(self) -> Parts:
        """The halves of the code, to which images can be routed."""
        half, size = self.code_size // 2, self.code_size
        items = (tuple(range(half)), tuple(range(half, size)))
        places = (Dimensions(CODE, at=at, size=size) for at in items)
        return Parts(self, dict(zip(HALVES, places, strict=True)))

    def half_of(self, codes: torch.Tensor, name: str) -> torch.Tensor:
        """One half of codes [B, code_size], [B, code_size / 2]."""
        half = self.code_size // 2
        return codes[:, :half] if name == HALVES[0] else codes[:, half:]

    def rebuild(self, codes: torch.Tensor) -> list[torch.Tensor]:
        """Images [B, pixels] from codes [B, code_size], of each decoder."""
        routed = self.code(codes)
        return [decoder(routed) for decoder in self.decoders]

    def certify(self, codes: torch.Tensor) -> dict[str, torch.Tensor]:
        """Images [B, pixels] rebuilt from one half of codes alone, by its name.

        Nothing of the code learns from it.
        """
        return {
            name: decoder(self.half_of(codes.detach(), name))
            for name, decoder in self.certificates.items()
        }


def _layers(sizes: Sequence[int], last_bias: bool = True) -> nn.Sequential:
    """Linear layers with ReLU between them."""
    layers: list[nn.Module] = []
    for number, (before, after) in enumerate(pairwise(sizes), start=2):
        is_last = number == len(sizes)
        layers.append(nn.Linear(before, after, bias=last_bias or not is_last))
        layers += [] if is_last else [nn.ReLU()]
    return nn.Sequential(*layers)
