"""Exact evaluation by dynamic programming over every state of a small world."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch

from routed_agents.policies.policy import Policy
from routed_agents.policies.steering import Steering
from routed_envs.entries import in_full
from routed_envs.errors import InputError
from routed_envs.table_world import TableWorld, Transitions, transitions
from routed_envs.worlds import EnumerableWorld, World
from routed_rl.evaluation.record import DISCOUNT, Actor, Evaluation

MAX_STATES = 1_000_000
"""Worlds with more states are evaluated by Monte Carlo."""
PART = 4096
"""States that are shown to a policy at a time."""


def is_listable(world: World[Any], max_states: int = MAX_STATES) -> bool:
    """Whether a world is small enough for an exact evaluation."""
    count = world.state_count if isinstance(world, EnumerableWorld) else None
    return count is not None and count <= max_states


def same_states(first: World[Any], second: World[Any]) -> bool:
    """Whether two worlds differ in nothing but their oversight, and so have the same states."""
    if type(first) is not type(second):
        return False
    return first.with_oversight(0.0).settings() == second.with_oversight(0.0).settings()


class Evaluator:
    """Exact evaluation of many policies in one world, listing its states only once.

    Args:
        world: A world whose states can be listed.
        tables: The same world's, if somebody has them already.

    Attributes:
        world: The world.

    Raises:
        InputError: The world is too large, or cannot be listed at all.
    """

    def __init__(self, world: World[Any], tables: TableWorld[Any] | None = None) -> None:
        if not isinstance(world, EnumerableWorld) or not is_listable(world):
            raise InputError(
                f"The world {world!r} has too many states for an exact evaluation, which takes at "
                f"most {MAX_STATES:,}. Leave `exact` out for a Monte Carlo evaluation."
            )
        self.world = world
        self._tables = tables or TableWorld(world)

    def state_values(self, policy: Actor, deterministic: bool = False) -> torch.Tensor:
        """As the function `state_values`, for a policy of this world, float64 [S, 2 K + 2]."""
        probabilities = self._probabilities(policy, deterministic)
        return state_values(self.world, self._tables.transitions, probabilities, DISCOUNT)

    def _probabilities(self, policy: Actor, deterministic: bool) -> torch.Tensor:
        """How likely each action is in each state, float [S, A]."""
        # In parts that fit the processor's cache: half the time of one large forward pass.
        shown = self._tables.shown[: len(self._tables.transitions.outcome)]
        if isinstance(policy, Policy):
            parts = [policy.probabilities(part) for part in shown.split(PART)]
        else:
            seen = in_full(shown, self.world.observation_shape)
            parts = [policy.action_probabilities(part) for part in seen.split(PART)]
        probabilities = torch.cat(parts).cpu()
        if not deterministic:
            return probabilities
        return torch.nn.functional.one_hot(probabilities.argmax(1), self.world.actions)

    def evaluate(
        self, policy: Actor, worlds: Iterable[World[Any]], deterministic: bool = False
    ) -> list[Evaluation]:
        """The figures of one policy in several worlds, for little more than one.

        Args:
            policy: A policy for this world, steered or not.
            worlds: This world, or the same one under another oversight (see `same_states`).
            deterministic: Take the likeliest action instead of sampling.

        Returns:
            The figures, in the order of the worlds.

        Raises:
            InputError: A world has other states.
        """
        worlds = list(worlds)
        for world in worlds:
            if not same_states(world, self.world):
                raise InputError(
                    f"The world {world!r} has other states than {self.world!r}. Give worlds that "
                    "differ in oversight only, or make an Evaluator for each."
                )
        starts = torch.stack([_starts(world) for world in worlds])
        probabilities = self._probabilities(policy, deterministic)
        table, steering = self._tables.transitions, getattr(policy, "steering", None)
        means = start_values(self.world, table, probabilities, DISCOUNT, starts).tolist()
        return [_told(mean, steering, world) for mean, world in zip(means, worlds, strict=True)]


def _starts(world: World[Any]) -> torch.Tensor:
    """How likely an episode starts in each state, float64 [S]."""
    assert isinstance(world, EnumerableWorld), "a world of the same class is enumerable too"
    return world.start_probabilities()


def _told(means: list[float], steering: Steering, world: World[Any]) -> Evaluation:
    """What the columns of `start_values` say."""
    targets = world.outcomes.targets
    reached, named = means[: len(targets)], means[-len(targets) :]
    episode_return, mean_length = means[len(targets) : -len(targets)]
    timeout = max(0.0, 1 - math.fsum(reached))
    unknown = max(0.0, math.fsum(reached) - math.fsum(named))
    return Evaluation(
        steer=steering,
        oversight=world.oversight,
        exact=True,
        episode_return=episode_return,
        rates=dict(zip(targets, reached, strict=True)) | {"timeout": timeout},
        mean_length=mean_length,
        labels=dict(zip(targets, named, strict=True)) | {"timeout": timeout, "unknown": unknown},
    )


def state_values(
    world: EnumerableWorld, table: Transitions, probabilities: torch.Tensor, discount: float
) -> torch.Tensor:
    """What an episode brings from each state, on average, if it starts there.

    Backward over the steps: with k steps left, each action either ends the episode or leads to a
    state with k - 1 steps left.

    Args:
        world: A world whose states can be listed.
        table: Its transitions.
        probabilities: float [S, A], the policy's action probabilities.
        discount: 0 to 1; the first step's reward is not discounted.

    Returns:
        float64 [S, 2 K + 2]: the probability of ending on each of the K targets, the discounted
        return (+1 for a good target, -1 for another), the number of steps, then the probability
        of each of the K targets as the overseer's label.
    """
    gained, handed_on, decay = _step(world, table, probabilities, discount)
    values = gained.clone()
    for _ in range(world.max_steps - 1):
        following = torch.nn.functional.embedding_bag(
            table.next_state, values, per_sample_weights=handed_on, mode="sum"
        )
        values = gained + decay * following
    return values


def start_values(
    world: EnumerableWorld,
    table: Transitions,
    probabilities: torch.Tensor,
    discount: float,
    starts: torch.Tensor,
) -> torch.Tensor:
    """What an episode brings on average over its start: the means of `state_values`, in less time.

    Forward over the steps: how likely the episode still runs and where it is.

    Args:
        world: A world whose states can be listed.
        table: Its transitions.
        probabilities: float [S, A], the policy's action probabilities.
        discount: 0 to 1; the first step's reward is not discounted.
        starts: float64 [W, S], how likely an episode starts in each state, in W ways.

    Returns:
        float64 [W, 2 K + 2], the columns of `state_values`.
    """
    gained, handed_on, decay = _step(world, table, probabilities, discount)
    following, rows = table.next_state.flatten(), []
    for here in starts:
        means, weight = here @ gained, decay
        for _ in range(world.max_steps - 1):
            flows = (handed_on * here.unsqueeze(1)).flatten()
            here = torch.zeros_like(here).scatter_add_(0, following, flows)
            means = means + weight * (here @ gained)
            weight = weight * decay
        rows.append(means)
    return torch.stack(rows)


def _step(
    world: EnumerableWorld, table: Transitions, probabilities: torch.Tensor, discount: float
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """What one step brings, how likely each action leads on, and what a step later is worth.

    Returns:
        The columns of `state_values`, float64 [S, 2 K + 2]; float64 [S, A]; and the factor on each
        column of one more step, float64 [2 K + 2].
    """
    outcomes = world.outcomes
    targets = len(outcomes.targets)
    probabilities = probabilities.double()
    scores = torch.tensor(outcomes.scores, dtype=torch.float64)
    reached, named = (
        _mass(probabilities, codes, targets) for codes in (table.outcome, table.label)
    )
    steps = probabilities.sum(1, keepdim=True)
    gained = torch.cat((reached, (reached @ scores).unsqueeze(1), steps, named), 1)
    decay = torch.ones(gained.shape[1], dtype=torch.float64)
    decay[targets] = discount
    return gained, probabilities * (table.outcome == outcomes.unfinished), decay


def best_return(world: EnumerableWorld) -> float:
    """The highest return that any policy can have, by value iteration over the steps left.

    On average over the starts, scored and discounted as every evaluation is. The policy may know
    the state and the time, which is more than an observation shows.
    """
    table, outcomes = transitions(world), world.outcomes
    others = [0.0] * (len(outcomes.labels) - len(outcomes.targets))
    codes, following = table.outcome.t().contiguous(), table.next_state.t().contiguous()
    gained = torch.tensor((*outcomes.scores, *others), dtype=torch.float64)[codes]
    handed_on = DISCOUNT * (codes == outcomes.unfinished).double()
    values = torch.zeros(following.shape[1], dtype=torch.float64)
    for _ in range(world.max_steps):
        before, values = values, (gained + handed_on * values[following]).amax(0)
        if torch.equal(before, values):
            break  # More time is of no use.
    return float(world.start_probabilities() @ values)


def _mass(probabilities: torch.Tensor, codes: torch.Tensor, targets: int) -> torch.Tensor:
    """How likely one step gives each of the first codes, float64 [S, targets]."""
    return torch.stack([(probabilities * (codes == code)).sum(1) for code in range(targets)], 1)
