"""What a configuration means: its world, its method, its networks, and one update of a run."""

from __future__ import annotations

import dataclasses
import json
import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch

from routed_agents.learner import (
    LossSettings,
    gradient_step,
    loss,
    make_batch,
)
from routed_agents.methods.early_stopping import Selector
from routed_agents.methods.gate_memory import draw, remember
from routed_agents.methods.lookup import get_method
from routed_agents.methods.record import Method
from routed_agents.methods.relabelling import count_targets, method_labels, told_labels
from routed_agents.methods.routing_settings import RoutingSettings
from routed_agents.methods.table import Table
from routed_agents.policies.acting import acting
from routed_agents.policies.mixture import deal
from routed_agents.policies.networks import (
    NetworkSettings,
    PlaneNetwork,
    RoutedPolicyNetwork,
    initialise,
    without_storage,
)
from routed_agents.policies.policy import Policy
from routed_agents.rollout import Collected, Rollout, collect
from routed_envs.gridworld.world import DiamondGhostWorld
from routed_envs.table_world import TableWorld, as_tables
from routed_envs.worlds import Dynamics, World
from routed_rl.config import HOST_FIELDS, TrainConfig
from routed_rl.evaluation.exact import Evaluator
from routed_rl.runs.devices import device_named
from routed_rl.runs.identity import TABLE, check_outcomes
from routed_rl.runs.warning_signs import Noted
from routed_rl.training.own_world import check_shown, own_world
from routed_rl.training.precision import check_precision, products
from routed_rl.training.state import TrainingState

NOT_IDENTITY = (*HOST_FIELDS, "updates", "evaluate_every")
"""Settings that do not make a run another one."""
OF_WORLDS = tuple(field.name for field in dataclasses.fields(DiamondGhostWorld))
"""Settings that are the gridworld's, and may be those of a world of one's own."""


@dataclass(frozen=True)
class Experiment:
    """A configuration with everything it names.

    Attributes:
        config: What decides the run.
        world: Where it trains.
        method: How it learns.
        device: Where its tensors live.
    """

    config: TrainConfig
    world: World[Any]
    method: Method
    device: torch.device

    @classmethod
    def of(
        cls, config: TrainConfig, world: World[Any] | None = None, method: Method | None = None
    ) -> Experiment:
        """Find what the configuration names, and refuse what does not fit.

        Args:
            config: What decides the run.
            world: Your own world; the gridworld that the configuration describes if None.
            method: Your own method; the one that the configuration names if None.

        Raises:
            InputError: An unknown method, a device that is not there or lacks products of the
                precision, a world that shows something else than it says, outcomes whose names are
                taken, a method that does not fit them, or fewer environments than experts that act
                alone.
        """
        if world is None and config.world is not None:
            world = own_world(config.world).with_oversight(config.oversight)
        elif world is None:
            world = gridworld(config)
        else:
            # A world of one's own brings its settings: what the configuration says of them is its.
            shared = {k: v for k, v in world.settings().items() if k in OF_WORLDS}
            config = dataclasses.replace(config, **shared)
        if not isinstance(world, DiamondGhostWorld):  # Ours may be too large to place.
            check_shown(world)
        if method is None:
            method = get_method(config.method, world.outcomes)
        else:
            config = dataclasses.replace(config, method=method.name)
        check_outcomes(world.outcomes.targets)
        method.check_labels(world.outcomes)
        method.check_environments(config.environments)
        device = device_named(config.device)
        check_precision(config.precision, device)
        return cls(config, world, method, device)

    @property
    def updates(self) -> int:
        """The gradient steps that the method takes of the budget."""
        return self.method.budget(self.config.updates, self.world.overseen_share)

    @property
    def routing(self) -> RoutingSettings:
        """The constants that routing adds, at the share that this world's overseer sees."""
        config = self.config
        settings = RoutingSettings(
            gate_coefficient=config.gate_coefficient,
            overseen_weight=config.overseen_weight,
            # A configuration may say 0, and means the least weight, as the smallest limit does.
            overseen_limit=config.overseen_limit or math.ulp(0.0),
            advantage_offset=config.advantage_offset,
        )
        return settings.at(self.world.overseen_share)

    def loss_settings(self, progress: float) -> LossSettings:
        """The loss's constants at a point of the run, 0 at the first update and 1 at the last."""
        config = self.config
        gate = _between(config.gate_coefficient, config.final_gate_coefficient, progress)
        return LossSettings(
            discount=config.discount,
            trace_decay=config.trace_decay,
            bootstrap=config.bootstrap,
            normalise_advantages=config.normalise_advantages,
            entropy_coefficient=_between(
                config.entropy_coefficient, config.final_entropy_coefficient, progress
            ),
            value_coefficient=config.value_coefficient,
            routing=dataclasses.replace(self.routing, gate_coefficient=gate),
        )

    def learning_rate(self, progress: float) -> float:
        """Adam's learning rate at a point of the run, 0 at the first update and 1 at the last."""
        return _between(self.config.learning_rate, self.config.final_learning_rate, progress)

    def identity(self) -> dict[str, Any]:
        """What makes a run this run and no other, by name; the budget and the host do not."""
        config = self.config.to_json()
        kept = {k: v for k, v in config.items() if k not in NOT_IDENTITY}
        # A world may have a seed or a discount of its own, which is not the run's.
        of_run = kept.keys() - set(OF_WORLDS)
        own = self.world.settings().items()
        world: dict[str, Any] = {"world": type(self.world).__name__}
        world |= {f"world.{name}" if name in of_run else name: value for name, value in own}
        if self.config.world is not None:
            outcomes = self.world.outcomes
            world["outcomes"] = {"targets": list(outcomes.targets), "good": list(outcomes.good)}
        return kept | world | {TABLE: self.method.describe()}

    def start(self) -> TrainingState:
        """Fresh networks and running worlds, all drawn from the seed."""
        config, world, device = self.config, self.world, self.device
        initial = torch.Generator().manual_seed(config.seed)
        policy, baseline = self._networks(initial)
        # A stream of its own: the rollouts must not repeat the numbers of the weights.
        second_seed = int(torch.randint(2**62, (), generator=initial))
        generator = torch.Generator(device).manual_seed(second_seed)
        shape = (config.environments, world.random_numbers)
        worlds = self.dynamics.place(torch.rand(shape, generator=generator, device=device))
        select = self.method.select
        return TrainingState(
            policy=policy,
            baseline=baseline,
            optimizer=torch.optim.AdamW(
                [*policy.parameters(), *baseline.parameters()],
                lr=config.learning_rate,
                weight_decay=config.weight_decay,
                fused=True,
            ),
            generator=generator,
            worlds=worlds,
            memory={},
            gate_memory={},
            noted=Noted.of(world.outcomes.targets),
            selector=Selector(select, world.outcomes) if select else None,
            identity=json.dumps(self.identity(), sort_keys=True),
        )

    def _networks(self, generator: torch.Generator) -> tuple[RoutedPolicyNetwork, PlaneNetwork]:
        config, world = self.config, self.world
        settings = NetworkSettings(
            experts=self.method.experts,
            gate=self.method.gate,
            observation_shape=world.observation_shape,
            actions=world.actions,
            expert_widths=config.expert_widths,
            gate_widths=config.gate_widths,
            gate_channels=config.gate_channels,
        )
        # Experts that act alone are worth something else each.
        values = len(self.method.experts) if self.method.acts == "experts" else 1
        widths = (*config.value_widths, values)
        with without_storage():
            policy = RoutedPolicyNetwork(settings)
            baseline = PlaneNetwork(
                world.observation_shape, config.value_channels, widths, config.linear_value
            )
        for network in (policy, baseline):
            initialise(network.to_empty(device=self.device), generator)
        return policy, baseline

    @cached_property
    def table(self) -> Table:
        """The method's rows as tensors on the run's device."""
        weight = self.routing.overseen_weight
        return Table.of(self.method, self.world.outcomes, self.device, weight)

    def policy(self, state: TrainingState) -> Policy:
        """The policy as it stands, sharing its weights with the state."""
        return Policy(state.policy, self.world, self.method.deploy, seed=self.config.seed)

    def update(self, state: TrainingState) -> tuple[Rollout, dict[str, torch.Tensor]]:
        """One rollout and one gradient step; the state is changed.

        Args:
            state: The run's.

        Returns:
            The rollout, and the learner's figures as scalars by name.
        """
        # Past its budget a run keeps the last values of its schedules.
        progress = min(1.0, state.update / max(1, self.updates - 1))
        collected = self.collect(state)
        rollout = collected.rollout
        if state.selector:
            state.selector.observe(rollout.labels, state.policy)
        told = told_labels(self.method, rollout.labels, collected.hidden_outcomes)
        state.labels += count_targets(told, rollout.outcomes)
        labels, state.memory = method_labels(
            self.method, told, lambda: rollout, state.memory, state.generator
        )
        gate, rule = None, self.method.gate_memory
        if rule:
            state.gate_memory = remember(rule, state.gate_memory, rollout, told, self.table)
            gate = draw(rule, state.gate_memory, state.generator)
        batch = make_batch(rollout, labels, self.table, gate)
        with products(self.config.precision, self.device):
            total, figures = loss(state.policy, state.baseline, batch, self.loss_settings(progress))
        gradient_step(state.optimizer, total, self.learning_rate(progress))
        state.worlds = collected.state
        state.update += 1
        state.noted.count(rollout.label_counts(), state.update)
        return rollout, figures

    def collect(self, state: TrainingState) -> Collected[Any]:
        """A rollout of whoever acts in training, from where the state's worlds stand."""
        shown = self.dynamics.observe(state.worlds)
        with products(self.config.precision, self.device):
            collected = collect(
                self.dynamics,
                acting(state.policy, self._actors, shown),
                state.worlds,
                self.config.rollout_steps,
                state.generator,
                self.method.final_observations,
            )
        rollout = dataclasses.replace(
            collected.rollout,
            oversight_mask=self._oversight_entries,
            actors=self._actors,
            policy=state.policy,
        )
        return dataclasses.replace(collected, rollout=rollout)

    @cached_property
    def dynamics(self) -> Dynamics[Any]:
        """The world as tables where its states can be listed, else by its rules."""
        return as_tables(self.world, self.device)

    @cached_property
    def evaluator(self) -> Evaluator | None:
        """Exact evaluation in the world whose tables there are; None without tables."""
        tables = self.dynamics
        return Evaluator(self.world, tables) if isinstance(tables, TableWorld) else None

    @cached_property
    def _oversight_entries(self) -> torch.Tensor | None:
        """Which entries of an observation show oversight, if the method is told."""
        told = self.method.oversight_entries
        return self.world.oversight_mask.to(self.device) if told else None

    @cached_property
    def _actors(self) -> torch.Tensor | None:
        """The expert that acts in each environment, int64 [N]; None if the mixture does."""
        if self.method.acts == "mixture":
            return None
        return deal(self.config.environments, len(self.method.experts), self.device)


def gridworld(config: TrainConfig) -> DiamondGhostWorld:
    """The world that a configuration describes, which has a field for each of the world's."""
    return DiamondGhostWorld(**{name: getattr(config, name) for name in OF_WORLDS})


def _between(first: float, last: float, progress: float) -> float:
    """The point of a straight line from `first` to `last` at progress 0 to 1."""
    return first + (last - first) * progress
