"""Features extractors for small pictures and grids, alone or in a dictionary."""

from __future__ import annotations

import math

import torch
from gymnasium import spaces
from stable_baselines3.common.preprocessing import is_image_space
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor, FlattenExtractor
from torch import nn

from routed_envs.errors import InputError

LARGE = 16
"""From this side on a convolution halves the picture."""


class SmallCnn(BaseFeaturesExtractor):
    """Two 3 x 3 convolutions and a linear layer, ReLU after each, for pictures of any small size.

    Each convolution keeps the size, or halves it while the shorter side is longer than 16, so that
    a 7 x 7 view works as well as a 64 x 64 picture. (The library's `NatureCNN` needs at least 36.)

    Args:
        observation_space: A `Box` or `MultiBinary` of shape [channels, height, width].
        features_dim: Features to extract.
        channels: Output channels of each convolution.

    Raises:
        InputError: The observations are no pictures.
    """

    def __init__(
        self,
        observation_space: spaces.Space,
        features_dim: int = 128,
        channels: tuple[int, ...] = (16, 32),
    ) -> None:
        super().__init__(observation_space, features_dim)
        shape = observation_space.shape
        if shape is None or len(shape) != 3:
            raise InputError(
                f"CnnPolicy takes observations of shape [channels, height, width]; these are "
                f"{observation_space}. Give 'MlpPolicy', or wrap the environment so that it "
                "shows pictures."
            )
        planes, *sides = shape
        layers: list[nn.Module] = []
        for width in channels:
            stride = 2 if min(sides) > LARGE else 1
            layers += [nn.Conv2d(planes, width, 3, stride, padding=1), nn.ReLU()]
            planes, sides = width, [(side - 1) // stride + 1 for side in sides]
        flat = nn.Linear(planes * math.prod(sides), features_dim)
        self.layers = nn.Sequential(*layers, nn.Flatten(), flat, nn.ReLU())

    def forward(self, observations: torch.Tensor) -> torch.Tensor:
        """Map float [B, channels, height, width] to float [B, features_dim]."""
        return self.layers(observations)


class SmallCombinedExtractor(BaseFeaturesExtractor):
    """`SmallCnn` for each picture of a dictionary, and all its other parts as they are.

    (The library's `CombinedExtractor` is the same with `NatureCNN`, for pictures of at least 36.)

    Args:
        observation_space: A `Dict`.
        cnn_output_dim: Features to extract of each picture.
    """

    def __init__(self, observation_space: spaces.Dict, cnn_output_dim: int = 128) -> None:
        parts = {
            name: SmallCnn(space, cnn_output_dim)
            if is_image_space(space)
            else FlattenExtractor(space)
            for name, space in observation_space.items()
        }
        super().__init__(observation_space, sum(part.features_dim for part in parts.values()))
        self.parts = nn.ModuleDict(parts)

    def forward(self, observations: dict[str, torch.Tensor]) -> torch.Tensor:
        """Map a dictionary of [B, ...] to float [B, features_dim]."""
        found = [part(observations[name]).flatten(1) for name, part in self.parts.items()]
        return torch.cat(found, 1)
