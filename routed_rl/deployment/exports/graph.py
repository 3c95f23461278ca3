"""A policy as a graph of operations, for ONNX and for `torch.export`."""

from __future__ import annotations

import copy
import io
import json
import logging
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from gymnasium import spaces
from torch import nn
from torch.export import Dim, ExportedProgram

from routed_agents.policies.policy import Policy
from routed_agents.policies.steering import steering_weights
from routed_rl.extras import need
from routed_rl.training.policy_file import KEY, describe_policy
from routed_rl.training.run import AnyPolicy

if TYPE_CHECKING:
    from routed_agents.stable_baselines.actor_critic import RoutedActorCriticPolicy


INPUT, OUTPUT = "observations", "probabilities"
"""The graph's input and output are called so, unless there are several."""
GAUSSIAN = ("means", "deviations")
"""The outputs for actions that are `Box`."""


@dataclass(frozen=True)
class Graph:
    """What a file holds that any program can act with.

    Attributes:
        network: Maps the inputs, in their order, to the outputs.
        inputs: Two observations, by the inputs' names.
        outputs: The outputs' names.
        key: Under which the description is found.
        description: What the policy is, as plain values.
    """

    network: nn.Module
    inputs: Mapping[str, torch.Tensor]
    outputs: tuple[str, ...]
    key: str
    description: Mapping[str, Any]

    @property
    def text(self) -> str:
        """The description as JSON."""
        return json.dumps(self.description, sort_keys=True)

    def traced(self) -> ExportedProgram:
        """The operations, for any number of observations."""
        shapes = ({0: Dim("batch")},) * len(self.inputs)
        # The network takes any number of inputs, whose shapes are those of one argument.
        program = torch.export.export(
            self.network.eval(), tuple(self.inputs.values()), dynamic_shapes=(shapes,)
        )
        for node in program.graph.nodes:
            # Where in the source an operation comes from: this machine's folders, nobody else's.
            node.meta.pop("stack_trace", None)
        return program


class ActingNetwork(nn.Module):
    """A policy's action probabilities as a function of observations alone.

    Args:
        policy: As it is steered.
    """

    def __init__(self, policy: Policy) -> None:
        super().__init__()
        self.network = copy.deepcopy(policy.network).cpu()
        for parameter in self.network.parameters():
            # In the usual layout, which formats expect.
            parameter.data = parameter.data.contiguous()
        weights = steering_weights(policy.steering, policy.experts)
        # A single expert has no gate that could be asked.
        self.weights = (1.0,) if len(policy.experts) == 1 else weights

    def forward(self, *observations: torch.Tensor) -> torch.Tensor:
        """Map observations [B, *observation_shape] to float [B, A]."""
        (seen,) = observations
        if self.weights is None:
            return self.network(seen)[0].softmax(1)
        return self.network.steered_logits(seen, self.weights).softmax(1)


class ActingInEnvironment(nn.Module):
    """The same of a policy of stable-baselines3; the parts of a dictionary are inputs each.

    Args:
        policy: As it is steered.
        parts: The inputs' names; none where the observation is no dictionary.
    """

    def __init__(self, policy: RoutedActorCriticPolicy, parts: tuple[str, ...]) -> None:
        super().__init__()
        self.policy = copy.deepcopy(policy).cpu()
        self.policy.value_net = nn.Sequential()  # Whoever acts asks for no values.
        self.parts = parts

    def forward(self, *observations: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Map observations [B, ...] to what the policy's `acting` gives."""
        seen = dict(zip(self.parts, observations, strict=True)) if self.parts else observations[0]
        return self.policy.acting(seen)


def graph_of(policy: AnyPolicy) -> Graph:
    """A policy's graph, as it is steered."""
    if isinstance(policy, Policy):
        seen = torch.zeros((2, *policy.network.settings.observation_shape), dtype=torch.int8)
        network = ActingNetwork(policy)
        return Graph(network, {INPUT: seen}, (OUTPUT,), KEY, describe_policy(policy))
    from routed_agents.stable_baselines import export  # Slow to import.

    seen = _two_of(policy.observation_space)
    named = seen if isinstance(seen, dict) else {INPUT: seen}
    network = ActingInEnvironment(policy, tuple(seen) if isinstance(seen, dict) else ())
    outputs = GAUSSIAN if isinstance(policy.action_space, spaces.Box) else (OUTPUT,)
    return Graph(network, named, outputs, export.KEY, export.describe_policy(policy))


def _two_of(space: spaces.Space) -> Any:
    """Two observations of a space, or a dictionary of the parts'; no program sees their values."""
    if isinstance(space, spaces.Dict):
        return {name: _two_of(part) for name, part in space.items()}
    return torch.as_tensor(np.zeros((2, *(space.shape or ())), space.dtype))


def torch_export_bytes(graph: Graph) -> bytes:
    """A file for `torch.export.load`; all of the policy's weights go into it."""
    buffer = io.BytesIO()
    torch.export.save(graph.traced(), buffer, extra_files={f"{graph.key}.json": graph.text})
    return buffer.getvalue()


def onnx_bytes(graph: Graph) -> bytes:
    """An ONNX file; its metadata say what it is, as JSON under the graph's key.

    Raises:
        InputError: A package of the extra `export` is missing.
    """
    need("export", "The format onnx", ("onnx", "onnxscript"))
    model = _onnx_model(graph)
    del model.graph.value_info[:]
    for part in (*model.graph.node, *model.graph.input, *model.graph.output, model.graph):
        del part.metadata_props[:]
    for part in (*model.graph.input, *model.graph.output):
        part.type.tensor_type.shape.dim[0].dim_param = "batch"
    entry = model.metadata_props.add()
    entry.key, entry.value = graph.key, graph.text
    return model.SerializeToString(deterministic=True)


def _onnx_model(graph: Graph) -> Any:
    """PyTorch's translation, without the notes that it makes on the way."""
    notes = logging.getLogger("torch.onnx._internal.exporter._registration")
    before = notes.level
    notes.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            translated = torch.onnx.export(
                graph.traced(),
                dynamo=True,
                verbose=False,
                input_names=list(graph.inputs),
                output_names=list(graph.outputs),
            )
    finally:
        notes.setLevel(before)
    assert translated is not None, "without a file to write, the exporter returns its program"
    return translated.model_proto
