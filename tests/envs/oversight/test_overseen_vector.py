"""Oversight for vector environments: every mode of autoreset, against a vector of `Overseen`."""

from __future__ import annotations

from functools import partial
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from hypothesis import given, settings
from hypothesis import strategies as st

from routed_envs import DiamondGhostVectorEnv, FinalStep, InputError, Overseen, OverseenVector

MODES = tuple(AutoresetMode)


class Countdown(gymnasium.Env[Any, Any]):
    """Counts its steps; ends after so many by action 1, is cut after six; pays a fifth of a count.

    Args:
        keyed: The observation is a dictionary.
        length: The steps after which action 1 ends an episode.
    """

    def __init__(self, keyed: bool = False, length: int = 2) -> None:
        own = spaces.Box(0, 9, (1,), np.float32)
        self.keyed, self.length = keyed, length
        self.observation_space = spaces.Dict({"count": own}) if keyed else own
        self.action_space = spaces.Discrete(2)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.count = int(self.np_random.integers(2))
        return self.look(), {"count": self.count}

    def step(self, action: Any) -> Any:
        self.count += 1
        terminated = action == 1 and self.count >= self.length
        info: dict[str, Any] = {"count": self.count}
        if terminated:
            info["inner"] = {"parity": self.count % 2}
        return self.look(), self.count / 5, terminated, self.count >= 6, info

    def look(self) -> Any:
        own = np.array([self.count], np.float32)
        return {"count": own} if self.keyed else own


def parity(final: FinalStep) -> str:
    """`odd` or `even`, from the observation, the information or both."""
    if not final.terminated:
        return "timeout"
    seen = final.observation["count"] if isinstance(final.observation, dict) else final.observation
    assert final.info["count"] == seen[0]
    assert final.info["inner"] == {"parity": seen[0] % 2}
    assert final.action == 1
    return "odd" if seen[0] % 2 else "even"


def counted(final: FinalStep) -> str:
    """Where the episode began, having looked at all of it."""
    counts = [step.info["count"] for step in final.episode]
    assert counts == list(range(counts[0], final.info["count"] + 1))
    for step in final.episode:
        own = step.observation["count"] if isinstance(step.observation, dict) else step.observation
        assert own.tolist() == [step.info["count"]]
    assert final.episode[0].action is None
    assert [step.reward for step in final.episode[1:]] == pytest.approx(
        [count / 5 for count in counts[1:]]
    )
    return "odd" if counts[0] else "even"


RULES: dict[str, Any] = {
    "targets": ("odd", "even", "other"),
    "good": ("odd",),
    "outcome": parity,
    "oversight": 0.5,
    "label_noise": 0.3,
    "reward": 7.0,
}


def watched_one(keyed: bool, **kwargs: Any) -> gymnasium.Env[Any, Any]:
    return Overseen(Countdown(keyed), **{**RULES, **kwargs})


def pair(mode: AutoresetMode, keyed: bool, count: int = 3, **kwargs: Any) -> tuple[Any, Any]:
    """A vector with oversight, and a vector of environments each of which has it."""
    plain = SyncVectorEnv([partial(Countdown, keyed)] * count, autoreset_mode=mode)
    each = [partial(watched_one, keyed, **kwargs)] * count
    return OverseenVector(plain, **{**RULES, **kwargs}), SyncVectorEnv(each, autoreset_mode=mode)


def assert_same(one: Any, other: Any) -> None:
    """Equal keys, values and dtypes, all the way down."""
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        for key in one:
            assert_same(one[key], other[key])
    elif isinstance(one, tuple) or (isinstance(one, np.ndarray) and one.dtype.hasobject):
        for a, b in zip(one, other, strict=True):
            assert_same(a, b)
    else:
        assert np.array_equal(one, other)
        assert getattr(one, "dtype", None) == getattr(other, "dtype", None)


@pytest.mark.parametrize("keyed", [False, True], ids=["array", "dictionary"])
@pytest.mark.parametrize(
    "rules",
    [{}, {"show_oversight": False}, {"outcome": counted, "whole_episode": True}],
    ids=["shown", "hidden", "whole"],
)
@pytest.mark.parametrize("mode", MODES)
def test_it_equals_a_vector_of_overseen_environments_step_by_step(mode, rules, keyed):
    fast, slow = pair(mode, keyed, step_rewards="outcome" not in rules, **rules)
    assert fast.observation_space == slow.observation_space
    assert fast.single_observation_space == slow.single_observation_space
    assert_same(fast.reset(seed=7), slow.reset(seed=7))
    actions, endings = np.random.default_rng(0).integers(2, size=(120, 3)), 0
    for chosen in actions:
        one, other = fast.step(chosen), slow.step(chosen)
        assert_same(one, other)
        ended = one[2] | one[3]
        endings += ended.sum()
        if mode is AutoresetMode.DISABLED and ended.any():
            masks = [{"reset_mask": ended.copy()} for _ in range(2)]
            assert_same(fast.reset(options=masks[0]), slow.reset(options=masks[1]))
    assert endings > 60


@given(seeds=st.lists(st.none() | st.integers(0, 99), min_size=3, max_size=3))
@settings(max_examples=10, deadline=None)
def test_each_environment_can_have_a_seed_of_its_own(seeds):
    fast, slow = pair(AutoresetMode.SAME_STEP, False)
    fast.reset(seed=1)
    slow.reset(seed=1)
    # Without a seed an environment goes on with its numbers, and its overseer too.
    assert_same(fast.reset(seed=seeds), slow.reset(seed=seeds))
    for _ in range(6):
        assert_same(fast.step(np.ones(3, int)), slow.step(np.ones(3, int)))


def test_the_last_label_moves_to_the_final_information():
    fast, _ = pair(AutoresetMode.SAME_STEP, False, count=2, oversight=1.0, label_noise=0.0)
    _, infos = fast.reset(seed=0)
    if infos["count"][0] == 0:
        fast.step(np.zeros(2, int))
    observations, rewards, _, _, infos = fast.step(np.array([1, 0]))
    count = infos["final_obs"][0][0]
    assert infos["label"].tolist() == ["unfinished", "unfinished"]
    assert infos["final_info"]["label"].tolist() == ["odd" if count % 2 else "even", None]
    assert infos["final_info"]["_label"].tolist() == [True, False]
    assert infos["final_obs"][0].tolist() == [count, 1.0]
    assert rewards.tolist()[0] == 7.0
    assert observations[:, 1].tolist() == [1.0, 1.0]


def test_gymnasiums_own_vector_environment_is_overseen():
    def fallen(final: FinalStep) -> str:
        assert final.env is None
        assert final.index in range(4)
        return "odd" if final.terminated else "timeout"

    plain = gymnasium.make_vec("CartPole-v1", 4, vectorization_mode="vector_entry_point")
    env = OverseenVector(plain, **{**RULES, "outcome": fallen, "oversight": 1.0})
    observations, infos = env.reset(seed=0)
    assert observations.shape == (4, 5)
    assert env.observation_space.contains(observations)
    labels = set()
    for _ in range(40):
        _, rewards, terminated, _, infos = env.step(np.zeros(4, int))
        assert (rewards == np.where(terminated, 7.0, rewards)).all()
        assert ((infos["hidden_outcome"] == "odd") == terminated).all()
        labels |= set(infos["label"])
    assert labels == {"odd", "even", "other", "unfinished"}


def test_what_learns_can_ask_for_outcomes_share_and_mask():
    env, _ = pair(AutoresetMode.NEXT_STEP, False)
    assert env.outcomes.targets == ("odd", "even", "other")
    assert env.overseen_share == 0.5
    assert env.oversight_mask.tolist() == [False, True]


def test_what_cannot_be_overseen_is_refused():
    with pytest.raises(InputError, match=r"Overseen takes those from gymnasium\.make"):
        OverseenVector(Countdown(), **RULES)  # pyright: ignore[reportArgumentType]
    for overseen in (DiamondGhostVectorEnv(2), pair(AutoresetMode.NEXT_STEP, False)[0]):
        with pytest.raises(InputError, match="has an overseer already"):
            OverseenVector(overseen, **RULES)
    silent = SyncVectorEnv([Countdown])
    silent.metadata = {}
    with pytest.raises(InputError, match=r'metadata\["autoreset_mode"\]'):
        OverseenVector(silent, **RULES)
    env, _ = pair(AutoresetMode.NEXT_STEP, False)
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.step(np.zeros(3, int))


def test_an_unknown_outcome_shows_the_nearest_known_one():
    env = OverseenVector(SyncVectorEnv([Countdown]), **{**RULES, "outcome": lambda final: "ode"})
    _, infos = env.reset(seed=0)
    if infos["count"][0] == 0:
        env.step(np.ones(1, int))
    with pytest.raises(InputError, match=r"no outcome 'ode'\. Did you mean 'odd'"):
        env.step(np.ones(1, int))
