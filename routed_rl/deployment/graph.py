"""A policy as a graph of operations, for ONNX and for `torch.export`."""

from __future__ import annotations

import copy
import io
import json
import logging
import warnings
from typing import Any

import torch
from torch import nn
from torch.export import Dim, ExportedProgram

from routed_agents.policies.policy import Policy
from routed_agents.policies.steering import steering_weights
from routed_rl.extras import need
from routed_rl.training.policy_file import KEY, describe_policy

INPUT, OUTPUT = "observations", "probabilities"
"""The graph's input, int8 [B, *observation_shape], and output, float32 [B, A], are called so."""


class ActingNetwork(nn.Module):
    """A policy's action probabilities as a function of observations alone.

    Args:
        policy: As it is steered.
    """

    def __init__(self, policy: Policy) -> None:
        super().__init__()
        self.network = copy.deepcopy(policy.network).cpu()
        weights = steering_weights(policy.steering, policy.experts)
        # A single expert has no gate that could be asked.
        self.weights = (1.0,) if len(policy.experts) == 1 else weights

    def forward(self, observations: torch.Tensor) -> torch.Tensor:
        """Map observations [B, *observation_shape] to float [B, A]."""
        if self.weights is None:
            return self.network(observations)[0].softmax(1)
        return self.network.steered_logits(observations, self.weights).softmax(1)


def traced(policy: Policy) -> ExportedProgram:
    """The operations of a policy, as it is steered, for any number of observations."""
    seen = torch.zeros((2, *policy.network.settings.observation_shape), dtype=torch.int8)
    shapes = ({0: Dim("batch")},)
    program = torch.export.export(ActingNetwork(policy).eval(), (seen,), dynamic_shapes=shapes)
    for node in program.graph.nodes:
        # Where in the source an operation comes from: this machine's folders, nobody else's.
        node.meta.pop("stack_trace", None)
    return program


def torch_export_bytes(policy: Policy) -> bytes:
    """A file for `torch.export.load`; all of the policy's weights go into it."""
    buffer = io.BytesIO()
    torch.export.save(traced(policy), buffer, extra_files={f"{KEY}.json": _description(policy)})
    return buffer.getvalue()


def onnx_bytes(policy: Policy) -> bytes:
    """An ONNX file; its metadata say what it is, as JSON under the key `routed_rl`.

    Raises:
        InputError: A package of the extra `export` is missing.
    """
    need("export", "The format onnx", ("onnx", "onnxscript"))
    model = _onnx_model(traced(policy))
    del model.graph.value_info[:]
    for part in (*model.graph.node, *model.graph.input, *model.graph.output, model.graph):
        del part.metadata_props[:]
    for part in (*model.graph.input, *model.graph.output):
        part.type.tensor_type.shape.dim[0].dim_param = "batch"
    entry = model.metadata_props.add()
    entry.key, entry.value = KEY, _description(policy)
    return model.SerializeToString(deterministic=True)


def _onnx_model(program: ExportedProgram) -> Any:
    """PyTorch's translation, without the notes that it makes on the way."""
    notes = logging.getLogger("torch.onnx._internal.exporter._registration")
    before = notes.level
    notes.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            translated = torch.onnx.export(
                program,
                dynamo=True,
                verbose=False,
                input_names=[INPUT],
                output_names=[OUTPUT],
            )
    finally:
        notes.setLevel(before)
    assert translated is not None, "without a file to write, the exporter returns its program"
    return translated.model_proto


def _description(policy: Policy) -> str:
    return json.dumps(describe_policy(policy), sort_keys=True)
