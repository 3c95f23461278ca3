"""The studies by name: what a configuration asks to train, and which network it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import torch
from torch import nn

from routed_rl.runs.task import Task
from routed_rl.studies.digits.digits_task import DigitsTask, digits_network
from routed_rl.studies.scalar.scalar_task import ScalarTask, scalar_network
from routed_rl.studies.study_state import StudyState
from routed_rl.studies.unlearn.unlearn_network import unlearn_network
from routed_rl.studies.unlearn.unlearn_task import UnlearnTask
from routed_rl.study_configs.study_config import StudyConfig

TASKS: Mapping[str, Callable[[Any], Task[StudyState]]] = MappingProxyType(
    {"digits": DigitsTask, "unlearn": UnlearnTask, "scalar": ScalarTask}
)
NETWORKS: Mapping[str, Callable[[Any, Mapping[str, torch.Tensor]], nn.Module]] = MappingProxyType(
    {"digits": digits_network, "unlearn": unlearn_network, "scalar": scalar_network}
)
"""Each makes a network of a run's configuration for given weights, by name."""


def study_task(config: StudyConfig) -> Task[StudyState]:
    """What a configuration of a study asks to train.

    Raises:
        InputError: Its data cannot be had.
    """
    return TASKS[config.study](config)
