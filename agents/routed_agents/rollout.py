"""Acting in a world: rollouts of T steps in N environments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from operator import itemgetter
from typing import Generic, Protocol

import torch
from torch.nn import functional

from routed_envs.entries import in_full, is_listed
from routed_envs.outcomes import Outcomes
from routed_envs.worlds import Dynamics, Ending, State, map_states, renew


class Actor(Protocol):
    """What a method may ask of the policy that acted."""

    def gate_logits(self, inputs: torch.Tensor, /) -> torch.Tensor:
        """The gate's logits for observations [B, ...], float [B, K]."""
        ...

    def each_log_probability(self, inputs: torch.Tensor, actions: torch.Tensor, /) -> torch.Tensor:
        """How likely every expert alone would have taken actions [B, ...], float [B, K]."""
        ...


@dataclass(frozen=True)
class Rollout:
    """What the learner may see of T steps in N environments. Episodes run on between rollouts.

    Attributes:
        observations: int8 [T + 1, N, *observation_shape], before each step; the last follows the
            last step. An ended episode is followed by the next one's first observation.
        actions: int64 [T, N]; of environments with other actions [T, N, ...], as they are.
        rewards: float32 [T, N], the environment's.
        ended: bool [T, N], the episode ended at this step.
        labels: int64 [T, N], codes of `Outcomes`: what the overseer says where an episode ended,
            `unfinished` elsewhere.
        outcomes: Names and codes of the labels.
        action_count: A, the number of actions that there are; 0 where they cannot be counted.
        oversight_mask: bool [*observation_shape], the entries of an observation that show
            oversight; None if the method is not told.
        final_observations: int8 [T, N, *observation_shape], after each step and before any new
            episode starts; None unless the method asks for them.
        actors: int64 [N], the expert that acted in each environment; None if the mixture did.
        policy: The network that acted, as it acted; it is not changed before the rollout has been
            used.
        entries: The entries of the observations that are 1, int64 [T + 1, N, M], if the world shows
            these.
    """

    observations: torch.Tensor
    actions: torch.Tensor
    rewards: torch.Tensor
    ended: torch.Tensor
    labels: torch.Tensor
    outcomes: Outcomes
    action_count: int
    oversight_mask: torch.Tensor | None = None
    final_observations: torch.Tensor | None = None
    actors: torch.Tensor | None = None
    policy: Actor | None = None
    entries: torch.Tensor | None = None

    @property
    def shown(self) -> torch.Tensor:
        """What the policy saw: the entries if there are any, else the observations."""
        return self.observations if self.entries is None else self.entries

    def label_counts(self) -> dict[str, int]:
        """How many episodes ended with each label, by its name."""
        names = self.outcomes.labels
        counts = torch.bincount(self.labels[self.ended], minlength=len(names))
        return dict(zip(names[:-1], counts.tolist(), strict=False))

    def seen(self, where: torch.Tensor) -> torch.Tensor:
        """The observations before the M steps at bool [T, N] `where`, [M, *observation_shape]."""
        return self.observations[:-1][where]


@dataclass(frozen=True)
class Collected(Generic[State]):
    """A rollout, what it hides, and where it stopped.

    Attributes:
        rollout: What the learner may see.
        hidden_outcomes: int64 [T, N], how the episodes really ended; for evaluation and for
            methods that declare `relabel="truth"` alone.
        state: The environments after the last step.
    """

    rollout: Rollout
    hidden_outcomes: torch.Tensor
    state: State


def sample_actions(probabilities: torch.Tensor, uniform: torch.Tensor) -> torch.Tensor:
    """Draw actions, int64 [B], from probabilities [B, A].

    Inverts each row's cumulative distribution at a uniform number in [0, 1), [B].
    """
    cumulative = probabilities.cumsum(1)
    # The last sum may round to less than 1, so the last action takes what is left.
    return (cumulative[:, :-1] <= uniform.unsqueeze(1)).sum(1)


def collect(
    world: Dynamics[State],
    act: Callable[[torch.Tensor], torch.Tensor],
    state: State,
    steps: int,
    generator: torch.Generator,
    final_observations: bool = False,
) -> Collected[State]:
    """Act for some steps in every environment.

    Args:
        world: The rules.
        act: Maps what the world shows of N episodes to action probabilities, float [N, A].
        state: N running episodes.
        steps: T, at least 1.
        generator: The run's own, on the device of the state.
        final_observations: Keep the observation that each step ends in, which costs time.

    Returns:
        The rollout, its hidden outcomes and the state after it.
    """
    observation = world.observe(state)
    count, device = len(observation), observation.device
    uniform = torch.rand((steps, count), generator=generator, device=device).unbind()
    placement = (steps * count, world.random_numbers)
    # All the new episodes that the rollout can need, placed at once.
    placed = world.place(torch.rand(placement, generator=generator, device=device))
    fresh = map_states(lambda values: values.unflatten(0, (steps, count)), placed)
    observations, actions, endings, finals = [observation], [], [], []
    for step in range(steps):
        actions.append(sample_actions(act(observations[-1]), uniform[step]))
        state, ending = world.advance(state, actions[-1])
        endings.append(ending)
        if final_observations:
            finals.append(world.observe(state))
        state = renew(state, ending.ended, map_states(itemgetter(step), fresh))
        observations.append(world.observe(state))
    return _stacked(world, observations, actions, endings, finals, state)


def _stacked(
    world: Dynamics[State],
    observations: list[torch.Tensor],
    actions: list[torch.Tensor],
    endings: list[Ending],
    finals: list[torch.Tensor],
    state: State,
) -> Collected[State]:
    """The steps of N environments as one rollout; `finals` are empty if nobody asked for them."""
    shown, shape = torch.stack(observations), world.observation_shape
    rollout = Rollout(
        observations=in_full(shown, shape),
        actions=torch.stack(actions),
        rewards=torch.stack([ending.reward for ending in endings]),
        ended=torch.stack([ending.ended for ending in endings]),
        labels=torch.stack([ending.label for ending in endings]),
        outcomes=world.outcomes,
        action_count=world.actions,
        entries=shown if is_listed(shown) else None,
        final_observations=in_full(torch.stack(finals), shape) if finals else None,
    )
    return Collected(rollout, torch.stack([ending.outcome for ending in endings]), state)


def spread_labels(labels: torch.Tensor, ended: torch.Tensor, unfinished: int) -> torch.Tensor:
    """Give each step the label of its episode.

    Args:
        labels: int64 [T, N], or probabilities float [T, N, L]; read where an episode ended.
        ended: bool [T, N], the episode ended at this step.
        unfinished: The label of steps whose episode does not end.

    Returns:
        The same type and shape.
    """
    open_label = torch.tensor(unfinished, device=labels.device)
    if labels.is_floating_point():
        open_label = functional.one_hot(open_label, labels.shape[2]).to(labels.dtype)
    current, spread = open_label.expand(labels.shape[1:]), []
    here = ended.view(*ended.shape, *(1,) * (labels.dim() - 2))
    for ends, label in zip(reversed(here.unbind()), reversed(labels.unbind()), strict=True):
        current = torch.where(ends, label, current)
        spread.append(current)
    return torch.stack(spread[::-1])
