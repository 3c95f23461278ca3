"""How large a run in a world is, for the count of its memory."""

from __future__ import annotations

import math

from routed_envs.worlds import EnumerableWorld
from routed_rl.evaluation.exact import MAX_STATES
from routed_rl.runs.memory import Layers, RunSize
from routed_rl.training.experiment import Experiment

SAMPLED = 10_000
"""Episodes that run side by side where a world is too large to be listed."""
TEMPTING_START = 200
"""Bytes that a pair of cells takes while the tempting starts are listed."""


def run_size(experiment: Experiment) -> RunSize:
    """What decides the memory that an experiment takes."""
    config, world = experiment.config, experiment.world
    states = world.state_count if isinstance(world, EnumerableWorld) else None
    listed = states if states is not None and states <= MAX_STATES else 0
    kept = config.samples + config.environments
    return RunSize(
        layers=network_layers(experiment),
        entries=math.prod(world.observation_shape),
        entry_bytes=1,
        # A method may want each step's final observation as well.
        kept=kept * (1 + experiment.method.final_observations),
        learned=kept,
        judged=0 if listed else SAMPLED,
        listed=listed,
        world=TEMPTING_START * (config.rows * config.cols) ** 2 * config.tempting_starts,
        device=experiment.device.type,
    )


def network_layers(experiment: Experiment) -> Layers:
    """The experts with their head, the gate if it learns, and the baseline."""
    config, method, shape = experiment.config, experiment.method, experiment.world.observation_shape
    experts, inputs = len(method.experts), math.prod(shape)
    alone = method.acts == "experts"
    one = Layers.of(inputs, config.expert_widths)
    # Where experts act alone, a sample passes through one of them.
    layers = Layers(experts * one.parameters, (1 if alone else experts) * one.outputs)
    layers += Layers.of(config.expert_widths[-1], (experiment.world.actions,))
    values = experts if alone else 1
    layers += _plane_layers(shape, config.value_channels, (*config.value_widths, values))
    if method.gate == "learned":
        widths = (*config.gate_widths, experts - 1)
        layers += _plane_layers(shape, config.gate_channels, widths)
    return layers


def _plane_layers(shape: tuple[int, ...], channels: int, widths: tuple[int, ...]) -> Layers:
    """A 1 x 1 convolution to so many channels, if any, then fully connected layers."""
    planes, cells = shape[0], math.prod(shape[1:])
    layers = Layers.of((channels or planes) * cells, widths)
    if not channels:
        return layers
    return layers + Layers((planes + 1) * channels, channels * cells)
