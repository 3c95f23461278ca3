"""Policies as files of their own, without stable-baselines3's model."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from baselines import (
    ARCH,
    vec_env,
)
from helpers import random_policy

from routed_agents import (
    RoutedA2C,
    get_method,
    load_exported,
)
from routed_envs import InputError
from routed_envs.gridworld.world import OUTCOMES
from routed_rl import export_policy, load_policy, save_policy


def test_an_exported_policy_opens_without_the_model(tmp_path: Path):
    for policy in ("MlpPolicy", "CnnPolicy"):
        model = RoutedA2C(policy, vec_env(), policy_kwargs=dict(ARCH), n_steps=4)
        model.export(tmp_path / "policy.safetensors")
        again = load_exported(tmp_path / "policy.safetensors")
        seen = vec_env().reset()
        for steering in ("diamond", None):
            expected = model.steer(steering).action_probabilities(seen)
            assert torch.equal(again.steer(steering).action_probabilities(seen), expected)
    (tmp_path / "policy.safetensors").write_bytes(b"nothing")
    with pytest.raises(InputError, match="damaged"):
        load_exported(tmp_path / "policy.safetensors")
    with pytest.raises(InputError, match="no file"):
        load_exported(tmp_path / "missing")
    with pytest.raises(InputError, match=r"ends in \.safetensors"):
        model.export(tmp_path / "policy.onnx")
    assert not (tmp_path / "policy.onnx").exists()


def test_numpys_numbers_steer_and_are_exported_as_plain_ones(tmp_path: Path):
    deploy: Any = {"diamond": np.float32(0.75), "ghost": np.float64(0.25)}
    method = dataclasses.replace(get_method("routed", OUTCOMES), deploy=deploy)
    model = RoutedA2C("MlpPolicy", vec_env(), method, policy_kwargs=dict(ARCH), n_steps=4)
    half: Any = np.float32(0.5)
    model.policy = model.steer(half)
    model.export(tmp_path / "policy.safetensors")
    again = load_exported(tmp_path / "policy.safetensors")
    assert (again.steering, again.deploy) == (0.5, {"diamond": 0.75, "ghost": 0.25})


def test_a_policy_file_of_the_other_kind_is_told_from_a_damaged_one(tmp_path: Path):
    model = RoutedA2C("MlpPolicy", vec_env(), policy_kwargs=dict(ARCH), n_steps=4)
    model.export(tmp_path / "new" / "theirs.safetensors")
    with pytest.raises(InputError, match="load_exported"):
        load_policy(tmp_path / "new" / "theirs.safetensors")
    save_policy(random_policy(), str(tmp_path / "ours.safetensors"))
    with pytest.raises(InputError, match="load_policy"):
        load_exported(tmp_path / "ours.safetensors")
    with pytest.raises(InputError, match=r"Linear: give a Policy"):
        export_policy(torch.nn.Linear(1, 1), tmp_path / "policy.onnx")  # pyright: ignore[reportArgumentType]
