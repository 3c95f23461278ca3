"""The library's A2C and PPO, learning from labels by a method, and a schedule that it lacks."""

from __future__ import annotations

from typing import Any

from stable_baselines3 import A2C, PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.type_aliases import GymEnv, Schedule
from stable_baselines3.common.vec_env import VecEnv

from routed_agents.methods.record import Method
from routed_agents.methods.routing_settings import RoutingSettings
from routed_agents.stable_baselines.actor_critic import RoutedActorCriticPolicy
from routed_agents.stable_baselines.base import RoutedAlgorithm
from routed_envs.errors import InputError

SMALL_BATCH = 64
"""The library's own size of a minibatch; a rollout is not split into smaller ones."""


class RoutedA2C(RoutedAlgorithm, A2C):  # pyright: ignore[reportIncompatibleMethodOverride,reportIncompatibleVariableOverride]
    """stable-baselines3's A2C, learning from labels by a method.

    Rollouts have 32 steps by default. The steps of an episode that still runs when the buffer is
    full wait for its label, see `RoutedRolloutBuffer`: where episodes are much longer than the
    rollout, they are learned from when the policy has moved on.

    ``RoutedA2C("MlpPolicy", env, method="routed").learn(100_000)``; the environment gives
    labels (`routed_envs.Overseen` makes it so). With every route open it is the library's A2C.

    Args:
        policy: `MlpPolicy`, `CnnPolicy` or a class derived from `RoutedActorCriticPolicy`.
        env: An overseen environment, or a vector environment of them.
        method: A method's name, `module:object`, or a `Method`. A number or a schedule here is the
            learning rate, the library's third argument.
        routing: The constants of routing.
        n_steps: Steps of each environment in a rollout.
        **kwargs: As `A2C` takes them; `policy_kwargs` as `RoutedActorCriticPolicy` takes them.

    Raises:
        InputError: The environment gives no labels, or a space, a policy or a method does not fit.
    """


class RoutedPPO(RoutedAlgorithm, PPO):  # pyright: ignore[reportIncompatibleMethodOverride,reportIncompatibleVariableOverride]
    """stable-baselines3's PPO, learning from labels by a method.

    Rollouts have 32 steps by default. The steps of an episode that still runs when the buffer is
    full wait for its label, see `RoutedRolloutBuffer`: where episodes are much longer than the
    rollout, they are learned from when the policy has moved on.

    ``RoutedPPO("MlpPolicy", env, method="routed").learn(1_000_000)``; the environment gives
    labels (`routed_envs.Overseen` makes it so). With every route open it is the library's PPO.

    Args:
        policy: `MlpPolicy`, `CnnPolicy` or a class derived from `RoutedActorCriticPolicy`.
        env: An overseen environment, or a vector environment of them.
        method: A method's name, `module:object`, or a `Method`. A number or a schedule here is the
            learning rate, the library's third argument.
        routing: The constants of routing.
        n_steps: Steps of each environment in a rollout.
        batch_size: Samples of a minibatch; if None, a quarter of the rollout, or all of it where
            that would be fewer than 64.
        **kwargs: As `PPO` takes them; `policy_kwargs` as `RoutedActorCriticPolicy` takes them.

    Raises:
        InputError: The environment gives no labels, or a space, a policy or a method does not fit.
    """

    def __init__(
        self,
        policy: str | type[RoutedActorCriticPolicy],
        env: GymEnv | str | None,
        method: str | Method | float | Schedule = "routed",
        *,
        routing: RoutingSettings | None = None,
        n_steps: int = 32,
        batch_size: int | None = None,
        **kwargs: Any,
    ) -> None:
        if batch_size is None:
            samples = n_steps * (env.num_envs if isinstance(env, VecEnv) else 1)
            batch_size = samples // 4 if samples >= 4 * SMALL_BATCH else samples
        super().__init__(
            policy,
            env,
            method,
            routing=routing,
            n_steps=n_steps,
            batch_size=batch_size,
            **kwargs,
        )


class EntropySchedule(BaseCallback):
    """Moves the model's entropy coefficient along a straight line, which the library cannot.

    With routes this matters: an expert must go on trying what the gate would leave to another.
    ``model.learn(steps, callback=EntropySchedule(0.55, 0.02))``.

    Args:
        first: The coefficient at the first rollout.
        last: The coefficient at the last step.

    Raises:
        InputError: A coefficient is negative.
    """

    def __init__(self, first: float, last: float) -> None:
        super().__init__()
        if min(first, last) < 0:
            raise InputError(f"first={first}, last={last}: give coefficients of at least 0.")
        self.first = first
        self.last = last

    def _on_rollout_start(self) -> None:
        remaining = self.model._current_progress_remaining
        self.model.ent_coef = self.last + (self.first - self.last) * remaining  # pyright: ignore[reportAttributeAccessIssue]
        self.logger.record("train/ent_coef", self.model.ent_coef)  # pyright: ignore[reportAttributeAccessIssue]

    def _on_step(self) -> bool:
        return True
