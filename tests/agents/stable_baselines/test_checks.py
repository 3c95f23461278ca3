"""What the algorithms refuse, and what they say."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from baselines import (
    ARCH,
    EXPERTS,
    SMALL_WORLD,
    Continuous,
    Misspelt,
    NoLabels,
    OtherOutcomes,
    Script,
    Talking,
    routed_policy,
    routed_ppo,
    vec_env,
)
from gymnasium import spaces
from own_env import doors
from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.vec_env import VecEnv, VecFrameStack

from routed_agents import (
    RoutedActorCriticPolicy,
    RoutedPPO,
    RoutingSettings,
    get_method,
)
from routed_agents.stable_baselines.checks import check_spaces, laid_over
from routed_envs import InputError, Outcomes
from routed_envs.gridworld.world import OUTCOMES
from routed_rl import evaluate_env


def test_what_cannot_be_used_is_refused_with_its_cure(tmp_path: Path):
    plain = gymnasium.make("CartPole-v1")
    with pytest.raises(InputError, match=r"gives none.*routed_envs\.Overseen"):
        RoutedPPO("MlpPolicy", plain)
    with pytest.raises(InputError, match=r"env=None: .* overseen environment; .*`load`"):
        RoutedPPO("MlpPolicy", None)
    with pytest.raises(InputError, match="Did you mean 'routed'"):
        RoutedPPO("MlpPolicy", vec_env(), "routd")
    with pytest.raises(InputError, match="Recurrent policies"):
        RoutedPPO("MlpLstmPolicy", vec_env())
    with pytest.raises(InputError, match=r"ActorCriticPolicy has no experts.*derive yours"):
        RoutedPPO(ActorCriticPolicy, vec_env())  # pyright: ignore[reportArgumentType]
    with pytest.raises(InputError, match="Did you mean 'parameters'"):
        RoutedPPO("MlpPolicy", vec_env(), policy_kwargs={"routing": "parameter"})
    with pytest.raises(InputError, match="Did you mean 'gate'"):
        RoutedPPO("MlpPolicy", vec_env(), policy_kwargs={"shared": ("gates",)})
    wrong = dataclasses.replace(get_method("routed", OUTCOMES), rows={})
    with pytest.raises(InputError, match="one row for each label"):
        RoutedPPO("MlpPolicy", vec_env(), wrong)
    with pytest.raises(InputError, match="overseen_limit"):
        RoutingSettings(overseen_limit=0.0)
    model = routed_ppo()
    with pytest.raises(InputError, match="Did you mean 'diamond'"):
        model.steer("dimond")
    with pytest.raises(InputError, match="has no 'label'"):
        RoutedPPO("MlpPolicy", make_vec_env(NoLabels, 1), policy_kwargs=dict(ARCH)).learn(32)
    with pytest.raises(InputError, match="There is no label 'gost'"):
        RoutedPPO("MlpPolicy", Misspelt(), policy_kwargs=dict(ARCH)).learn(32)
    model.save(tmp_path / "model")
    with pytest.raises(InputError, match=r"learned with .*ghost.*the environment has .*trap"):
        RoutedPPO.load(tmp_path / "model", env=OtherOutcomes())
    with pytest.raises(InputError, match="the environment has"):
        model.set_env(OtherOutcomes())
    watched = dataclasses.replace(SMALL_WORLD, rows=4, oversight=1.0)
    with pytest.raises(ValueError, match="spaces do not match"):
        model.set_env(vec_env(watched))
    assert model.overseen_share == SMALL_WORLD.oversight  # A refused environment leaves no trace.
    given: Any = gymnasium.make_vec("CartPole-v1", num_envs=2)
    with pytest.raises(InputError):
        model.set_env(given)
    with pytest.raises(InputError):
        RoutedPPO.load(tmp_path / "model", env=given)


@pytest.mark.parametrize(
    ("experts", "gate", "message"),
    [
        ((), "none", r"experts=\(\): give at least one name"),
        (("a", "a"), "even", r"experts=\('a', 'a'\): .* all different"),
        (("a", "b"), "none", "gate='none' with 2 experts, a, b: .* 'learned' or 'even'"),
        (("a",), "even", "gate='even' with a single expert, a, which takes 'none'"),
    ],
)
def test_experts_and_a_gate_that_do_not_fit_are_refused(
    experts: tuple[str, ...], gate: str, message: str
):
    with pytest.raises(InputError, match=message):
        routed_policy(experts=experts, gate=gate)


class OneTarget(Script):
    """Every episode that ends on a target ends on the same one."""

    outcomes = Outcomes(targets=("ghost",), good=("ghost",))
    labels = ("unfinished", "ghost", "unknown", "timeout")


@pytest.mark.parametrize("method", ["routed", "no-gate", "inferred"])
def test_a_single_target_is_left_to_methods_with_a_single_expert(method: str):
    env = make_vec_env(OneTarget, 2)
    with pytest.raises(InputError, match=r"a single expert, ghost, .* such as 'naive'"):
        RoutedPPO("MlpPolicy", env, method)
    RoutedPPO("MlpPolicy", env, "naive", n_steps=8, batch_size=8).learn(16)


class Unmarked(Script):
    """No fixed entries of what it shows tell of oversight."""

    oversight_mask: Any = None


class Silent(Script):
    """It does not say what tells of oversight."""

    @property
    def oversight_mask(self) -> Any:  # pyright: ignore[reportIncompatibleVariableOverride]
        raise AttributeError


def in_a_dictionary() -> gymnasium.Env[Any, Any]:
    env = doors(0.5)
    space = spaces.Dict({"line": env.observation_space})
    return gymnasium.wrappers.TransformObservation(env, lambda seen: {"line": seen}, space)


@pytest.mark.parametrize(
    ("env", "policy", "message"),
    [
        (lambda: make_vec_env(Unmarked, 2), "MlpPolicy", r"None, for observations of .*\(1,\)"),
        (lambda: make_vec_env(Silent, 2), "MlpPolicy", "missing, for observations of shape"),
        (
            lambda: VecFrameStack(make_vec_env(lambda: doors(0.5), 2), 2),
            "MlpPolicy",
            r"of shape \(2,\), for observations of shape \(4,\)",
        ),
        (
            lambda: make_vec_env(in_a_dictionary, 2),
            "MultiInputPolicy",
            r"of shape \(2,\), for observations in a dictionary",
        ),
    ],
)
def test_a_method_that_is_told_what_shows_oversight_needs_a_mask(
    env: Callable[[], VecEnv], policy: str, message: str
):
    cure = "'reward-model-untold' or 'inferred-model'"
    with pytest.raises(InputError, match=f"'reward-model' is told .* is {message}.*{cure}"):
        RoutedPPO(policy, env(), "reward-model")
    model = RoutedPPO(policy, env(), "reward-model-untold", n_steps=8, batch_size=8)
    model.learn(16)


def test_a_new_environment_of_a_method_that_is_told_needs_a_mask():
    model = RoutedPPO("MlpPolicy", make_vec_env(Script, 2), "reward-model")
    with pytest.raises(InputError, match="oversight_mask is None"):
        model.set_env(make_vec_env(Unmarked, 2))


def test_a_mask_is_laid_over_pictures_and_stacked_frames():
    last = np.zeros((5, 6, 2), dtype=bool)
    last[..., 1] = True
    moved = laid_over(last, (2, 5, 6))
    assert moved is not None
    assert moved.tolist() == [[[False] * 6] * 5, [[True] * 6] * 5]
    cube = np.arange(27).reshape(3, 3, 3) == 3
    for shape in ((3, 3, 3), (2, 3, 3, 3)):  # The second has an axis for the frames.
        assert np.array_equal(laid_over(cube, shape), cube)  # pyright: ignore[reportArgumentType]
    for none_such in (last, None, {"place": last}):
        assert laid_over(none_such, (4, 5, 6)) is None


@pytest.mark.slow
def test_spaces_that_are_not_supported_are_refused_with_their_cure():
    with pytest.raises(InputError, match=r"a mixture of experts .* such as 'inferred'"):
        RoutedPPO("MlpPolicy", Continuous())
    with pytest.raises(InputError, match=r"of 'mission'.*FlattenObservation.*ImgObsWrapper"):
        RoutedPPO("MultiInputPolicy", gymnasium.make("routed_envs/MiniGrid-DiamondGhost-6x6-v0"))
    with pytest.raises(InputError, match="The action space is Text"):
        RoutedPPO("MlpPolicy", Talking())
    with pytest.raises(InputError, match="environments=1: in method"):
        RoutedPPO("MlpPolicy", Continuous(), "inferred")
    with pytest.raises(InputError, match="learns with RoutedPPO or RoutedA2C"):
        PPO(RoutedActorCriticPolicy, vec_env(), policy_kwargs=EXPERTS | {"acts": "experts"}).learn(
            8
        )
    for takes, message in (
        (spaces.Box(-np.inf, np.inf, (1,)), "has no bounds"),
        (spaces.Discrete(2, start=1), "begins at 1"),
    ):
        with pytest.raises(InputError, match=message):
            check_spaces(spaces.MultiBinary(1), takes)
    with pytest.raises(InputError, match="use_sde"):
        RoutedPPO("MlpPolicy", make_vec_env(Continuous, 2), "inferred", use_sde=True)
    vector: Any = gymnasium.make_vec("routed_envs/DiamondGhost-v0", num_envs=2)
    with pytest.raises(InputError, match="WorldVecEnv"):
        RoutedPPO("MlpPolicy", vector)
    with pytest.raises(InputError, match="WorldVecEnv"):
        evaluate_env(routed_ppo().policy, vector)


@pytest.mark.parametrize(
    ("space", "message"),
    [
        (spaces.Discrete(4, start=1), r"is Discrete\(4, start=1\), which begins at 1;.* from 0"),
        (spaces.MultiDiscrete([3, 3], start=[0, 2]), r"begins at \[0 2\]"),
        (spaces.Dict({"place": spaces.Discrete(4, start=-1)}), "of 'place' is .* begins at -1"),
    ],
)
def test_observations_that_are_not_counted_from_0_are_refused(space: spaces.Space, message: str):
    with pytest.raises(InputError, match=message):
        check_spaces(space, spaces.Discrete(2))
    check_spaces(spaces.Dict({"place": spaces.Discrete(4)}), spaces.Discrete(2))
