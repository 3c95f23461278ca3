"""The routed policy network, and the value network that serves as its baseline."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, Literal

import torch
from torch import nn

from routed_agents.routing import route
from routed_envs.errors import InputError

Gate = Literal["learned", "even", "none"]


@dataclass(frozen=True)
class NetworkSettings:
    """The shape of a policy network; the defaults are the reference experiment's.

    Attributes:
        experts: The experts' names, at least one.
        gate: `learned` from the observation, `even` (every expert weighs the same) or `none` (a
            single expert).
        observation_shape: Shape of one observation, channels first.
        actions: The number of actions.
        expert_widths: Width of each layer of an expert, at least one.
        gate_widths: Width of each hidden layer of the gate.
        gate_channels: Channels of the 1 x 1 convolution before the gate's layers; 0 for none.

    Raises:
        InputError: No expert, a repeated name, a gate that does not fit, or a width below 1.
    """

    experts: tuple[str, ...]
    gate: Gate
    observation_shape: tuple[int, ...]
    actions: int
    expert_widths: tuple[int, ...] = (256, 256)
    gate_widths: tuple[int, ...] = (256, 256)
    gate_channels: int = 4

    def __post_init__(self) -> None:
        if not self.experts or len(set(self.experts)) < len(self.experts):
            raise InputError(f"experts={self.experts!r}: give at least one name, all different.")
        if (self.gate == "none") != (len(self.experts) == 1):
            raise InputError(
                f"gate={self.gate!r} with {len(self.experts)} expert(s): a single expert takes "
                "'none', several take 'learned' or 'even'."
            )
        if not self.expert_widths or min(*self.expert_widths, *self.gate_widths, 1) < 1:
            raise InputError(
                f"expert_widths={self.expert_widths}, gate_widths={self.gate_widths}: give an "
                "expert at least one layer, and every layer a width of at least 1."
            )

    def to_json(self) -> dict[str, Any]:
        """The fields as plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> NetworkSettings:
        """The record that `to_json` described."""
        fields: dict[str, Any] = dict(values)
        for name in ("experts", "observation_shape", "expert_widths", "gate_widths"):
            fields[name] = tuple(fields[name])
        return cls(**fields)


@dataclass(frozen=True)
class Routes:
    """What each of B samples may teach, and which experts it uses.

    Attributes:
        experts: float [B, K], gradient weight of each expert.
        gate: float [B], gradient weight of the gate in the policy's loss.
        activations: float [B, K], factor on each expert's output in the forward pass; None for
            the ordinary policy, in which it is 1.
    """

    experts: torch.Tensor
    gate: torch.Tensor
    activations: torch.Tensor | None = None


class RoutedPolicyNetwork(nn.Module):
    """A mixture of experts whose gradients can be routed (Cloud et al., section 4.3).

    Each expert maps the flattened observation to a hidden vector, ReLU after every layer. The gate
    weighs the experts; K experts take K - 1 logits, the last being fixed at 0, which for two
    experts is a sigmoid. One linear head, shared, maps the weighted sum of the hidden vectors to
    action logits. Because the head is linear and the weights sum to 1, the logits of a
    mixture are the same mixture of the experts' logits.

    Args:
        settings: The shape of the network.
    """

    def __init__(self, settings: NetworkSettings) -> None:
        super().__init__()
        self.settings = settings
        inputs = math.prod(settings.observation_shape)
        self.experts = nn.ModuleDict(
            {
                name: nn.Sequential(*_layers((inputs, *settings.expert_widths)))
                for name in settings.experts
            }
        )
        self.gate = (
            PlaneNetwork(
                settings.observation_shape,
                settings.gate_channels,
                (*settings.gate_widths, len(settings.experts) - 1),
            )
            if settings.gate == "learned"
            else None
        )
        self.head = nn.Linear(settings.expert_widths[-1], settings.actions)

    def gate_logits(self, observations: torch.Tensor) -> torch.Tensor:
        """The gate's logits, the last one 0; all are 0 without a learned gate.

        Args:
            observations: [B, *observation_shape], any type.

        Returns:
            float [B, K].
        """
        if self.gate is None:
            return observations.new_zeros(
                (len(observations), len(self.experts)), dtype=torch.float32
            )
        return nn.functional.pad(self.gate(observations), (0, 1))

    def steered_logits(self, observations: torch.Tensor, weights: Sequence[float]) -> torch.Tensor:
        """Action logits with fixed weights in the place of the gate's.

        Args:
            observations: [B, *observation_shape], any type.
            weights: One for each expert; an expert with weight 0 is not even computed.

        Returns:
            float [B, A].
        """
        return self._mix(observations, weights)

    def forward(
        self, observations: torch.Tensor, routes: Routes | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Action logits and gate logits of the learned mixture.

        Args:
            observations: [B, *observation_shape], any type.
            routes: Where each sample's gradient may go; everywhere if None.

        Returns:
            Action logits, float [B, A], and unrouted gate logits, float [B, K].
        """
        gate_logits = self.gate_logits(observations)
        routed = gate_logits if routes is None else route(gate_logits, routes.gate)
        weights = routed.softmax(1).unsqueeze(2).unbind(1)
        return self._mix(observations, weights, routes), gate_logits

    def _mix(
        self,
        observations: torch.Tensor,
        weights: Sequence[torch.Tensor] | Sequence[float],
        routes: Routes | None = None,
    ) -> torch.Tensor:
        """The head's logits of the weighted sum of the experts; weights are numbers or [B, 1]."""
        flat = observations.flatten(1).float()
        mixed = flat.new_zeros(())
        for index, (expert, weight) in enumerate(zip(self.experts.values(), weights, strict=True)):
            if isinstance(weight, float) and weight == 0:
                continue
            hidden = expert(flat)
            if routes is not None:
                hidden = route(hidden, routes.experts[:, index])
                if routes.activations is not None:
                    hidden = hidden * routes.activations[:, index, None]
            mixed = mixed + weight * hidden
        return self.head(mixed)


class PlaneNetwork(nn.Module):
    """A 1 x 1 convolution over the observation's planes, then fully connected layers.

    Args:
        observation_shape: Shape of one observation, channels first.
        channels: Output channels of the convolution; 0 leaves it out.
        widths: Width of each layer; the last one is the output's.
        linear: Leave out the ReLU between the layers, as the reference's value network does.
    """

    def __init__(
        self,
        observation_shape: tuple[int, ...],
        channels: int,
        widths: Sequence[int],
        linear: bool = False,
    ) -> None:
        super().__init__()
        planes, cells = observation_shape[0], math.prod(observation_shape[1:])
        self.convolution = nn.Conv1d(planes, channels, 1) if channels else None
        layers = _layers(((channels or planes) * cells, *widths), activate_last=False)
        self.layers = nn.Sequential(*(x for x in layers if not (linear and isinstance(x, nn.ReLU))))

    def forward(self, observations: torch.Tensor) -> torch.Tensor:
        """Map observations [B, *observation_shape] of any type to float [B, widths[-1]]."""
        planes = observations.reshape(*observations.shape[:2], -1).float()
        if self.convolution is not None:
            planes = self.convolution(planes)
        return self.layers(planes.flatten(1))


def _layers(widths: Sequence[int], activate_last: bool = True) -> list[nn.Module]:
    """Linear layers from each width to the next, with ReLU between them."""
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    return layers if activate_last else layers[:-1]


def initialise(network: nn.Module, generator: torch.Generator) -> None:
    """Draw weights as PyTorch's layers do by default, from the given generator; biases are 0.

    Args:
        network: Its linear and convolution layers are drawn anew, in the order of its modules.
        generator: On the CPU, so that the weights do not depend on the device.
    """
    for layer in network.modules():
        if isinstance(layer, nn.Linear | nn.Conv1d):
            weight = torch.empty(layer.weight.shape)
            nn.init.kaiming_uniform_(weight, a=math.sqrt(5), generator=generator)
            with torch.no_grad():
                layer.weight.copy_(weight)
                if layer.bias is not None:
                    layer.bias.zero_()
