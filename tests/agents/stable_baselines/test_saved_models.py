"""Models that were saved before modules moved are loaded as what they are.

Commit bf9a7c6 saved the files: 256 steps in the 3 x 3 gridworld, experts of 8 units, seed 0.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from numpy.testing import assert_array_equal

from routed_agents import RoutedA2C, RoutedPPO, RoutingSettings, load_exported
from routed_agents.stable_baselines.base import RoutedAlgorithm
from routed_envs import DiamondGhostWorld, WorldVecEnv

DATA = Path(__file__).parents[2] / "data" / "format_1"


@pytest.mark.parametrize(
    ("algorithm", "method"),
    [(RoutedA2C, "naive-early-stop"), (RoutedPPO, "oracle"), (RoutedPPO, "routed")],
)
def test_a_saved_model_acts_as_its_exported_policy_and_learns_on(
    algorithm: type[RoutedAlgorithm], method: str
):
    name, modules = f"{algorithm.__name__}-{method}", dict(sys.modules)
    env = WorldVecEnv(DiamondGhostWorld(3, 3), 8, seed=1)
    model = algorithm.load(DATA / f"{name}.zip", env=env, device="cpu")
    assert model.routing == RoutingSettings()
    exported, seen = load_exported(DATA / f"{name}.safetensors"), torch.as_tensor(env.reset())
    assert_array_equal(model.policy.action_probabilities(seen), exported.action_probabilities(seen))
    assert model.learn(128, reset_num_timesteps=False).num_timesteps > 128
    before = {module for module in modules if module.startswith("routed_")}
    assert {module: sys.modules[module] for module in before} == {m: modules[m] for m in before}


OWN_METHOD = """
import dataclasses
from routed_agents import get_method, group_experts

def updates(oversight):
    return 0.5

def method(outcomes):
    groups = {name: (name,) for name in outcomes.targets}
    grouped = group_experts(get_method("routed", outcomes), groups)
    return dataclasses.replace(grouped, name="own", updates=updates)
"""
SAVE = """
from routed_agents import RoutedA2C
from routed_envs import DiamondGhostWorld, WorldVecEnv

RoutedA2C("MlpPolicy", WorldVecEnv(DiamondGhostWorld(3, 3), 8), "own_groups:method").save("model")
"""
LOAD = """
from routed_agents import RoutedA2C

assert RoutedA2C.load("model").method.name == "own"
import routed_agents.methods
assert routed_agents.methods.expert_groups.group_experts
"""


def test_a_method_of_ones_own_may_import_ours_while_its_model_is_loaded(tmp_path: Path):
    (tmp_path / "own_groups.py").write_text(OWN_METHOD)
    for program in (SAVE, LOAD):  # Each in a process of its own, which has imported nothing.
        subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True)
