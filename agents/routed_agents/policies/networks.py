"""The routed policy network, and the value network that serves as its baseline."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, Literal

import torch
from torch import nn

from routed_agents.policies.first_layers import FirstLayer, first_layer, flat
from routed_agents.policies.mixture import Mixture
from routed_envs.errors import InputError

Gate = Literal["learned", "even", "none"]


def check_experts(experts: Sequence[str], gate: Gate) -> None:
    """Refuse experts that no policy can have, or a gate that does not fit them.

    Raises:
        InputError: No expert, a repeated name, or a gate for another number of experts.
    """
    if not experts or len(set(experts)) < len(experts):
        raise InputError(f"experts={tuple(experts)!r}: give at least one name, all different.")
    if gate == "none" and len(experts) > 1:
        raise InputError(
            f"gate='none' with {len(experts)} experts, {', '.join(experts)}: several take "
            "'learned' or 'even'. Give one of these, or a single expert."
        )
    if gate != "none" and len(experts) == 1:
        raise InputError(
            f"gate={gate!r} with a single expert, {experts[0]}, which takes 'none'. Where a method "
            "has an expert for each target, name at least two targets, or take a method with one "
            "expert, such as 'naive'."
        )


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
        check_experts(self.experts, self.gate)
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


class RoutedPolicyNetwork(Mixture):
    """The mixture of Cloud et al., section 4.3: MLPs on the flattened observation.

    Each expert maps the observation to a hidden vector, ReLU after every layer.

    Args:
        settings: The shape of the network.
    """

    def __init__(self, settings: NetworkSettings) -> None:
        inputs, count = math.prod(settings.observation_shape), len(settings.experts)
        experts = {
            name: nn.Sequential(*_layers((inputs, *settings.expert_widths)))
            for name in settings.experts
        }
        gate = None
        if settings.gate == "learned":
            widths = (*settings.gate_widths, count - 1)
            gate = PlaneNetwork(settings.observation_shape, settings.gate_channels, widths)
        super().__init__(experts, gate, nn.Linear(settings.expert_widths[-1], settings.actions))
        self.settings = settings

    def _expert_inputs(self, inputs: torch.Tensor) -> torch.Tensor:
        """Observations [B, *observation_shape] as float [B, features], or their entries."""
        return flat(inputs)


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
        """Map observations to float32 [B, widths[-1]].

        Args:
            observations: [B, *observation_shape], or their entries, int64 [B, M].
        """
        weight, bias, rest = self.folded()
        values = first_layer(flat(observations), weight, bias)
        for layer in rest:
            values = layer(values)
        return values.float()  # Whatever precision a layer's products had.

    def folded(self) -> tuple[torch.Tensor, torch.Tensor, list[nn.Module]]:
        """The same network with every layer in one up to the first ReLU.

        Returns:
            A layer's weight [H, P] and bias [H] on flattened observations, and what follows it.
        """
        first, *rest = self.layers
        assert isinstance(first, nn.Linear), "the layers begin with a linear one"
        weight, bias = first.weight, first.bias
        if self.convolution is not None:
            kernel, shift = self.convolution.weight.squeeze(2), self.convolution.bias
            assert shift is not None, "it has one"
            channels = weight.unflatten(1, (len(kernel), -1))
            bias = bias + channels.sum(2) @ shift
            weight = torch.einsum("hcx,cp->hpx", channels, kernel).flatten(1)
        while rest and isinstance(layer := rest[0], nn.Linear):
            rest = rest[1:]
            weight, bias = layer.weight @ weight, layer.weight @ bias + layer.bias
        return weight, bias, rest


def _layers(widths: Sequence[int], activate_last: bool = True) -> list[nn.Module]:
    """Linear layers from each width to the next, with ReLU between them."""
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        layers += [nn.Linear(inputs, outputs) if layers else FirstLayer(inputs, outputs), nn.ReLU()]
    return layers if activate_last else layers[:-1]


def without_storage() -> torch.device:
    """A context in which networks are made without storage, for weights that come later.

    Otherwise layers would draw weights of their own from the global generator.
    """
    return torch.device("meta")


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
