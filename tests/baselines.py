"""What the tests of stable-baselines3 with routing share: environments, models, their gradients."""

from __future__ import annotations

import dataclasses
from typing import Any

import gymnasium
import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3 import A2C, PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.vec_env import VecEnv

from routed_agents import (
    ExpertRoutes,
    Method,
    RoutedActorCriticPolicy,
    RoutedPPO,
    Row,
    get_method,
)
from routed_agents.methods.table import Lesson
from routed_agents.stable_baselines.buffer import RoutedObservations
from routed_envs import DiamondGhostWorld, FinalStep, Outcomes, Overseen
from routed_envs.gridworld.world import OUTCOMES
from routed_envs.stable_baselines import WorldVecEnv

ARCH: dict[str, Any] = {"net_arch": {"pi": [16], "vf": [16], "gate": [8]}}


EXPERTS: dict[str, Any] = {"experts": ("diamond", "ghost"), "gate": "learned"}


SMALL_WORLD = DiamondGhostWorld(rows=3, cols=3, oversight=0.5, max_steps=8)


def vec_env(world: DiamondGhostWorld = SMALL_WORLD, count: int = 4) -> WorldVecEnv:
    return WorldVecEnv(world, count, seed=0)


def open_method() -> Method:
    """Two experts and a gate, and nothing that labels change."""
    return dataclasses.replace(
        get_method("routed", OUTCOMES),
        rows=dict.fromkeys(OUTCOMES.labels, Row(experts=(1.0, 1.0))),
    )


def routed_ppo(method: str | Method = "routed", **changes: Any) -> RoutedPPO:
    settings: dict[str, Any] = {"policy_kwargs": dict(ARCH), "n_steps": 8, "n_epochs": 2, "seed": 0}
    return RoutedPPO(
        "MlpPolicy", changes.pop("env", None) or vec_env(), method, **settings | changes
    )


def gradients(model: A2C | PPO) -> dict[str, torch.Tensor]:
    """The gradients of the last step."""
    return {n: p.grad for n, p in model.policy.named_parameters() if p.grad is not None}


def losses_of(model: A2C | PPO) -> dict[str, float]:
    """The figures of the last update."""
    figures = model.logger.name_to_value
    return {name: float(v) for name, v in figures.items() if name.endswith("loss")}


def one_update(model: A2C | PPO) -> None:
    """A rollout and an update, without the dump of the log that would empty it."""
    model.learn(model.n_steps * model.n_envs, log_interval=100)


def lesson(policy: RoutedActorCriticPolicy, label: str, count: int = 6) -> RoutedObservations:
    """Observations whose episodes all have one label, under `routed`."""
    row = get_method("routed", OUTCOMES).rows[label]
    target = 0 if row.target is None else policy.experts.index(row.target)
    seen = torch.as_tensor(vec_env(count=count).reset())
    return RoutedObservations(
        observations=seen,
        lesson=Lesson(
            routes=ExpertRoutes(
                torch.tensor([row.experts] * count), torch.full((count,), row.gate)
            ),
            weights=torch.ones(count),
            targets=torch.full((count,), target),
            has_target=torch.full((count,), float(row.target is not None)),
        ),
        gate_coefficient=0.5,
    )


def routed_policy(**changes: Any) -> RoutedActorCriticPolicy:
    torch.manual_seed(0)
    settings: dict[str, Any] = ARCH | EXPERTS | {"ortho_init": False} | changes
    space = spaces.MultiBinary((4, 3, 3))
    return RoutedActorCriticPolicy(space, spaces.Discrete(4), lambda progress: 1e-3, **settings)


def backward(policy: RoutedActorCriticPolicy, given: Any, gate_only: bool = False) -> None:
    """The gradient of a loss like the library's; or of the gate's own loss alone."""
    policy.zero_grad()
    actions = torch.arange(6) % 4
    _, log_prob, entropy = policy.evaluate_actions(given, actions)
    assert entropy is not None
    (
        (0.0 if gate_only else 1.0) * (log_prob * torch.arange(6)).sum() + 0.0 * entropy.sum()
    ).backward()


def size(module: torch.nn.Module) -> float:
    """The sum of the absolute gradients of a module."""
    return sum(float(p.grad.abs().sum()) for p in module.parameters() if p.grad is not None)


class Script(gymnasium.Env[np.ndarray, int]):
    """Plays a fixed list of endings, one for each step, whatever the agent does."""

    outcomes = OUTCOMES
    overseen_share = 0.5
    oversight_mask = np.zeros(1, dtype=bool)
    observation_space = spaces.MultiBinary(1)
    action_space: Any = spaces.Discrete(2)
    labels = ("unfinished", "unfinished", "ghost", "unfinished", "unknown", "timeout", "unfinished")

    def __init__(self, labels: tuple[str, ...] | None = None) -> None:
        self.labels, self.time = labels or self.labels, 0

    def reset(self, **settings: Any) -> tuple[np.ndarray, dict[str, Any]]:
        super().reset(**settings)
        return np.ones(1, dtype=np.int8), {"label": "unfinished"}

    def step(self, action: int) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        label = self.labels[self.time % len(self.labels)]
        self.time += 1
        ended, timeout = label in ("diamond", "ghost", "unknown"), label == "timeout"
        info = {"label": label, "hidden_outcome": "diamond" if label == "unknown" else label}
        return np.ones(1, dtype=np.int8), float(ended), ended, timeout, info


class CountSteps(BaseCallback):
    """Counts its calls."""

    def _on_step(self) -> bool:
        return True


def gym_env() -> gymnasium.Env[Any, Any]:
    return gymnasium.make("routed_envs/DiamondGhost-v0", rows=3, cols=3, oversight=0.5)


DOORS = Outcomes(targets=("gold", "coin", "trap"), good=("gold", "coin"))


class Doors(Script):
    """Three outcomes; the action decides."""

    outcomes = DOORS
    action_space = spaces.Discrete(3)

    def step(self, action: int) -> Any:
        name = DOORS.targets[int(action)]
        return np.ones(1, dtype=np.int8), 1.0, True, False, {"label": name, "hidden_outcome": name}


class Picture(gymnasium.Env[np.ndarray, np.int64]):
    """A picture of 5 x 6 pixels; the action decides what the episode's only step pays."""

    observation_space = spaces.Box(0, 255, (5, 6, 3), np.uint8)
    action_space = spaces.Discrete(2)

    def reset(self, **settings: Any) -> tuple[np.ndarray, dict[str, Any]]:
        super().reset(**settings)
        return self.observation_space.sample(), {}

    def step(self, action: np.int64) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        return self.observation_space.sample(), float(action), True, False, {}


def last_reward(final: FinalStep) -> str:
    return "gold" if final.reward > 0 else "trap"


class NoLabels(Script):
    def step(self, action: int) -> Any:
        return np.ones(1, dtype=np.int8), 1.0, True, False, {}


class Misspelt(Script):
    def step(self, action: int) -> Any:
        return np.ones(1, dtype=np.int8), 1.0, True, False, {"label": "gost"}


class OtherOutcomes(Script):
    """The spaces of the small world, other outcomes."""

    outcomes = DOORS
    observation_space = spaces.MultiBinary((4, 3, 3))
    action_space = spaces.Discrete(4)


class Continuous(Script):
    action_space = spaces.Box(-1.0, 1.0, (1,))


class Talking(Script):
    action_space = spaces.Text(3)


DICTIONARY = spaces.Dict(
    {
        "level": spaces.Discrete(3),
        "picture": spaces.Box(0, 255, (8, 6, 3), np.uint8),
        "place": spaces.Box(-1.0, 1.0, (2,)),
    }
)


class Anything(gymnasium.Env[Any, Any]):
    """Shows and takes what its spaces hold; an action may end the episode, and time does.

    Args:
        shows: The observation space.
        takes: The action space.
        steps: After so many the episode is cut off.
    """

    def __init__(self, shows: spaces.Space, takes: spaces.Space, steps: int = 5) -> None:
        self.observation_space, self.action_space, self.steps = shows, takes, steps

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.observation_space.seed(seed)
        self.time = 0
        return self.observation_space.sample(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.time += 1
        ended = float(np.ravel(action)[0]) > 0
        return self.observation_space.sample(), 1.0, ended, self.time >= self.steps, {}


def overseen_anything(shows: spaces.Space, takes: spaces.Space, count: int = 4) -> VecEnv:
    """Some of them, each episode overseen with probability a half."""

    def make() -> gymnasium.Env[Any, Any]:
        return Overseen(
            Anything(shows, takes),
            ("gold", "trap"),
            ("gold",),
            early_is_gold,
            oversight=0.5,
            show_oversight=isinstance(shows, spaces.Dict),
        )

    return make_vec_env(make, count, seed=0)


def early_is_gold(final: FinalStep) -> str:
    return (
        "timeout"
        if final.truncated
        else "gold"
        if float(np.ravel(final.action)[0]) > 0.5
        else "trap"
    )
