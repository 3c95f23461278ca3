"""The second task of the machinery of runs: an algorithm of stable-baselines3 in an environment."""

from __future__ import annotations

import dataclasses
import json
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.preprocessing import is_image_space

from routed_agents.methods.lookup import get_method
from routed_agents.methods.record import Method
from routed_agents.methods.responsibilities import belief_figures, described_belief
from routed_agents.methods.routing_settings import RoutingSettings
from routed_agents.policies.networks import check_experts
from routed_agents.policies.separation import separation
from routed_agents.stable_baselines.a2c_ppo import EntropySchedule, RoutedA2C, RoutedPPO
from routed_agents.stable_baselines.base import RoutedAlgorithm
from routed_agents.stable_baselines.checks import check_mixed, check_spaces
from routed_envs.outcomes import Outcomes
from routed_rl.config import HOST_FIELDS
from routed_rl.environment_config import EnvironmentConfig, episodes_on_the_way
from routed_rl.environments.environment_judging import (
    SIDE_BY_SIDE,
    judge_levels,
    judge_steerings,
)
from routed_rl.environments.environment_state import EnvironmentState
from routed_rl.environments.generators import (
    generators_kept,
    read_generators,
    write_generators,
)
from routed_rl.environments.making import make_env, make_envs
from routed_rl.evaluation.record import Evaluation
from routed_rl.evaluation.steerings import deployed_actor
from routed_rl.runs.devices import device_named
from routed_rl.runs.identity import TABLE, check_outcomes
from routed_rl.runs.memory import Layers, RunSize
from routed_rl.runs.run_folder import RunFolder
from routed_rl.runs.warning_signs import Noted

Steps = tuple[torch.Tensor, torch.Tensor]
"""Observations and actions of some steps."""
NOT_IDENTITY = (*HOST_FIELDS, "steps", "processes", "evaluate_every")
"""Settings that do not make a run another one."""
ENVIRONMENT = 50_000
"""Bytes of a small environment with its wrappers."""


@dataclass(frozen=True)
class EnvironmentTask:
    """A configuration with everything it names, as a `Task`.

    Attributes:
        config: What decides the run.
        outcomes: How the environment's episodes can end.
        method: How it learns.
        observation: What the environment shows.
    """

    config: EnvironmentConfig
    outcomes: Outcomes
    method: Method
    observation: spaces.Space[Any]
    unit: ClassVar[str] = "environment_steps"

    @classmethod
    def of(cls, config: EnvironmentConfig, method: Method | None = None) -> EnvironmentTask:
        """Find what the configuration names, and refuse what does not fit.

        Args:
            config: What decides the run.
            method: Your own method; the one that the configuration names if None.

        Raises:
            InputError: An unknown environment or method, or one that does not fit the other.
        """
        env = make_env(config.env, config.oversight)
        outcomes: Outcomes = env.get_wrapper_attr("outcomes")
        check_spaces(env.observation_space, env.action_space)
        if method is None:
            method = get_method(config.method, outcomes)
        else:
            config = dataclasses.replace(config, method=method.name)
        check_outcomes(outcomes.targets)
        method.check_labels(outcomes)
        check_experts(method.experts, method.gate)
        method.check_environments(config.environments)
        if method.acts == "mixture" and len(method.experts) > 1:
            check_mixed(env.action_space)
        env.close()
        return cls(config, outcomes, method, env.observation_space)

    @property
    def updates(self) -> int:
        """The rollouts that the method takes of the budget, the last of which may exceed it."""
        return max(1, -(-self._steps // self.samples))

    @property
    def _steps(self) -> int:
        return self.method.budget(self.config.steps, self.config.oversight)

    @property
    def samples(self) -> int:
        """Environment steps of one rollout."""
        return self.config.samples

    @property
    def evaluate_every(self) -> int | None:
        """Updates between two evaluations on the way."""
        return self.config.evaluate_every

    @property
    def threads(self) -> int:
        """CPU threads of the run."""
        return self.config.threads

    @property
    def needed_labels(self) -> tuple[str, ...]:
        """The wanted endings whose labels the method learns from."""
        return self.method.needed_labels(self.outcomes)

    def size(self) -> RunSize:
        """What decides the memory that the run takes; environments of others are not counted."""
        config, entries = self.config, spaces.flatdim(self.observation)
        batch = min(config.batch_size, config.samples)
        batch = batch if config.algorithm == "ppo" else config.samples
        experts = len(self.method.experts)
        layers = (
            Layers.of(entries, (*config.expert_widths, 1), experts)
            + Layers.of(entries, (*config.gate_widths, 1))
            + Layers.of(entries, (*config.value_widths, 1))
        )
        return RunSize(
            layers=layers,
            entries=entries,
            entry_bytes=np.dtype(self.observation.dtype or np.float32).itemsize,
            kept=config.samples,
            learned=max(config.environments, batch),
            judged=SIDE_BY_SIDE,
            helpers=config.processes * config.environments,
            world=config.environments * ENVIRONMENT,
            device=self.device,
        )

    @property
    def device(self) -> str:
        """Where it learns, as PyTorch names it."""
        return device_named(self.config.device).type

    def settings(self) -> dict[str, Any]:
        """What decides the run, as plain values."""
        return self.config.to_json()

    def identity(self) -> dict[str, Any]:
        """What makes the run this run and no other, by name; the budget and the host do not."""
        kept = {k: v for k, v in self.config.to_json().items() if k not in NOT_IDENTITY}
        outcomes = {"targets": list(self.outcomes.targets), "good": list(self.outcomes.good)}
        return kept | {"outcomes": outcomes, TABLE: self.method.describe()}

    def start(self) -> EnvironmentState:
        """A fresh model and its environments, all from the seed."""
        config = self.config
        with generators_kept():
            env = make_envs(
                config.env, config.oversight, config.environments, config.seed, config.processes
            )
            with warnings.catch_warnings():
                # Where steps wait, minibatches are even whatever the rollout's size.
                warnings.filterwarnings("ignore", "You have specified a mini-batch size")
                model = self._model(env)
            # The library's own leaves an empty folder among the temporary files.
            model.set_logger(Logger(folder=None, output_formats=[]))
            numbers = read_generators()
        identity = json.dumps(self.identity(), sort_keys=True)
        return EnvironmentState(model, numbers, Noted.of(self.outcomes.targets), identity)

    def _model(self, env: Any) -> RoutedAlgorithm:
        config = self.config
        further: dict[str, Any] = {}
        if config.algorithm == "ppo":
            further = {
                "batch_size": min(config.batch_size, config.samples),
                "n_epochs": config.epochs,
                "clip_range": config.clip_range,
            }
        made = RoutedPPO if config.algorithm == "ppo" else RoutedA2C
        return made(
            policy_name(env.observation_space),
            env,
            self.method,
            routing=self._routing,
            n_steps=config.rollout_steps,
            learning_rate=self._learning_rate,
            gamma=config.discount,
            gae_lambda=config.trace_decay,
            ent_coef=config.entropy_coefficient,
            vf_coef=config.value_coefficient,
            max_grad_norm=config.largest_gradient,
            policy_kwargs={
                "net_arch": {
                    "pi": list(config.expert_widths),
                    "gate": list(config.gate_widths),
                    "vf": list(config.value_widths),
                },
                "activation_fn": torch.nn.ReLU,
                "optimizer_class": torch.optim.AdamW,
                "optimizer_kwargs": {"weight_decay": config.weight_decay},
            },
            seed=config.seed,
            device=self.device,
            **further,
        )

    @property
    def _routing(self) -> RoutingSettings:
        config = self.config
        return RoutingSettings(
            gate_coefficient=config.gate_coefficient,
            overseen_weight=config.overseen_weight,
            overseen_limit=config.overseen_limit,
            advantage_offset=config.advantage_offset,
        )

    def _learning_rate(self, remaining: float) -> float:
        """Adam's, by the share of the run that remains."""
        first, last = self.config.learning_rate, self.config.final_learning_rate
        return last + (first - last) * max(0.0, remaining)

    def update(self, state: EnvironmentState) -> Steps:
        """One rollout, and what is learned from it; the state is changed. Some of its steps."""
        model = state.model
        with generators_kept():
            write_generators(state.numbers)
            if state.callback is None:
                config = self.config
                # The library would seed its environments with the numbers that follow the run's
                # own: those of its neighbours, and of this run's beginning where it is resumed.
                mixed = np.random.SeedSequence((config.seed, state.update)).generate_state(1)
                assert model.env is not None, "it was made with environments"
                model.env.seed(int(mixed[0]))
                entropy = (config.entropy_coefficient, config.final_entropy_coefficient)
                state.callback = model.begin(self._steps, EntropySchedule(*entropy))
            steps = model.learn_rollout(self._steps, state.callback)
            state.numbers = read_generators()
        state.update += 1
        state.noted.count(model.rollout_buffer.label_counts(), state.update)
        return steps

    def entry(self, state: EnvironmentState, learned: Steps) -> dict[str, Any]:
        """What the log tells of the last update."""
        figures = state.model.logger.name_to_value
        learner = {
            name.removeprefix("train/"): float(value)
            for name, value in figures.items()
            if name.startswith("train/")
        }
        if "entropy_loss" in learner:
            learner["entropy"] = -learner["entropy_loss"]
        return {
            "overseer": state.model.overseer_view(),
            "belief": belief_figures(state.model.memory),
            "experts": self._separation(state, learned),
            "learner": learner,
        }

    def _separation(self, state: EnvironmentState, steps: Steps) -> dict[str, float] | None:
        """How far apart experts and gate are on some steps; None for a single expert."""
        if len(self.method.experts) == 1:
            return None
        policy = state.model.policy
        policy.set_training_mode(False)
        return separation(policy, self.method.gate == "learned", *steps)

    def judge(self, state: EnvironmentState) -> dict[str, Evaluation]:
        """The policy's figures for the log; the run never sees them."""
        with generators_kept():
            write_generators(state.numbers)
            episodes = episodes_on_the_way(self.config.evaluation_episodes)
            return judge_steerings(self.config, state.model.policy, episodes=episodes)

    def save_policy(self, state: EnvironmentState, path: Path) -> None:
        """Write the policy as it stands."""
        state.model.export(path)

    def close(self, state: EnvironmentState) -> None:
        """End the environments, which may be processes."""
        if state.model.env is not None:
            state.model.env.close()

    def finish(self, state: EnvironmentState, folder: RunFolder) -> None:
        """Save the policy that the method selects, judge it, and mark the folder as finished."""
        model = state.model
        selected = None if model.selector is None else model.selector.best is not None
        if model.selector is not None and model.selector.best is not None:
            model.policy.load_state_dict(model.selector.best)
        self.save_policy(state, folder.policy)
        with generators_kept():
            write_generators(state.numbers)
            judged = judge_levels(self.config, model.policy)
        belief = described_belief(model.memory, self.outcomes)
        told = {
            "method": self.method.name,
            "updates": state.update,
            "seconds": state.seconds,
            "labels": model.labels_told,
            "selected": selected,
            "told": ", ".join(self.method.told),
            "relabel_accuracy": None,
            "belief": belief,
            "warnings": state.noted.concluded(belief, state.update),
        }
        folder.write_results(judged, deployed_actor(model.policy), told)


def policy_name(observation_space: Any) -> str:
    """The library's name of the kind of policy that takes these observations."""
    if isinstance(observation_space, spaces.Dict):
        return "MultiInputPolicy"
    return "CnnPolicy" if is_image_space(observation_space) else "MlpPolicy"
