"""The two wrappers take the same arguments, and hold them for whoever makes them again."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import gymnasium
import pytest
from gymnasium.vector import SyncVectorEnv

from routed_envs import FinalStep, InputError, Overseen, OverseenVector

ARGUMENTS: dict[str, Any] = {
    "oversight": 0.25,
    "label_noise": 0.5,
    "show_oversight": False,
    "reward": 2.0,
}


def ending(final: FinalStep) -> str:
    return "timeout" if final.truncated else "fallen"


RULES = (("fallen", "stood"), ("stood",), ending)


def single(**arguments: Any) -> Overseen:
    return Overseen(gymnasium.make("CartPole-v1"), *RULES, **arguments)


def many(**arguments: Any) -> OverseenVector:
    vector = SyncVectorEnv([lambda: gymnasium.make("CartPole-v1")] * 2)
    return OverseenVector(vector, *RULES, **arguments)


def test_arguments_stand_in_the_same_order_with_the_same_defaults():
    arguments = inspect.signature(Overseen).parameters
    assert inspect.signature(OverseenVector).parameters == arguments
    defaults = {name: arguments[name].default for name in list(arguments)[4:]}
    assert list(arguments)[:4] == ["env", "targets", "good", "outcome"]
    expected = {"oversight": 0.1, "label_noise": 0.0, "show_oversight": True, "reward": None}
    assert defaults == expected | {"step_rewards": True, "whole_episode": False}


def test_both_record_what_they_were_made_with():
    for env in (single(**ARGUMENTS), many(**ARGUMENTS)):
        rules = {"targets": ("fallen", "stood"), "good": ("stood",), "outcome": ending}
        left_out = {"step_rewards": True, "whole_episode": False}
        assert env._saved_kwargs == rules | left_out | ARGUMENTS
        assert (env.outcomes.good, env.overseen_share) == (("stood",), 0.25)


@pytest.mark.parametrize("build", [single, many])
def test_both_refuse_what_cannot_be_used(build: Callable[..., Any]):
    for name, value in (("oversight", 2), ("label_noise", -1), ("reward", "1")):
        with pytest.raises(InputError, match=f"{name}="):
            build(**{name: value})


def test_a_flag_that_is_not_shown_leaves_the_spaces_alone():
    for env in (single(show_oversight=False), many(show_oversight=False)):
        assert env.observation_space == env.env.observation_space
    assert single().observation_space.shape == (5,)
    assert many().observation_space.shape == (2, 5)
    assert many().single_observation_space.shape == (5,)
