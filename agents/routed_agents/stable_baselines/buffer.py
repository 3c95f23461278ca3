"""A rollout buffer that carries the overseer's labels, and hands out what they allow to teach."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3.common.buffers import RolloutBuffer
from stable_baselines3.common.type_aliases import RolloutBufferSamples

from routed_agents import losses
from routed_agents.methods.routing_settings import RoutingSettings
from routed_agents.methods.table import Lesson, Table
from routed_agents.rollout import spread_labels
from routed_envs.errors import InputError, unknown_name
from routed_envs.outcomes import Outcomes


@dataclass(frozen=True)
class RoutedObservations:
    """A minibatch's observations with what each of its B samples may teach.

    It stands where the library's samples have the observations alone, so that the library's own
    `train` hands it to the policy.

    Attributes:
        observations: [B, ...].
        lesson: What each sample may teach.
        gate_coefficient: Weight of the gate's cross-entropy.
    """

    observations: torch.Tensor
    lesson: Lesson
    gate_coefficient: float


@dataclass(frozen=True)
class Teaching:
    """What a method makes of a full buffer.

    Attributes:
        table: The method's rows, on the buffer's device.
        outcomes: Names and codes of the labels.
        relabel: The labels from which the method learns, int64 [T, N], read where episodes ended.
        reads_truth: Whether the buffer shall keep the hidden outcomes.
        keeps_final: Whether the buffer shall keep each episode's final observation.
        routing: What routing adds. Its offset is added to every advantage after the rollout's have
            been normalised; 0 leaves the advantages to the library.
    """

    table: Table
    outcomes: Outcomes
    relabel: Callable[[], torch.Tensor]
    reads_truth: bool
    keeps_final: bool
    routing: RoutingSettings


class RoutedRolloutBuffer(RolloutBuffer):
    """The library's buffer (T steps of N environments) with a label for each sample.

    Attributes:
        teaching: What the method makes of it; set by the algorithm before the first rollout.
        ended: bool [T, N], the episode ended at this step.
        labels: int64 [T, N], codes of `Outcomes`: what the overseer says where an episode ended,
            `unfinished` elsewhere.
        hidden_outcomes: int64 [T, N], how episodes really ended; `unfinished` everywhere unless the
            method declares that it learns from the truth.
        final_observations: [T, N, ...], after the steps that ended an episode, zeros elsewhere;
            None unless the method asks for them.
        codes: int64 [N x T], the method's label of each sample's episode, in the order of the
            samples; made when the buffer is full.
    """

    teaching: Teaching
    final_observations: NDArray[Any] | None = None

    def reset(self) -> None:
        """Empty the buffer."""
        super().reset()
        shape = (self.buffer_size, self.n_envs)
        self.ended = np.zeros(shape, dtype=bool)
        self.labels = np.zeros(shape, dtype=np.int64)
        self.hidden_outcomes = np.zeros(shape, dtype=np.int64)
        teaching: Teaching | None = getattr(self, "teaching", None)
        if teaching is not None:
            self.labels[:] = self.hidden_outcomes[:] = teaching.outcomes.unfinished
            self.final_observations = (
                np.zeros_like(self.observations) if teaching.keeps_final else None
            )

    def note(self, infos: Sequence[dict[str, Any]], ended: NDArray[np.bool_]) -> None:
        """Take in what the present step's information says of the episodes that it ended.

        Args:
            infos: Of the N environments.
            ended: bool [N].

        Raises:
            InputError: An episode ended without a label, or with an unknown one.
        """
        self.ended[self.pos] = ended
        for index in np.flatnonzero(ended).tolist():
            info = infos[index]
            self.labels[self.pos, index] = self._code(info, "label")
            if self.teaching.reads_truth:
                self.hidden_outcomes[self.pos, index] = self._code(info, "hidden_outcome")
            if self.final_observations is not None:
                self.final_observations[self.pos, index] = info["terminal_observation"]

    def _code(self, info: dict[str, Any], key: str) -> int:
        """The code of the name under a key of an ended episode's information."""
        names = self.teaching.outcomes.labels
        name = info.get(key)
        if name is None:
            raise InputError(
                f"An episode ended and its information has no {key!r}; it has {sorted(info)}. Wrap "
                "the environment in routed_envs.Overseen, which gives it one."
            )
        if name not in names:
            raise unknown_name("label", name, names)
        return names.index(name)

    def compute_returns_and_advantage(self, last_values: torch.Tensor, dones: NDArray[Any]) -> None:
        """Apply the method's labels and rewards, then estimate returns and advantages.

        A reward from the method's table replaces the environment's as it arrived here, so it is not
        scaled by `VecNormalize`, and an episode that timed out is then worth no more than it.

        Args:
            last_values: float [N], of the observations that follow the last step.
            dones: bool [N], whether the last step ended an episode.
        """
        table, offset = self.teaching.table, self.teaching.routing.advantage_offset
        ended = torch.from_numpy(self.ended).to(self.device)
        labels = self.teaching.relabel().to(self.device)
        codes = spread_labels(labels, ended, self.teaching.outcomes.unfinished)
        rewards = torch.from_numpy(self.rewards).to(self.device)
        self.rewards = table.rewards(rewards, ended, codes).cpu().numpy()
        super().compute_returns_and_advantage(last_values, dones)
        if offset:
            estimates = torch.from_numpy(self.advantages)
            weights = table.lesson(codes.flatten()).weights.cpu()
            scaled = losses.normalise(estimates.flatten(), weights)
            self.advantages[:] = scaled.view_as(estimates).numpy() + offset
        self.codes = self.swap_and_flatten(codes.cpu().numpy()).ravel()

    def _get_samples(self, batch_inds: NDArray[Any], env: Any = None) -> RolloutBufferSamples:
        """The samples with those numbers, and what each may teach."""
        samples = super()._get_samples(batch_inds, env)
        codes = torch.from_numpy(self.codes[batch_inds]).to(self.device)
        routed = RoutedObservations(
            observations=samples.observations,
            lesson=self.teaching.table.lesson(codes),
            gate_coefficient=self.teaching.routing.gate_coefficient,
        )
        # The library never looks at the observations; it hands them to the policy.
        return samples._replace(observations=routed)  # pyright: ignore[reportArgumentType]
