"""Every kind of configuration, told apart by the settings that it names. Imports no PyTorch."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from routed_envs.errors import InputError, shown, unknown_name
from routed_rl.config import TrainConfig
from routed_rl.environment_config import EnvironmentConfig
from routed_rl.study_configs.digits_config import DigitsConfig
from routed_rl.study_configs.scalar_config import ScalarConfig
from routed_rl.study_configs.study_config import StudyConfig
from routed_rl.study_configs.unlearn_config import UnlearnConfig

AnyConfig = TrainConfig | EnvironmentConfig | StudyConfig
STUDIES: Mapping[str, type[StudyConfig]] = MappingProxyType(
    {"digits": DigitsConfig, "unlearn": UnlearnConfig, "scalar": ScalarConfig}
)
"""The experiments of the paper beside its gridworld."""


def kind_of(values: Mapping[str, Any]) -> type[AnyConfig]:
    """Which record has settings of these names: that of a study, of an environment, or the world's.

    Args:
        values: Settings by name.

    Raises:
        InputError: They name a study that does not exist.
    """
    if "study" in values:
        name = values["study"]
        if not isinstance(name, str) or name not in STUDIES:
            raise unknown_name("study", name, STUDIES)
        return STUDIES[name]
    return EnvironmentConfig if "env" in values else TrainConfig


def read_config(values: Mapping[str, Any]) -> AnyConfig:
    """The configuration that `to_json` of any kind described.

    Args:
        values: Fields by name.

    Raises:
        InputError: Unknown fields or values that cannot be used; every one is listed. Or these are
            no settings by name.
    """
    if not isinstance(values, Mapping):
        raise InputError(f"A configuration is settings by name, and this is {shown(values)}.")
    return kind_of(values).from_json(values)
