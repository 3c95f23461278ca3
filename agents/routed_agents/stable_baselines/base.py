"""What learning from labels adds to an algorithm of stable-baselines3."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.preprocessing import preprocess_obs
from stable_baselines3.common.type_aliases import GymEnv, MaybeCallback
from stable_baselines3.common.vec_env import VecEnv

from routed_agents.former_names import former_modules
from routed_agents.methods.early_stopping import Selector
from routed_agents.methods.lookup import get_method
from routed_agents.methods.record import Memory, Method
from routed_agents.methods.relabelling import method_labels, told_labels
from routed_agents.methods.routing_settings import RoutingSettings
from routed_agents.methods.table import Table
from routed_agents.policies.steering import Steering
from routed_agents.rollout import Rollout
from routed_agents.stable_baselines.actor_critic import RoutedActorCriticPolicy, RoutedCnnPolicy
from routed_agents.stable_baselines.buffer import RoutedRolloutBuffer, Teaching
from routed_agents.stable_baselines.checks import check_env, check_spaces, oversight_of
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
    }
    method: Method
    policy: RoutedActorCriticPolicy  # pyright: ignore[reportIncompatibleVariableOverride]
    rollout_buffer: RoutedRolloutBuffer  # pyright: ignore[reportIncompatibleVariableOverride]

    def __init__(
        self,
        policy: str | type[RoutedActorCriticPolicy],
        env: GymEnv | str | None,
        method: str | Method = "routed",
        *,
        routing: RoutingSettings | None = None,
        n_steps: int = 32,
        _init_setup_model: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(policy, env, n_steps=n_steps, _init_setup_model=False, **kwargs)  # pyright: ignore[reportArgumentType,reportCallIssue]
        self.method_wanted = method
        self.routing = routing or RoutingSettings()
        self.outcomes: Outcomes | None = None
        self.overseen_share = 0.0
        self.memory: Memory = {}
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
            raise InputError(
                f"{error} Recurrent policies and dictionaries of observations are out of scope; "
                "gymnasium.wrappers.FlattenObservation makes an array of a dictionary."
            )
        return self.policy_aliases[policy_name]

    def _setup_model(self) -> None:
        """Find the method and make the networks; called by the library, also when it loads."""
        if self.env is not None:
            self.outcomes, self.overseen_share = self._oversight_of(self.env)
        assert self.outcomes is not None, "saved with the model, or taken from the environment"
        # The library loads by setting attributes: a saved method, or a name that `load` was given.
        wanted: str | Method = getattr(self, "method", self.method_wanted)
        self.method = wanted if isinstance(wanted, Method) else get_method(wanted, self.outcomes)
        self.method.check_labels(self.outcomes)
        if self.method.acts == "experts":
            raise InputError(
                f"In method {self.method.name!r} each expert acts alone; here the mixture acts. "
                "Give a method whose mixture acts (`routed-rl methods` says who does), or train it "
                "with routed_rl.train."
            )
        check_spaces(self.observation_space, self.action_space)
        self._take_experts()
        if self.rollout_buffer_class not in (None, RoutedRolloutBuffer):
            raise InputError(
                f"rollout_buffer_class={self.rollout_buffer_class}: leave it out; the labels need "
                "RoutedRolloutBuffer."
            )
        self.rollout_buffer_class = RoutedRolloutBuffer
        if self.method.select is not None and self.selector is None:
            self.selector = Selector(self.method.select, self.outcomes)
        super()._setup_model()
        self._teach(self.outcomes)

    def _take_experts(self) -> None:
        """Tell the policy of the method's experts, unless the model was saved with others."""
        # The library saves a tuple as a list.
        parts = {"experts": list(self.method.experts), "gate": self.method.gate}
        saved = {name: self.policy_kwargs.get(name, part) for name, part in parts.items()}
        if saved != parts:
            raise InputError(
                f"This model has {saved}; method {self.method.name!r} needs {parts}. Leave the "
                "method out to go on with the model's own, or make a new model."
            )
        self.policy_kwargs = self.policy_kwargs | parts

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
        )
        self.rollout_buffer.reset()

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
            InputError: It gives no labels, or has other outcomes.
        """
        wrapped = self._wrap_env(env, self.verbose)
        outcomes, share = self._oversight_of(wrapped)
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

    def _labels(self) -> torch.Tensor:
        """The labels from which the method learns, int64 [T, N], of the full buffer."""
        buffer = self.rollout_buffer
        labels = torch.from_numpy(buffer.labels)
        if self.selector is not None:
            self.selector.observe(labels, self.policy)
        self._log_labels(labels)
        told = told_labels(self.method, labels, torch.from_numpy(buffer.hidden_outcomes))
        learned, self.memory = method_labels(
            self.method,
            told,
            lambda: self._rollout(labels),
            self.memory,
            torch.default_generator,
        )
        return learned

    def _rollout(self, labels: torch.Tensor) -> Rollout:
        """The full buffer as a method's function sees it."""
        buffer, env = self.rollout_buffer, self.env
        assert env is not None, "a rollout was just collected in it"
        assert self.outcomes is not None, "a rollout was just collected"
        observations = np.concatenate((buffer.observations, np.asarray(self._last_obs)[None]))
        final, mask = buffer.final_observations, None
        if self.method.oversight_entries:
            mask = _channels_first(env.get_attr("oversight_mask")[0], buffer.obs_shape)
        return Rollout(
            observations=self._preprocessed(observations),
            actions=torch.from_numpy(buffer.actions[..., 0]).long(),
            rewards=torch.from_numpy(buffer.rewards),
            ended=torch.from_numpy(buffer.ended),
            labels=labels,
            outcomes=self.outcomes,
            action_count=int(self.action_space.n),  # pyright: ignore[reportAttributeAccessIssue]
            oversight_mask=mask,
            final_observations=None if final is None else self._preprocessed(final),
        )

    def _preprocessed(self, observations: NDArray[Any]) -> torch.Tensor:
        """Observations [T, N, ...] as the policy's networks see them."""
        flat = torch.from_numpy(observations.reshape(-1, *observations.shape[2:]))
        seen = preprocess_obs(flat, self.observation_space, self.policy.normalize_images)
        assert isinstance(seen, torch.Tensor), "dictionaries are refused at the start"
        return seen.unflatten(0, observations.shape[:2])

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
        return self.policy.steer(self.method.deploy)

    def export(self, path: str | Path) -> None:
        """Write the policy as safetensors, which opens without running code.

        `load` unpickles, as the library does: open only what you trust. `load_exported` does not.
        """
        export_policy(self.policy, Path(path))


def _channels_first(mask: NDArray[np.bool_], shape: tuple[int, ...]) -> torch.Tensor:
    """A mask over the environment's observation, as the library passes observations on."""
    found = torch.as_tensor(mask)
    return found if tuple(found.shape) == tuple(shape) else found.movedim(-1, 0)
