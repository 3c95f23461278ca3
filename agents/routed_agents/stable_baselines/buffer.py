"""A rollout buffer that carries the overseer's labels, and hands out what they allow to teach."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3.common.buffers import DictRolloutBuffer, RolloutBuffer
from stable_baselines3.common.type_aliases import RolloutBufferSamples
from torch.nn import functional

from routed_agents import losses
from routed_agents.methods.gate_memory import GateBatch
from routed_agents.methods.routing_settings import RoutingSettings
from routed_agents.methods.table import Lesson, Table
from routed_agents.policies.separation import few
from routed_agents.rollout import spread_labels
from routed_envs.errors import InputError, unknown_name
from routed_envs.outcomes import Outcomes

COLLECTED = (
    *("observations", "actions", "rewards", "episode_starts", "values", "log_probs"),
    *("ended", "labels"),
)
"""What the buffer knows of each step before the method is asked, [T, N, ...]."""
SAMPLED = ("observations", "actions", "values", "log_probs", "advantages", "returns")
"""What samples are made of."""


@dataclass(frozen=True)
class RoutedObservations:
    """A minibatch's observations with what each of its B samples may teach.

    It stands where the library's samples have the observations alone, so that the library's own
    `train` hands it to the policy.

    Attributes:
        observations: [B, ...], or a dictionary of such.
        lesson: What each sample may teach.
        gate_coefficient: Weight of the gate's cross-entropy.
        actors: int64 [B], the expert that acted alone; None if the mixture did.
        gate: What the gate learns from; None for the samples that have a target.
    """

    observations: Any
    lesson: Lesson
    gate_coefficient: float
    actors: torch.Tensor | None = None
    gate: GateBatch | None = None


@dataclass(frozen=True)
class Teaching:
    """What a method makes of a full buffer.

    Attributes:
        table: The method's rows, on the buffer's device.
        outcomes: Names and codes of the labels.
        relabel: The labels from which the method learns, int64 [T, N], or their probabilities,
            float [T, N, L], read where episodes ended.
        reads_truth: Whether the buffer shall keep the hidden outcomes.
        keeps_final: Whether the buffer shall keep each episode's final observation.
        routing: What routing adds. Its offset is added to every advantage after the rollout's have
            been normalised; 0 leaves the advantages to the library.
        waits: Whether steps of an episode that still runs wait for its end.
        actors: int64 [N], the expert that acts in each environment; None if the mixture does.
        gate: Draws what the gate learns from at one gradient step; None for the samples.
    """

    table: Table
    outcomes: Outcomes
    relabel: Callable[[], torch.Tensor]
    reads_truth: bool
    keeps_final: bool
    routing: RoutingSettings
    waits: bool = False
    actors: torch.Tensor | None = None
    gate: Callable[[], GateBatch | None] | None = None


class RoutedRolloutBuffer(RolloutBuffer):
    """The library's buffer (T steps of N environments) with a label for each sample.

    An episode that still runs when the buffer is full has no label yet. Where labels matter its
    steps wait, with what the policy thought of them when it acted, and are taught with the rollout
    in which it ends: E steps of each environment then, of which some wait for another rollout. What
    that costs: an episode of many rollouts' length is learned from when the policy has moved on
    (PPO's ratio takes that into account, A2C does not), and its observations are kept.

    Attributes:
        teaching: What the method makes of it; set by the algorithm before the first rollout.
        ended: bool [E, N], the episode ended at this step.
        labels: int64 [E, N], codes of `Outcomes`: what the overseer says where an episode ended,
            `unfinished` elsewhere.
        hidden_outcomes: int64 [T, N], how episodes really ended; `unfinished` everywhere unless the
            method declares that it learns from the truth.
        final_observations: [T, N, ...], after the steps that ended an episode, zeros elsewhere;
            None unless the method asks for them.
        further_rewards: float32 [T, N], what is added to the environment's: the value of what an
            episode's time limit cut off, where experts act alone.
        codes: int64 [N x E], the method's label of each sample's episode, in the order of the
            samples, or the labels' probabilities, float [N x E, L]; made when the buffer is full.
        taught: int64 [M], the numbers of the samples that are handed out.
    """

    teaching: Teaching
    final_observations: Any = None
    _waiting: dict[str, Any] | None = None

    def reset(self) -> None:
        """Empty the buffer, but for the steps that wait for their episode's end."""
        super().reset()
        shape = (self.buffer_size, self.n_envs)
        self.ended = np.zeros(shape, dtype=bool)
        self.labels = np.zeros(shape, dtype=np.int64)
        self.hidden_outcomes = np.zeros(shape, dtype=np.int64)
        self.further_rewards = np.zeros(shape, dtype=np.float32)
        teaching: Teaching | None = getattr(self, "teaching", None)
        if teaching is not None:
            self.labels[:] = self.hidden_outcomes[:] = teaching.outcomes.unfinished
            empty = _each(np.zeros_like, self.observations)
            self.final_observations = empty if teaching.keeps_final else None

    def forget(self) -> None:
        """Let go of the steps that wait: their episodes will not be continued."""
        self._waiting = None

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
                _put(self.final_observations, (self.pos, index), info["terminal_observation"])

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

    def label_counts(self) -> dict[str, int]:
        """How many episodes of the last rollout ended with each label, by its name."""
        names, last = self.teaching.outcomes.labels, slice(-self.buffer_size, None)
        counts = np.bincount(self.labels[last][self.ended[last]], minlength=len(names))
        return dict(zip(names[:-1], counts.tolist(), strict=False))

    def some_steps(self) -> tuple[Any, torch.Tensor]:
        """Some observations [B, ...], or dictionaries of them, and actions of the last rollout.

        They are there until samples are asked for, which puts them in another order.
        """

        def some(part: NDArray[Any]) -> torch.Tensor:
            return few(torch.from_numpy(part[-self.buffer_size :]))

        return _each(some, self.observations), some(self.actions)

    def compute_returns_and_advantage(self, last_values: torch.Tensor, dones: NDArray[Any]) -> None:
        """Apply the method's labels and rewards, then estimate returns and advantages.

        A reward from the method's table replaces the environment's as it arrived here, so it is not
        scaled by `VecNormalize`, and an episode that timed out is then worth no more than it.

        Args:
            last_values: float [N], of the observations that follow the last step.
            dones: bool [N], whether the last step ended an episode.
        """
        teaching, unfinished = self.teaching, self.teaching.outcomes.unfinished
        labels = teaching.relabel().to(self.device)
        self.rewards += self.further_rewards
        known = self._join_waiting()
        before = len(known) - len(labels)
        open_label = torch.tensor(unfinished, device=self.device)
        if labels.is_floating_point():
            open_label = functional.one_hot(open_label, labels.shape[2]).to(labels.dtype)
        earlier = open_label.expand(before, *labels.shape[1:])
        ended = torch.from_numpy(self.ended).to(self.device)
        codes = spread_labels(torch.cat((earlier, labels)), ended, unfinished)
        rewards = torch.from_numpy(self.rewards).to(self.device)
        actors = teaching.actors
        self.rewards = teaching.table.rewards(rewards, ended, codes, actors).cpu().numpy()
        self._estimate(last_values, dones)
        if teaching.waits:
            known = self._let_wait(known)
        self.taught = np.flatnonzero(known.swapaxes(0, 1).ravel())
        self._add_offset(codes, known)
        flat = codes.swapaxes(0, 1).flatten(0, 1)
        self.codes = flat.cpu().numpy()

    def _join_waiting(self) -> NDArray[np.bool_]:
        """Put the steps that waited before the rollout's; which are there, bool [E, N]."""
        known = np.ones(self.ended.shape, dtype=bool)
        if self._waiting is None:
            return known
        for name in COLLECTED:
            joined = _each(_after, getattr(self, name), self._waiting[name])
            setattr(self, name, joined)
        return np.concatenate((self._waiting["known"], known))

    def _let_wait(self, known: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Keep the steps of episodes that still run; the others that are there, bool [E, N]."""
        later = np.logical_or.accumulate(self.ended[::-1])[::-1]
        waiting = known & ~later
        longest = int(waiting.sum(0).max())
        self._waiting = None
        if longest:
            last = slice(len(known) - longest, None)
            kept = {
                name: _each(lambda part: part[last].copy(), getattr(self, name))
                for name in COLLECTED
            }
            self._waiting = kept | {"known": waiting[last]}
        return known & later

    def _estimate(self, last_values: torch.Tensor, dones: NDArray[Any]) -> None:
        """The library's estimates, over all steps that are there."""
        steps, self.buffer_size = self.buffer_size, len(self.rewards)
        self.advantages = np.zeros_like(self.rewards)
        super().compute_returns_and_advantage(last_values, dones)
        self.buffer_size = steps

    def _add_offset(self, codes: torch.Tensor, known: NDArray[np.bool_]) -> None:
        """Normalise the advantages of what is taught and add routing's offset, if it has one."""
        offset = self.teaching.routing.advantage_offset
        if not offset:
            return
        estimates = torch.from_numpy(self.advantages)
        weights = self.teaching.table.lesson(codes.flatten(0, 1)).weights.cpu()
        weights = weights * torch.from_numpy(known).flatten()
        scaled = losses.normalise(estimates.flatten(), weights)
        self.advantages[:] = scaled.view_as(estimates).numpy() + offset

    def get(self, batch_size: int | None = None) -> Generator[RolloutBufferSamples, None, None]:
        """The samples that may be taught, in minibatches and a random order.

        Args:
            batch_size: Samples in each, but the last; all of them if None.
        """
        assert self.full, "the library asks for samples after a rollout"
        order = np.random.permutation(self.taught)  # noqa: NPY002 (the library's draws)
        if not self.generator_ready:
            for name in SAMPLED:
                setattr(self, name, _each(self.swap_and_flatten, getattr(self, name)))
            self.generator_ready = True
        size = batch_size or max(1, len(order))
        if self.teaching.waits and len(order):
            # As many as are taught: evenly, for a step on the few that are left over is mere noise.
            parts = np.array_split(order, -(-len(order) // size))
        else:
            parts = [order[start : start + size] for start in range(0, len(order), size)]
        for part in parts:
            yield self._get_samples(part)

    def _get_samples(self, batch_inds: NDArray[Any], env: Any = None) -> RolloutBufferSamples:
        """The samples with those numbers, and what each may teach."""
        samples = super()._get_samples(batch_inds, env)
        teaching = self.teaching
        codes = torch.from_numpy(self.codes[batch_inds]).to(self.device)
        actors = teaching.actors
        if actors is not None:  # The samples of an environment stand together.
            actors = actors[torch.from_numpy(batch_inds // len(self.rewards)).to(self.device)]
        routed = RoutedObservations(
            observations=samples.observations,
            lesson=teaching.table.lesson(codes),
            gate_coefficient=teaching.routing.gate_coefficient,
            actors=actors,
            gate=teaching.gate() if teaching.gate else None,
        )
        # The library never looks at the observations; it hands them to the policy.
        return samples._replace(observations=routed)  # pyright: ignore[reportArgumentType]


class RoutedDictRolloutBuffer(RoutedRolloutBuffer, DictRolloutBuffer):  # pyright: ignore[reportIncompatibleMethodOverride,reportIncompatibleVariableOverride]
    """`RoutedRolloutBuffer` for environments that show dictionaries."""


def _each(function: Callable[..., Any], *observations: Any) -> Any:
    """Apply a function to arrays, or to each part of dictionaries of them."""
    first = observations[0]
    if not isinstance(first, dict):
        return function(*observations)
    return {name: function(*(part[name] for part in observations)) for name in first}


def _after(later: NDArray[Any], earlier: NDArray[Any]) -> NDArray[Any]:
    return np.concatenate((earlier, later))


def _put(target: Any, place: tuple[int, int], value: Any) -> None:
    """Write one observation into an array, or its parts into a dictionary of them."""
    if isinstance(target, dict):
        for name, part in value.items():
            target[name][place] = part
    else:
        target[place] = value
