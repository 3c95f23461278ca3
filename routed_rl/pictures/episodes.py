"""Episodes to look at: every moment, and the likelihood of every step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from routed_agents.policies.policy import Policy
from routed_agents.rollout import sample_actions
from routed_envs.gridworld.world import DiamondGhostWorld, GridState
from routed_envs.worlds import map_states
from routed_rl.evaluation.sampled import seeded

ACTION_NAMES = ("up", "right", "down", "left")


@dataclass(frozen=True)
class Frame:
    """One moment of an episode.

    Attributes:
        episode: Its number, from 0.
        step: The steps taken so far.
        state: The environment alone (N = 1).
        gate: The gate's weight on the first expert, 0 to 1; None for a policy with one expert.
        action: The action that led here; None at the start.
        likelihood: The probability with which the policy chose it, 0 to 1; None at the start.
        outcome: The outcome's name, `unfinished` before the last frame.
        label: What the overseer knows, `unfinished` before the last frame.
    """

    episode: int
    step: int
    state: GridState
    gate: float | None
    action: str | None
    likelihood: float | None
    outcome: str
    label: str


@dataclass(frozen=True)
class Walk:
    """N episodes side by side, for T steps; what follows an episode's end has no meaning.

    Attributes:
        states: T + 1 states of N environments.
        actions: int64 [T, N].
        likelihoods: float [T, N], of the actions.
        outcomes: int64 [T, N], codes of `Outcomes`.
        labels: int64 [T, N], codes of `Outcomes`.
        lengths: int64 [N], the steps of each episode.
    """

    states: list[GridState]
    actions: torch.Tensor
    likelihoods: torch.Tensor
    outcomes: torch.Tensor
    labels: torch.Tensor
    lengths: torch.Tensor

    @property
    def endings(self) -> torch.Tensor:
        """How each episode ended, int64 [N]."""
        return self.outcomes.gather(0, self.lengths.unsqueeze(0) - 1).squeeze(0)


def record(
    policy: Policy,
    world: DiamondGhostWorld,
    episodes: int,
    seed: int = 0,
    deterministic: bool = False,
    start: GridState | None = None,
) -> list[Frame]:
    """Let a policy act, and keep every moment.

    Args:
        policy: Steered or not.
        world: Where it acts.
        episodes: How many episodes, at least 1.
        seed: Decides the starts and the actions.
        deterministic: Take the likeliest action instead of sampling.
        start: Where the episodes start, one state for each (or N = 1, for all); by chance if None.

    Returns:
        The frames, episode after episode.
    """
    found = walk(policy, world, episodes, seeded(seed), deterministic, start)
    return frames_of(found, policy, world, range(episodes))


def _starts(
    world: DiamondGhostWorld, count: int, generator: torch.Generator, start: GridState | None
) -> GridState:
    """That many starts: those given, all alike if it is one, or drawn by chance."""
    if start is None:
        return world.place(torch.rand((count, world.random_numbers), generator=generator))
    if len(start.agent) == count:
        return start
    return map_states(lambda tensor: tensor.expand(count, *tensor.shape[1:]), start)


def walk(
    policy: Policy,
    world: DiamondGhostWorld,
    count: int,
    generator: torch.Generator,
    deterministic: bool,
    start: GridState | None,
) -> Walk:
    """Act from that many starts until every episode is over; `start` is as for `record`."""
    state = _starts(world, count, generator, start)
    states, moments = [state], []
    lengths = torch.zeros(count, dtype=torch.int64)
    running = torch.ones(count, dtype=torch.bool)
    while running.any():
        probabilities = policy.action_probabilities(world.observe(state)).cpu()
        sampled = sample_actions(probabilities, torch.rand(count, generator=generator))
        actions = probabilities.argmax(1) if deterministic else sampled
        likelihoods = probabilities.gather(1, actions.unsqueeze(1)).squeeze(1)
        state, ending = world.advance(state, actions)
        states.append(state)
        moments.append((actions, likelihoods, ending.outcome, ending.label))
        lengths += running
        running = running & ~ending.ended
    columns = [torch.stack(column) for column in zip(*moments, strict=True)]
    actions, likelihoods, outcomes, labels = columns
    return Walk(states, actions, likelihoods, outcomes, labels, lengths)


def frames_of(
    walk: Walk,
    policy: Policy,
    world: DiamondGhostWorld,
    chosen: Sequence[int],
    first: int = 0,
) -> list[Frame]:
    """Every moment of the chosen ones of N episodes; they are numbered from `first` on."""
    frames = []
    for episode, index in enumerate(chosen, first):
        length = int(walk.lengths[index])
        states = [_alone(state, index) for state in walk.states[: length + 1]]
        gates = _gates(policy, torch.cat([world.observe(state) for state in states]))
        for step, (state, gate) in enumerate(zip(states, gates, strict=True)):
            frames.append(_frame(walk, world, index, step, state, gate, episode))
    return frames


def _alone(state: GridState, index: int) -> GridState:
    return map_states(lambda tensor: tensor[index : index + 1], state)


def _gates(policy: Policy, observations: torch.Tensor) -> list[float | None]:
    """The gate's weight on the first expert at each observation."""
    if len(policy.experts) == 1:
        return [None] * len(observations)
    return policy.gate_weights(observations)[:, 0].tolist()


def _frame(
    walk: Walk,
    world: DiamondGhostWorld,
    index: int,
    step: int,
    state: GridState,
    gate: float | None,
    episode: int,
) -> Frame:
    names, unfinished = world.outcomes.labels, world.outcomes.labels[world.outcomes.unfinished]
    if step == 0:
        return Frame(episode, 0, state, gate, None, None, unfinished, unfinished)
    place = (step - 1, index)
    return Frame(
        episode=episode,
        step=step,
        state=state,
        gate=gate,
        action=ACTION_NAMES[int(walk.actions[place])],
        likelihood=float(walk.likelihoods[place]),
        outcome=names[int(walk.outcomes[place])],
        label=names[int(walk.labels[place])],
    )
