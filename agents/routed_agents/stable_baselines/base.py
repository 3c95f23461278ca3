"""What learning from labels adds to an algorithm of stable-baselines3."""

from __future__ import annotations

import dataclasses
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.preprocessing import get_flattened_obs_dim
from stable_baselines3.common.type_aliases import GymEnv, MaybeCallback, Schedule
from stable_baselines3.common.vec_env import VecEnv

from routed_agents.former_names import former_modules
from routed_agents.methods.early_stopping import Selector
from routed_agents.methods.gate_memory import GateBatch, draw, remember
from routed_agents.methods.lookup import get_method
from routed_agents.methods.record import GateMemory, Memory, Method
from routed_agents.methods.relabelling import count_targets, method_labels, told_labels
from routed_agents.methods.routing_settings import RoutingSettings
from routed_agents.methods.table import Table
from routed_agents.policies.mixture import deal
from routed_agents.policies.steering import Steering, plain_steering
from routed_agents.rollout import Rollout
from routed_agents.stable_baselines.actor_critic import (
    RoutedActorCriticPolicy,
    RoutedCnnPolicy,
    RoutedMultiInputPolicy,
)
from routed_agents.stable_baselines.buffer import (
    RoutedDictRolloutBuffer,
    RoutedRolloutBuffer,
    Teaching,
)
from routed_agents.stable_baselines.checks import (
    check_env,
    check_oversight_mask,
    check_spaces,
    laid_over,
    oversight_of,
)
from routed_agents.stable_baselines.export import export_policy
from routed_envs.errors import InputError, unknown_name
from routed_envs.outcomes import Outcomes


class RoutedAlgorithm(OnPolicyAlgorithm):
    """What `RoutedA2C` and `RoutedPPO` add to the library's algorithms.

    The library collects, learns, logs, saves and loads. This finds the method, notes the labels in
    the buffer, and hands out minibatches with what they may teach.
    """

    policy_aliases: ClassVar[dict[str, type[BasePolicy]]] = {
        "MlpPolicy": RoutedActorCriticPolicy,
        "CnnPolicy": RoutedCnnPolicy,
        "MultiInputPolicy": RoutedMultiInputPolicy,
    }
    method: Method
    policy: RoutedActorCriticPolicy  # pyright: ignore[reportIncompatibleVariableOverride]
    rollout_buffer: RoutedRolloutBuffer  # pyright: ignore[reportIncompatibleVariableOverride]

    def __init__(
        self,
        policy: str | type[RoutedActorCriticPolicy],
        env: GymEnv | str | None,
        method: str | Method | float | Schedule = "routed",
        *,
        routing: RoutingSettings | None = None,
        n_steps: int = 32,
        _init_setup_model: bool = True,
        **kwargs: Any,
    ) -> None:
        if isinstance(method, float | int) or (callable(method) and not isinstance(method, Method)):
            method, kwargs["learning_rate"] = "routed", method
        if isinstance(policy, type) and not issubclass(policy, RoutedActorCriticPolicy):
            raise InputError(
                f"policy={policy.__name__} has no experts. Give {', '.join(self.policy_aliases)}, "
                "or derive yours from RoutedActorCriticPolicy."
            )
        super().__init__(policy, env, n_steps=n_steps, _init_setup_model=False, **kwargs)  # pyright: ignore[reportArgumentType,reportCallIssue]
        self.method_wanted = method
        self.routing = routing or RoutingSettings()
        self.outcomes: Outcomes | None = None
        self.overseen_share = 0.0
        self.memory: Memory = {}
        self.gate_memory: Memory = {}
        self.labels_told = 0
        self.parts: dict[str, Any] = {}
        self.selector: Selector | None = None
        if _init_setup_model:
            self._setup_model()

    @staticmethod
    def _wrap_env(env: GymEnv, verbose: int = 0, monitor_wrapper: bool = True) -> VecEnv:
        """The environment as a vector; called by the library for each that it is given."""
        check_env(env)
        return OnPolicyAlgorithm._wrap_env(env, verbose, monitor_wrapper)

    def _get_policy_from_name(self, policy_name: str) -> type[BasePolicy]:
        """The policy's class; called by the library."""
        if policy_name not in self.policy_aliases:
            error = unknown_name("routed policy", policy_name, self.policy_aliases)
            raise InputError(f"{error} Recurrent policies are out of scope.")
        return self.policy_aliases[policy_name]

    def _setup_model(self) -> None:
        """Find the method and make the networks; called by the library, also when it loads."""
        if self.env is not None:
            self.outcomes, self.overseen_share = self._oversight_of(self.env)
        if self.outcomes is None:
            raise InputError(
                "env=None: a new model takes from its environment how episodes can end. Give an "
                "overseen environment; a saved model is opened with `load`, which needs none."
            )
        self.method = self._fitting_method(self.outcomes)
        self.parts = self._take_experts()
        shows_dictionaries = isinstance(self.observation_space, spaces.Dict)
        buffer = RoutedDictRolloutBuffer if shows_dictionaries else RoutedRolloutBuffer
        if self.rollout_buffer_class not in (None, buffer):
            raise InputError(
                f"rollout_buffer_class={self.rollout_buffer_class}: leave it out; the labels need "
                f"{buffer.__name__}."
            )
        self.rollout_buffer_class = buffer
        if self.method.select is not None and self.selector is None:
            self.selector = Selector(self.method.select, self.outcomes)
        own = {name: value for name, value in self.policy_kwargs.items() if name not in self.parts}
        self.policy_kwargs = own | self.parts
        super()._setup_model()
        self.policy_kwargs = own
        self.policy.deploy = plain_steering(self.method.deploy)
        self._teach(self.outcomes)

    def _fitting_method(self, outcomes: Outcomes) -> Method:
        """The method that the user or a saved model names, if it fits what it learns in."""
        # The library loads by setting attributes: a saved method, or a name that `load` was given.
        wanted: str | Method = getattr(self, "method", self.method_wanted)
        method = wanted if isinstance(wanted, Method) else get_method(wanted, outcomes)
        method.check_labels(outcomes)
        check_spaces(self.observation_space, self.action_space)
        if self.env is not None:
            check_oversight_mask(self.env, method)
        method.check_environments(self.n_envs)
        return method

    def _take_experts(self) -> dict[str, Any]:
        """What the policy is told of the method's experts, unless the model was saved with others.

        The user's own arguments of the policy stay as they are, which the library compares when it
        loads a model.
        """
        parts = {"experts": list(self.method.experts), "gate": self.method.gate}
        # The library saves a tuple as a list. Older models have the parts among the arguments, and
        # those of before experts acted alone do not say who acts.
        given = self.parts or self.policy_kwargs
        saved = {name: given.get(name, part) for name, part in parts.items()}
        saved["acts"] = given.get("acts", "mixture" if "experts" in given else self.method.acts)
        parts["acts"] = self.method.acts
        if saved != parts:
            raise InputError(
                f"This model has {saved}; method {self.method.name!r} needs {parts}. Leave the "
                "method out to go on with the model's own, or make a new model."
            )
        return parts

    def _teach(self, outcomes: Outcomes) -> None:
        routing = self.routing.at(self.overseen_share)
        if routing.advantage_offset:
            self.normalize_advantage = False
        self.rollout_buffer.teaching = Teaching(
            table=Table.of(self.method, outcomes, self.device, routing.overseen_weight),
            outcomes=outcomes,
            relabel=self._labels,
            reads_truth=self.method.relabel == "truth",
            keeps_final=self.method.final_observations,
            routing=routing,
            waits=self._labels_matter,
            actors=self._actors,
            gate=self._gate_batch if self.method.gate_memory else None,
        )
        self.rollout_buffer.forget()
        self.rollout_buffer.reset()

    @property
    def _labels_matter(self) -> bool:
        """Whether a step is taught otherwise once its episode has a label."""
        rows = list(self.method.rows.values())
        return any(row != rows[0] for row in rows)

    @property
    def _actors(self) -> torch.Tensor | None:
        """The expert that acts in each environment, int64 [N]; None if the mixture does."""
        if self.method.acts == "mixture":
            return None
        return deal(self.n_envs, len(self.method.experts), self.device)

    def _gate_batch(self) -> GateBatch | None:
        """What the gate learns from at one gradient step; None before the first label."""
        rule = self.method.gate_memory
        assert rule is not None, "asked of methods whose gate remembers"
        is_flat = isinstance(self.observation_space, spaces.Dict)
        prepare = torch.Tensor.float if is_flat else self.policy.flat
        drawn = draw(rule, self.gate_memory, torch.default_generator, prepare)
        if drawn is None:
            return None
        return GateBatch(drawn.observations.to(self.device), drawn.targets.to(self.device))

    def _oversight_of(self, env: VecEnv) -> tuple[Outcomes, float]:
        """An environment's outcomes and the share that is overseen, or a refusal."""
        outcomes, share = oversight_of(env)
        if self.outcomes is not None and self.outcomes != outcomes:
            raise InputError(
                f"This model learned with {self.outcomes}; the environment has {outcomes}. Give an "
                "environment with the same outcomes, or make a new model."
            )
        return outcomes, share

    def set_env(self, env: GymEnv, force_reset: bool = True) -> None:
        """Learn on in another environment with the same spaces and outcomes.

        Args:
            env: The environment.
            force_reset: Start new episodes at the next `learn`.

        Raises:
            InputError: It gives no labels, has other outcomes, or does not say which entries show
                oversight, where the method is told.
        """
        wrapped = self._wrap_env(env, self.verbose)
        outcomes, share = self._oversight_of(wrapped)
        check_oversight_mask(wrapped, self.method)
        super().set_env(wrapped, force_reset)
        self.overseen_share = share
        self._teach(outcomes)

    def _update_info_buffer(
        self, infos: list[dict[str, Any]], dones: NDArray[np.bool_] | None = None
    ) -> None:
        """Note the labels of the present step; called by the library after each one."""
        super()._update_info_buffer(infos, dones)
        assert dones is not None, "the library's on-policy algorithms pass them"
        self.rollout_buffer.note(infos, dones)
        if self.method.acts == "experts":
            self._note_truncated(infos)

    def _note_truncated(self, infos: list[dict[str, Any]]) -> None:
        """Note what episodes that a time limit cut off were still worth to whoever acted.

        The library would ask for the value of each final observation without saying whose it is.
        """
        cut = [i for i, info in enumerate(infos) if info.get("TimeLimit.truncated", False)]
        if not cut:
            return
        actors, values = self._actors, []
        assert actors is not None, "asked where experts act alone"
        for index in cut:
            final, _ = self.policy.obs_to_tensor(infos[index]["terminal_observation"])
            with torch.no_grad():
                values.append(float(self.policy.values_of(final, actors[index : index + 1])))
            # Otherwise the library adds a value of its own.
            infos[index]["TimeLimit.truncated"] = False
        buffer = self.rollout_buffer
        buffer.further_rewards[buffer.pos, cut] = self.gamma * np.array(values)

    def train(self) -> None:
        """Learn from the rollout, as the library does, unless every step of it has to wait."""
        # The spread of a single advantage is not a number.
        least = 2 if getattr(self, "normalize_advantage", False) else 1
        if len(self.rollout_buffer.taught) >= least:
            super().train()

    def _setup_learn(
        self,
        total_timesteps: int,
        callback: MaybeCallback = None,
        reset_num_timesteps: bool = True,
        tb_log_name: str = "run",
        progress_bar: bool = False,
    ) -> tuple[int, BaseCallback]:
        """Start to learn; called by the library, which starts new episodes if it counts anew."""
        # A rollout that was broken off is dropped, and episodes may have ended in it.
        if reset_num_timesteps or self._last_obs is None or not self.rollout_buffer.full:
            self.rollout_buffer.forget()
        return super()._setup_learn(
            total_timesteps, callback, reset_num_timesteps, tb_log_name, progress_bar
        )

    def _labels(self) -> torch.Tensor:
        """The labels from which the method learns, int64 [T, N], of the full buffer."""
        buffer = self.rollout_buffer
        labels = torch.from_numpy(buffer.labels)
        if self.selector is not None:
            self.selector.observe(labels, self.policy)
        self._log_labels(labels)
        told = told_labels(self.method, labels, torch.from_numpy(buffer.hidden_outcomes))
        assert self.outcomes is not None, "a rollout was just collected"
        self.labels_told += count_targets(told, self.outcomes)
        rollout = cache(lambda: self._rollout(labels))
        learned, self.memory = method_labels(
            self.method, told, rollout, self.memory, torch.default_generator
        )
        if self.method.gate_memory:
            self._remember(self.method.gate_memory, rollout(), told)
        return learned

    def _remember(self, rule: GateMemory, rollout: Rollout, told: torch.Tensor) -> None:
        """Keep the endings from which the gate learns: pictures as they came, which is smaller."""
        table = Table.of(self.method, rollout.outcomes)
        if not isinstance(self.observation_space, spaces.Dict):
            seen = torch.from_numpy(self._observations())
            rollout = dataclasses.replace(rollout, observations=seen)
        self.gate_memory = remember(rule, self.gate_memory, rollout, told, table)

    def _observations(self) -> Any:
        """The observations of the full buffer and those that follow it, [T + 1, N, ...]."""

        def joined(before: NDArray[Any], last: Any) -> NDArray[Any]:
            # The library leaves out the last axis of numbers that count, and the buffer has it.
            return np.concatenate((before, np.reshape(last, (1, *before.shape[1:]))))

        before, last = self.rollout_buffer.observations, self._last_obs
        if not isinstance(before, dict):
            return joined(before, last)
        assert isinstance(last, dict), "the environment shows dictionaries"
        return {name: joined(part, last[name]) for name, part in before.items()}

    def _rollout(self, labels: torch.Tensor) -> Rollout:
        """The full buffer as a method's function sees it."""
        buffer, env = self.rollout_buffer, self.env
        assert env is not None, "a rollout was just collected in it"
        assert self.outcomes is not None, "a rollout was just collected"
        final, mask = buffer.final_observations, None
        if self.method.is_told_entries:
            mask = self._flat_mask(env.get_attr("oversight_mask")[0])
        counted = isinstance(self.action_space, spaces.Discrete)
        return Rollout(
            observations=self._flat(self._observations()),
            actions=self._own_actions(torch.from_numpy(buffer.actions)),
            rewards=torch.from_numpy(buffer.rewards),
            ended=torch.from_numpy(buffer.ended),
            labels=labels,
            outcomes=self.outcomes,
            action_count=int(self.action_space.n) if counted else 0,  # pyright: ignore[reportAttributeAccessIssue]
            oversight_mask=mask,
            final_observations=None if final is None else self._flat(final),
            actors=self._actors,
            policy=self.policy,
        )

    def _flat(self, observations: Any) -> torch.Tensor:
        """Observations [T, N, ...] as a method's functions see them."""
        if isinstance(observations, dict):
            steps = next(iter(observations.values())).shape[:2]
            parts = {k: torch.from_numpy(v).flatten(0, 1) for k, v in observations.items()}
            return self.policy.flat(parts).unflatten(0, steps)
        seen = torch.from_numpy(observations)
        return self.policy.flat(seen.flatten(0, 1)).unflatten(0, seen.shape[:2])

    def _flat_mask(self, mask: Any) -> torch.Tensor:
        """Which entries of what a method's functions see show oversight, bool."""
        space = self.observation_space
        if isinstance(space, spaces.Box | spaces.MultiBinary):
            return torch.as_tensor(laid_over(mask, space.shape))
        parts = {"": (space, mask)}
        if isinstance(space, spaces.Dict):
            parts = {name: (part, mask.get(name, False)) for name, part in space.items()}
        shown = [
            torch.full((get_flattened_obs_dim(part),), bool(np.any(shows)))
            for part, shows in parts.values()
        ]
        return torch.cat(shown)

    def _log_labels(self, labels: torch.Tensor) -> None:
        """Record the share of each label among the episodes that ended in the rollout."""
        assert self.outcomes is not None, "a rollout was just collected"
        ended = labels[torch.from_numpy(self.rollout_buffer.ended)]
        for code, name in enumerate(self.outcomes.labels[:-1]):
            share = float((ended == code).sum()) / max(1, len(ended))
            self.logger.record(f"labels/{name}", share)

    def learn(
        self,
        total_timesteps: int,
        callback: MaybeCallback = None,
        log_interval: int = 1,
        tb_log_name: str | None = None,
        reset_num_timesteps: bool = True,
        progress_bar: bool = False,
    ) -> Self:
        """Learn for some steps, as the library does.

        A method may take a share of the steps only, as `oracle` does. One that keeps the best
        policy, as `naive-early-stop` does, ends with its weights, if there was a best.

        Args:
            total_timesteps: Steps of all environments together.
            callback: Called at each step.
            log_interval: Rollouts between two log entries.
            tb_log_name: The run's name for TensorBoard; the algorithm's if None.
            reset_num_timesteps: Count from 0; False goes on counting.
            progress_bar: Show one.

        Returns:
            The model.
        """
        super().learn(
            self.method.budget(total_timesteps, self.overseen_share),
            callback,
            log_interval,
            tb_log_name or type(self).__name__,
            reset_num_timesteps,
            progress_bar,
        )
        if self.selector is not None and self.selector.best is not None:
            self.policy.load_state_dict(self.selector.best)
        return self

    def begin(self, total_timesteps: int, callback: MaybeCallback = None) -> BaseCallback:
        """Start new episodes, for whoever learns in pieces with `learn_rollout`.

        Args:
            total_timesteps: Of all pieces together.
            callback: Called at each step.

        Returns:
            What to hand to each `learn_rollout`.
        """
        self._last_obs = None
        _, begun = self._setup_learn(total_timesteps, callback, reset_num_timesteps=False)
        begun.on_training_start(locals(), globals())
        return begun

    def learn_rollout(
        self, total_timesteps: int, callback: BaseCallback
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Collect one rollout and learn from it: a piece of `learn`.

        A method that keeps its best policy does not take it over.

        Args:
            total_timesteps: Of all pieces together, over which the schedules span.
            callback: What `begin` returned.

        Returns:
            Some steps of the rollout: observations as a method's functions see them, float
            [B, ...], and actions [B, ...].
        """
        assert self.env is not None, "there is something to learn in"
        # The schedules of a model that was just loaded stand where it is.
        self._update_current_progress_remaining(self.num_timesteps, total_timesteps)
        self.collect_rollouts(self.env, callback, self.rollout_buffer, self.n_steps)
        self._update_current_progress_remaining(self.num_timesteps, total_timesteps)
        seen, taken = self.rollout_buffer.some_steps()
        self.train()
        return self.policy.flat(seen), self._own_actions(taken)

    def _own_actions(self, actions: torch.Tensor) -> torch.Tensor:
        """Actions as a method's functions see them: numbers where they can be counted."""
        is_counted = isinstance(self.action_space, spaces.Discrete)
        return actions[..., 0].long() if is_counted else actions.float()

    def overseer_view(self) -> dict[str, float]:
        """What the overseer knows of the last rollout.

        That is how many episodes ended, each label's share of them, and the reward per step of the
        last episodes, as the library counts them; without its `Monitor` it counts none.
        """
        counts = self.rollout_buffer.label_counts()
        ended = sum(counts.values())
        shares = {name: count / max(1, ended) for name, count in counts.items()}
        episodes = list(self.ep_info_buffer or ())
        steps = sum(episode["l"] for episode in episodes)
        reward = sum(episode["r"] for episode in episodes)
        paid = {"reward_per_step": float(reward / steps)} if steps else {}
        return {"episodes": float(ended), **paid, **shares}

    @classmethod
    def load(cls, *args: Any, **kwargs: Any) -> Self:
        """As the library's `load`, also for models that were saved before modules moved."""
        with former_modules():
            return super().load(*args, **kwargs)

    def steer(self, steering: Steering) -> RoutedActorCriticPolicy:
        """The policy under a steering, with the library's `predict`; it shares the weights.

        Args:
            steering: An expert's name, a weight for each expert, with two experts the first one's
                weight, or None for the learned gate.

        Raises:
            InputError: There is no such expert, or the weights are not 0 to 1 with sum 1.
        """
        return self.policy.steer(steering)

    def deployed(self) -> RoutedActorCriticPolicy:
        """The policy under the steering with which its method is judged."""
        return self.policy.steer(self.policy.deploy)

    def export(self, path: str | Path) -> None:
        """Write the policy as safetensors, which opens without running code.

        `load` unpickles, as the library does: open only what you trust. `load_exported` does not.
        """
        export_policy(self.policy, Path(path))
