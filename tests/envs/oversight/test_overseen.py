"""Oversight for any environment: labels, flags, rewards, seeds, refusals, and its users."""

from __future__ import annotations

import pickle
import warnings
from collections import Counter
from functools import partial
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.utils.env_checker import check_env
from hypothesis import given, settings
from hypothesis import strategies as st
from stable_baselines3.common.env_checker import check_env as sb3_check_env
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import SubprocVecEnv

from routed_envs import DiamondGhostEnv, FinalStep, InputError, Outcomes, Overseen
from routed_envs.oversight.overseer import Overseer, Watch, overseer_generator
from scripts import environments

TARGETS: dict[str, Any] = {"targets": ("left", "right"), "good": ("left",)}
WALK = (0, 0)
"""Two steps to the left, which end an episode there."""


class Corridor(gymnasium.Env[Any, Any]):
    """Ends two steps to the left or right, paying the place, or is cut after four steps.

    Observations are of the space given, all of whose entries are the place + 2.
    """

    metadata = {"render_modes": []}  # noqa: RUF012

    def __init__(self, space: spaces.Space[Any] | None = None) -> None:
        self.observation_space = space or spaces.Box(0, 4, (2,), np.float32)
        self.action_space = spaces.Discrete(2)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.place = self.steps = 0
        return self.look(), {"place": 0}

    def step(self, action: Any) -> Any:
        self.place += 2 * int(action) - 1
        self.steps += 1
        terminated = abs(self.place) == 2
        reward = float(self.place) if terminated else 0.25
        return self.look(), reward, terminated, self.steps == 4, {"place": self.place}

    def look(self) -> Any:
        if isinstance(self.observation_space, spaces.Dict):
            return {"place": np.full(1, self.place, np.float32)}
        if isinstance(self.observation_space, spaces.Discrete):
            return np.int64(self.place + 2)
        shape, dtype = self.observation_space.shape or (), self.observation_space.dtype
        binary = isinstance(self.observation_space, spaces.MultiBinary)
        return np.full(shape, 1 if binary else self.place + 2, dtype)


def side(final: FinalStep) -> str:
    """The side on which an episode in the corridor ended."""
    if final.terminated:
        return "left" if final.info["place"] < 0 else "right"
    return "timeout"


def cart(final: FinalStep) -> str:
    """On which side of the middle a cart's pole fell."""
    if final.terminated:
        return "left" if final.observation[0] < 0 else "right"
    return "timeout"


def overseen(space: spaces.Space[Any] | None = None, **kwargs: Any) -> Overseen:
    settings: dict[str, Any] = {**TARGETS, "outcome": side, **kwargs}
    return Overseen(Corridor(space), **settings)


def last_step(env: gymnasium.Env[Any, Any], actions: tuple[int, ...] = WALK) -> Any:
    env.reset(seed=0)
    return [env.step(action) for action in actions][-1]


@pytest.mark.parametrize(
    ("actions", "outcome", "unseen"),
    [
        ((0, 0), "left", "unknown"),
        ((1, 0, 1, 1), "right", "unknown"),
        ((0, 1, 0, 1), "timeout", "timeout"),
    ],
)
def test_the_label_is_the_targets_if_overseen_and_unknown_if_not(actions, outcome, unseen):
    for oversight, label in ((1.0, outcome), (0.0, unseen)):
        env = overseen(oversight=oversight)
        _, info = env.reset(seed=0)
        assert info == {"place": 0, "label": "unfinished", "hidden_outcome": "unfinished"}
        infos = [env.step(action)[4] for action in actions]
        assert [info["label"] for info in infos[:-1]] == ["unfinished"] * (len(actions) - 1)
        assert (infos[-1]["label"], infos[-1]["hidden_outcome"]) == (label, outcome)


def test_a_target_reached_by_the_last_step_allowed_counts():
    _, _, terminated, truncated, info = last_step(overseen(oversight=1.0), (1, 0, 1, 1))
    assert (terminated, truncated, info["label"]) == (True, True, "right")


def test_the_outcome_is_told_from_the_last_step_alone():
    seen: list[FinalStep] = []

    def outcome(final: FinalStep) -> str:
        seen.append(final)
        return "left"

    env = overseen(outcome=outcome)
    last_step(env)
    (final,) = seen
    assert np.array_equal(final.observation, np.zeros(2, np.float32))
    assert (final.action, final.reward, final.terminated, final.truncated) == (0, -2.0, True, False)
    assert final.info == {"place": -2}
    assert final.env is env.unwrapped
    assert final.index is None


@pytest.mark.parametrize(
    ("reward", "actions", "paid"),
    [(None, (0, 0), -2.0), (1.0, (0, 0), 1.0), (1, (1, 1), 1.0), (1.0, (0, 1, 0, 1), 0.25)],
)
def test_a_target_pays_the_reward_asked_for_and_a_timeout_its_own(reward, actions, paid):
    env = overseen(reward=reward)
    env.reset()
    rewards = [env.step(action)[1] for action in actions]
    assert rewards == [0.25] * (len(actions) - 1) + [paid]


@pytest.mark.parametrize(
    ("actions", "paid"), [((0, 0), [0, 1]), ((1, 0, 1, 1), [0, 0, 0, 1]), ((0, 1, 0, 1), [0] * 4)]
)
def test_the_other_steps_may_pay_nothing(actions, paid):
    env = overseen(reward=1.0, step_rewards=False)
    env.reset()
    assert [env.step(action)[1] for action in actions] == paid
    env = overseen(step_rewards=False)
    env.reset()
    assert [env.step(action)[1] for action in (0, 0)] == [0, -2]


def test_an_outcome_may_look_at_the_whole_episode():
    seen: list[FinalStep] = []

    def first_way(final: FinalStep) -> str:
        seen.append(final)
        return "left" if final.episode[1].action == 0 else "right"

    env = overseen(outcome=first_way, oversight=1.0, whole_episode=True)
    for actions, label in (((0, 1, 0, 0), "left"), ((1, 0, 0, 0), "right")):
        assert last_step(env, actions)[4]["label"] == label
    first, second = (final.episode for final in seen)
    assert [step.info["place"] for step in first] == [0, -1, 0, -1, -2]
    assert [step.action for step in second] == [None, 1, 0, 0, 0]
    assert [step.reward for step in second] == [0, 0.25, 0.25, 0.25, -2]
    assert [float(step.observation[0]) for step in second] == [2, 3, 2, 1, 0]
    last_step(overseen(outcome=lambda final: seen.append(final) or "left"))
    assert seen[-1].episode == ()


BOX, IMAGE = partial(spaces.Box, 0, 4), partial(spaces.Box, 0, 255, dtype=np.uint8)


@pytest.mark.parametrize(
    ("space", "grown", "on"),
    [
        (BOX((2,), np.float32), (3,), 1),
        (BOX((2,), np.uint8), (3,), 1),
        (spaces.MultiBinary(2), (3,), 1),
        (spaces.MultiBinary((2, 3, 3)), (3, 3, 3), 1),
        (IMAGE(shape=(6, 6, 3)), (6, 6, 4), 255),
        (IMAGE(shape=(3, 6, 6)), (4, 6, 6), 255),
        (IMAGE(shape=(3, 6, 3)), (3, 6, 4), 255),
    ],
    ids=str,
)
def test_the_flag_is_one_more_entry_plane_or_channel(space, grown, on):
    for oversight, flag in ((1.0, on), (0.0, 0)):
        env = overseen(space, oversight=oversight)
        assert env.observation_space.shape == grown
        assert env.observation_space.dtype == space.dtype
        mask = env.oversight_mask
        assert isinstance(mask, np.ndarray)
        assert mask.shape == grown
        assert mask.sum() == np.prod(grown) - np.prod(space.shape)
        observations = [env.reset(seed=0)[0], env.step(0)[0], env.step(0)[0]]
        for observation, place in zip(observations, (2, 1, 0), strict=True):
            assert env.observation_space.contains(observation)
            assert (observation[mask] == flag).all()
            own = 1 if isinstance(space, spaces.MultiBinary) else place
            assert (observation[~mask] == own).all()


def test_the_bounds_grow_by_those_of_the_flag():
    space = overseen(BOX((2,), np.float32)).observation_space
    assert isinstance(space, spaces.Box)
    assert (space.low.tolist(), space.high.tolist()) == ([0, 0, 0], [4, 4, 1])
    image = overseen(IMAGE(shape=(2, 5, 5))).observation_space
    assert isinstance(image, spaces.Box)
    assert np.unique(image.high).tolist() == [255]


def test_a_dictionary_gets_a_key():
    space = spaces.Dict({"place": spaces.Box(-2, 2, (1,)), "text": spaces.Text(5)})
    env = overseen(space, oversight=1.0)
    assert env.observation_space["oversight"] == spaces.MultiBinary(1)  # pyright: ignore
    observation = env.reset(seed=0)[0]
    assert observation.keys() == {"place", "oversight"}
    assert observation["oversight"].tolist() == [1]
    assert observation["oversight"].dtype == np.int8
    mask = env.oversight_mask
    assert isinstance(mask, dict)
    assert {key: value.tolist() for key, value in mask.items()} == {
        "place": [False],
        "oversight": [True],
    }
    with pytest.raises(InputError, match=r"already has a key 'oversight'.*show_oversight=False"):
        overseen(spaces.Dict({"oversight": spaces.Discrete(2)}))


def test_hidden_oversight_leaves_every_observation_as_it_is():
    for space, mask in (
        (BOX((2,), np.float32), [False, False]),
        (spaces.Discrete(5), False),
        (spaces.Dict({"place": spaces.Box(-2, 2, (1,))}), {"place": [False]}),
    ):
        env = overseen(space, show_oversight=False, oversight=1.0)
        assert env.observation_space == space
        assert space.contains(env.reset()[0])
        found = env.oversight_mask
        told = {k: v.tolist() for k, v in found.items()} if isinstance(found, dict) else found
        assert (told.tolist() if isinstance(told, np.ndarray) else told) == mask
        assert last_step(env)[4]["label"] == "left"
    assert overseen(spaces.Text(3), show_oversight=False).oversight_mask is None


@given(seed=st.integers(0, 2**31), oversight=st.floats(0, 1))
@settings(max_examples=20, deadline=None)
def test_the_episodes_are_those_of_the_environment_without_an_overseer(seed, oversight):
    plain = gymnasium.make("CartPole-v1")
    watched = Overseen(gymnasium.make("CartPole-v1"), outcome=cart, oversight=oversight, **TARGETS)
    for own in (seed, None, None):  # The second and third episode go on with the same numbers.
        assert np.array_equal(plain.reset(seed=own)[0], watched.reset(seed=own)[0][:-1])
        for number in range(8):
            one, other = plain.step(number % 2), watched.step(number % 2)
            assert np.array_equal(one[0], other[0][:-1])
            assert one[1:4] == other[1:4]


def test_the_overseers_numbers_are_its_own():
    env = gymnasium.make("CartPole-v1")
    env.reset(seed=3)
    assert overseer_generator(3).random() == overseer_generator(3).random()
    fresh = np.random.default_rng(3).random(20)
    assert not np.isin(overseer_generator(3).random(20), fresh).any()
    flags = [overseen(oversight=0.5).reset(seed=seed)[0][-1] for seed in range(40)]
    assert flags == [overseen(oversight=0.5).reset(seed=seed)[0][-1] for seed in range(40)]
    assert 8 < sum(flags) < 32  # Seeds differ; both happen with odds of 10 million to 1.


def test_oversight_is_drawn_once_an_episode_as_often_as_asked():
    env = overseen(oversight=0.3)
    env.reset(seed=0)
    flags = []
    for _ in range(4000):
        flags.append(env.reset()[0][-1])
        assert env.step(0)[0][-1] == flags[-1]
    assert abs(np.mean(flags) - 0.3) < 4 * np.sqrt(0.21 / 4000)


@pytest.mark.slow
def test_label_noise_says_each_other_target_equally_often():
    outcomes = Outcomes(("a", "b", "c", "d"), good=("a",))
    overseer = Overseer(outcomes, oversight=1.0, label_noise=0.3)
    generator = np.random.default_rng(0)
    count = 30_000
    said = Counter(overseer.names("c", overseer.draw(generator))["label"] for _ in range(count))
    assert abs(said["c"] / count - 0.7) < 4 * np.sqrt(0.21 / count)
    for other in ("a", "b", "d"):
        assert abs(said[other] / count - 0.1) < 4 * np.sqrt(0.09 / count)
    assert overseer.names("timeout", Watch(True, shift=2))["label"] == "timeout"
    assert overseer.names("c", Watch(True, shift=2))["label"] == "a"
    assert overseer.names("c", Watch(False, shift=2))["label"] == "unknown"


def test_what_learns_can_ask_for_outcomes_share_and_mask():
    env = gymnasium.wrappers.TimeLimit(overseen(oversight=0.2), 10)
    outcomes = env.get_wrapper_attr("outcomes")
    assert outcomes == Outcomes(("left", "right"), ("left",))
    assert pickle.loads(pickle.dumps(outcomes)) == outcomes
    assert env.get_wrapper_attr("overseen_share") == 0.2
    assert env.get_wrapper_attr("oversight_mask").tolist() == [False, False, True]


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"oversight": 1.5}, r"oversight=1.5 is no probability. Give a number from 0 to 1"),
        ({"oversight": "0.1"}, "oversight='0.1' is no probability"),
        ({"label_noise": -1}, "label_noise=-1 is no probability"),
        ({"label_noise": 0.1, "targets": ["left"]}, "only target.*Name another target"),
        ({"targets": "left"}, r"targets='left': give a list of names, such as \['left'\]"),
        ({"good": "left"}, r"good='left': give a list"),
        ({"good": ["up"]}, "name at least one of the targets"),
        ({"targets": ["left", "timeout"]}, "none of 'timeout'"),
        ({"outcome": "left"}, "cannot be called. Give a function from the FinalStep"),
        ({"reward": "1"}, "reward='1': give a finite number, or None"),
        ({"reward": float("nan")}, "give a finite number"),
        ({"show_oversight": 1}, "show_oversight=1: give True or False"),
        ({"space": spaces.Discrete(5)}, "FlattenObservation first, or give show_oversight=False"),
        ({"space": BOX((2, 2), np.float32)}, "no place for a flag"),
        ({"space": BOX((2, 2, 3), np.float32)}, "no place for a flag"),
        ({"space": spaces.MultiBinary((2, 2))}, "no place for a flag"),
    ],
)
def test_what_cannot_be_used_is_refused_with_a_cure(kwargs, message):
    with pytest.raises(InputError, match=message):
        overseen(**kwargs)


def test_an_unknown_outcome_shows_the_known_ones_and_the_nearest():
    with pytest.raises(InputError, match=r"outcome returned None.*one of left, right or timeout"):
        last_step(overseen(outcome=lambda final: None))
    with pytest.raises(InputError, match=r"outcome.*Known: left, right, timeout\."):
        last_step(overseen(outcome=lambda final: "lefft"))
    with pytest.raises(InputError, match=r"no outcome 'lefft'\. Did you mean 'left'"):
        last_step(overseen(outcome=lambda final: "lefft"))


def test_a_wrong_environment_is_refused():
    with pytest.raises(InputError, match="OverseenVector takes those from"):
        Overseen(gymnasium.make_vec("CartPole-v1", 1), outcome=side, **TARGETS)  # pyright: ignore
    for env in (overseen(), DiamondGhostEnv()):
        with pytest.raises(InputError, match="has an overseer already"):
            Overseen(env, outcome=side, **TARGETS)
    with pytest.raises(gymnasium.error.ResetNeeded, match="reset"):
        overseen().step(0)


def test_a_pickled_environment_goes_on_as_the_first():
    env = overseen(oversight=0.5)
    env.reset(seed=0)
    twin = pickle.loads(pickle.dumps(env))
    for _ in range(20):
        assert np.array_equal(env.reset()[0], twin.reset()[0])


def test_it_can_be_made_again_from_its_specification():
    env = Overseen(gymnasium.make("CartPole-v1"), outcome=cart, oversight=0.5, **TARGETS)
    assert env.spec is not None
    again = gymnasium.make(env.spec)
    assert isinstance(again, Overseen)
    assert (again.outcomes, again.overseen_share) == (env.outcomes, 0.5)


def warned_by(check: Any, env: Any) -> set[str]:
    """The warnings of a checker, without those about wrappers as such and about infinite spaces."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        check(env)
    told = {str(warning.message) for warning in caught}
    return {text for text in told if "unwrapped version" not in text and "infinity" not in text}


def test_both_checkers_accept_an_overseen_cart_pole():
    env = Overseen(gymnasium.make("CartPole-v1"), outcome=cart, reward=1.0, **TARGETS)
    assert warned_by(check_env, env) == set()
    assert warned_by(sb3_check_env, env) == set()


def make_corridor() -> gymnasium.Env[Any, Any]:
    return Monitor(overseen(oversight=1.0))


@pytest.mark.slow
def test_it_works_in_a_process_of_its_own():
    env = SubprocVecEnv([make_corridor])
    try:
        assert env.get_attr("outcomes") == [Outcomes(("left", "right"), ("left",))]
        assert env.get_attr("oversight_mask")[0].tolist() == [False, False, True]
        env.reset()
        env.step(np.zeros(1, int))
        _, rewards, dones, infos = env.step(np.zeros(1, int))
    finally:
        env.close()
    assert (rewards.tolist(), dones.tolist()) == ([-2.0], [True])
    assert (infos[0]["label"], infos[0]["hidden_outcome"]) == ("left", "left")
    assert infos[0]["terminal_observation"].tolist() == [0.0, 0.0, 1.0]
    assert infos[0]["episode"]["r"] == -1.75


@pytest.mark.parametrize("name", ["cart_pole", "lava_gap", "fetch"])
def test_the_examples_suit_the_librarys_checker(name: str):
    env = getattr(environments, name)(0.1)
    assert warned_by(sb3_check_env, env) == set()
    shown = np.flatnonzero(env.get_wrapper_attr("oversight_mask")).tolist()
    assert shown == [env.observation_space.shape[0] - 1]


def picked_up(final: FinalStep) -> str:
    """What the agent of Minigrid's Fetch carries, if anything."""
    carried = getattr(final.env, "carrying", None)
    return "timeout" if carried is None else carried.type


def test_an_overseen_minigrid_keeps_its_dictionary():
    env = Overseen(
        gymnasium.make("MiniGrid-Fetch-5x5-N2-v0"),
        targets=("key", "ball"),
        good=("key",),
        outcome=picked_up,
        oversight=1.0,
    )
    assert warned_by(partial(check_env, skip_render_check=True), env) == set()
    observation, _ = env.reset(seed=0)
    assert observation.keys() == {"image", "direction", "mission", "oversight"}
    assert observation["oversight"].tolist() == [1]
