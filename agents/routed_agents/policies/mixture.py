"""A mixture of experts whose gradients can be routed, over any modules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import nn

from routed_agents.routing import route, route_parameters

Routing = Literal["activations", "parameters"]
"""Whether a closed route also keeps a sample's gradient from what lies under an expert."""


@dataclass(frozen=True)
class ExpertRoutes:
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


class Mixture(nn.Module):
    """Experts, a gate that weighs them, and one linear head (Cloud et al., section 4.3).

    K experts take K - 1 gate logits, the last being fixed at 0, which for two experts is a sigmoid.
    The head maps the weighted sum of the experts' hidden vectors to logits. Because it is linear
    and the weights sum to 1, the logits of a mixture are the same mixture of the experts' logits.

    Args:
        experts: By name; each maps its inputs to float [B, H].
        gate: Maps its inputs to float [B, K - 1]; None weighs every expert the same.
        head: From H hidden values to the logits.
        routing: `activations` closes an expert's output, so that a sample reaches neither the
            expert nor, through it, any trainable layer under it. `parameters` closes the expert's
            own weights alone (selective gradient masking): the layers under it learn from every
            sample through every expert. Without such layers both are the same.
    """

    def __init__(
        self,
        experts: Mapping[str, nn.Module],
        gate: nn.Module | None,
        head: nn.Linear,
        routing: Routing = "activations",
    ) -> None:
        super().__init__()
        self.experts = nn.ModuleDict(experts)
        self.gate = gate
        self.head = head
        self.routing: Routing = routing

    def gate_logits(self, inputs: Any) -> torch.Tensor:
        """The gate's logits, the last one 0; all are 0 without a learned gate.

        Args:
            inputs: [B, ...], the gate's, or a dictionary of such.

        Returns:
            float [B, K].
        """
        if self.gate is None:
            first = inputs if isinstance(inputs, torch.Tensor) else next(iter(inputs.values()))
            # Not `len`, which is a fixed number to whoever traces this.
            return first.new_zeros((first.shape[0], len(self.experts)), dtype=torch.float32)
        return nn.functional.pad(self.gate(inputs), (0, 1))

    def steered_logits(self, inputs: torch.Tensor, weights: Sequence[float]) -> torch.Tensor:
        """Logits with fixed weights in the place of the gate's.

        Args:
            inputs: [B, ...], the experts'.
            weights: One for each expert; an expert with weight 0 is not even computed.

        Returns:
            float [B, A].
        """
        return self._mix(inputs, weights)

    def forward(
        self,
        inputs: torch.Tensor,
        routes: ExpertRoutes | None = None,
        gate_inputs: torch.Tensor | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits and gate logits of the learned mixture.

        Args:
            inputs: [B, ...], the experts'.
            routes: Where each sample's gradient may go; everywhere if None.
            gate_inputs: [B, ...], the gate's; the experts' if None.

        Returns:
            Logits, float [B, A], and unrouted gate logits, float [B, K].
        """
        gate_inputs = inputs if gate_inputs is None else gate_inputs
        gate_logits = self.gate_logits(gate_inputs)
        weights = self._routed_gate(gate_logits, gate_inputs, routes).softmax(1)
        return self._mix(inputs, weights.unsqueeze(2).unbind(1), routes), gate_logits

    def solo_logits(self, inputs: torch.Tensor, routes: ExpertRoutes | None = None) -> torch.Tensor:
        """Logits of experts that act alone, each in its share of the environments.

        Args:
            inputs: [T, N, ...], the experts'; environments are dealt out as `deal` says.
            routes: Where the gradients of the T x N samples may go, of which the acting expert's
                weight counts; everywhere if None.

        Returns:
            float [T, N, A].
        """
        blocks, logits = inputs.tensor_split(len(self.experts), 1), []
        for index, (expert, block) in enumerate(zip(self.experts.values(), blocks, strict=True)):
            steps, flat = block.shape[:2], self._expert_inputs(block.flatten(0, 1))
            weight = factor = None
            if routes is not None:
                weight = _own_share(routes.experts, index, inputs.shape[:2])
                if routes.activations is not None:
                    factor = _own_share(routes.activations, index, inputs.shape[:2])
            out = self._hidden(expert, flat, weight)
            out = out if factor is None else out * factor.unsqueeze(1)
            logits.append(self.head(out).float().unflatten(0, steps))
        return torch.cat(logits, 1)

    def own_logits(
        self, inputs: Any, actors: torch.Tensor, routes: ExpertRoutes | None = None
    ) -> torch.Tensor:
        """Logits of the expert that acts in each sample, whatever their order.

        Args:
            inputs: [B, ...], the experts', or a dictionary of such.
            actors: int64 [B], the expert that acts.
            routes: Where the gradients may go, of which the acting expert's weight counts;
                everywhere if None.

        Returns:
            float [B, A].
        """
        rows = [(actors == index).nonzero().squeeze(1) for index in range(len(self.experts))]
        hidden = []
        for index, (expert, own) in enumerate(zip(self.experts.values(), rows, strict=True)):
            out = self._hidden(
                expert,
                self._expert_inputs(_rows(inputs, own)),
                None if routes is None else routes.experts[own, index],
            )
            if routes is not None and routes.activations is not None:
                out = out * routes.activations[own, index, None]
            hidden.append(out)
        return self.head(torch.cat(hidden)[torch.cat(rows).argsort()])

    def each_logits(self, inputs: torch.Tensor) -> torch.Tensor:
        """Logits of every expert alone, float [B, K, A], for its inputs [B, ...]."""
        inputs = self._expert_inputs(inputs)
        return self.head(torch.stack([expert(inputs) for expert in self.experts.values()], 1))

    def each_log_probability(self, inputs: torch.Tensor, actions: torch.Tensor) -> torch.Tensor:
        """How likely every expert alone would have taken actions, in logarithms.

        Args:
            inputs: [B, ...], the experts'.
            actions: int64 [B].

        Returns:
            float [B, K].
        """
        each = self.each_logits(inputs).log_softmax(2)
        return each.gather(2, actions.view(-1, 1, 1).expand(-1, each.shape[1], 1)).squeeze(2)

    def _routed_gate(
        self, gate_logits: torch.Tensor, gate_inputs: torch.Tensor, routes: ExpertRoutes | None
    ) -> torch.Tensor:
        """The gate's logits as the policy's loss may reach them."""
        if routes is None or self.gate is None:
            return gate_logits
        if self.routing == "activations":
            return route(gate_logits, routes.gate)
        return nn.functional.pad(route_parameters(self.gate, gate_inputs, routes.gate), (0, 1))

    def _mix(
        self,
        inputs: torch.Tensor,
        weights: Sequence[torch.Tensor] | Sequence[float],
        routes: ExpertRoutes | None = None,
    ) -> torch.Tensor:
        """The weighted sum of the experts' logits; weights are numbers or [B, 1]."""
        inputs = self._expert_inputs(inputs)
        bias = self.head.bias
        mixed = self.head.weight.new_zeros(self.head.out_features) if bias is None else bias
        for index, (expert, weight) in enumerate(zip(self.experts.values(), weights, strict=True)):
            if isinstance(weight, float) and weight == 0:
                continue
            hidden = self._hidden(
                expert, inputs, None if routes is None else routes.experts[:, index]
            )
            if routes is not None and routes.activations is not None:
                weight = weight * routes.activations[:, index, None]
            # The head first, which is linear: there are fewer logits than hidden values to weigh.
            mixed = mixed + weight * nn.functional.linear(hidden, self.head.weight)
        return mixed

    def _hidden(
        self, expert: nn.Module, inputs: torch.Tensor, weight: torch.Tensor | None
    ) -> torch.Tensor:
        """An expert's output, its route open by float [B] `weight`."""
        if weight is None:
            return expert(inputs)
        if self.routing == "activations":
            return route(expert(inputs), weight)
        return route_parameters(expert, inputs, weight)

    def _expert_inputs(self, inputs: torch.Tensor) -> torch.Tensor:
        """What each expert takes."""
        return inputs


def _rows(inputs: Any, index: torch.Tensor) -> Any:
    """Some samples of inputs [B, ...], or of a dictionary of such."""
    if isinstance(inputs, torch.Tensor):
        return inputs[index]
    return {name: part[index] for name, part in inputs.items()}


def deal(environments: int, experts: int, device: torch.device | str = "cpu") -> torch.Tensor:
    """The expert that acts in each environment, int64 [N]: even shares, side by side."""
    shares = torch.arange(environments).tensor_split(experts)
    lengths = torch.tensor([len(share) for share in shares])
    return torch.arange(experts).repeat_interleave(lengths).to(device)


def _own_share(
    weights: torch.Tensor, expert: int, shape: torch.Size | tuple[int, ...]
) -> torch.Tensor:
    """An expert's weights, of float [T x N, K], in the environments in which it acts."""
    own = weights[:, expert].view(*shape)
    return own.tensor_split(weights.shape[1], 1)[expert].flatten()
