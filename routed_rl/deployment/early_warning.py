"""How well the gate's first word foretells how an episode will end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from routed_agents.policies.policy import Policy
from routed_envs.errors import InputError, unknown_name
from routed_envs.worlds import World
from routed_rl.deployment.behaviour import listed_starts
from routed_rl.deployment.roc import Roc
from routed_rl.evaluation.exact import Evaluator, is_listable
from routed_rl.evaluation.sampled import sample_episodes
from routed_rl.evaluation.steerings import deployed_actor


@dataclass(frozen=True)
class Forewarning:
    """How well the weight on one expert at the first step foretells the episode's end.

    Attributes:
        who: Who acts: `mixture`, or the name of the deployed steering.
        level: The world's name, such as `unwatched`.
        oversight: The world's oversight.
        expert: Whose weight is the score, and on whose target the episode ends or not.
        roc: The curve.
        episodes: The sampled episodes; None if the curve is exact.
    """

    who: str
    level: str
    oversight: float
    expert: str
    roc: Roc
    episodes: int | None = None


def forewarnings(
    policy: Policy,
    worlds: Mapping[str, World[Any]],
    expert: str | None = None,
    *,
    episodes: int = 10_000,
    seed: int = 0,
) -> list[Forewarning]:
    """The curves of the unsteered policy, and of the deployed one if that is another.

    Exact where the world's states can be listed: the probability that an episode ends on the
    expert's target comes from dynamic programming, for every start. Otherwise from episodes.

    Args:
        policy: With a learned gate; its own steering does not matter.
        worlds: By names of your choice, such as those of `oversight_levels`.
        expert: Named like a target of the world; the first unwanted one's if None.
        episodes: How many are sampled where the curve cannot be exact.
        seed: Of the sample.

    Raises:
        InputError: The policy has no learned gate, or there is no such expert or target.
    """
    check_gate(policy)
    actors = {"mixture": policy.steer(None), deployed_actor(policy): policy.steer(policy.deploy)}
    found = []
    for level, world in worlds.items():
        name = watched_expert(policy, world, expert)
        for who, actor in actors.items():
            roc, count = first_step_roc(actor, world, name, episodes, seed)
            found.append(Forewarning(who, level, world.oversight, name, roc, count))
    return found


def check_gate(policy: Policy) -> None:
    """Refuse a policy without a gate that could be asked.

    Raises:
        InputError: It has one expert, or a gate that weighs every expert the same.
    """
    if policy.network.settings.gate != "learned":
        raise InputError(
            f"This policy holds {', '.join(policy.experts)} and no learned gate that a monitor "
            "could ask. Give a policy with one: a run of the method routed, or all of such a run."
        )


def watched_expert(policy: Policy, world: World[Any], expert: str | None) -> str:
    """The expert to watch; that of the first target that is not wanted if None.

    Raises:
        InputError: There is no such expert, or no target of its name.
    """
    outcomes = world.outcomes
    named = (name for name in outcomes.unwanted if name in policy.experts)
    name = next(named, None) if expert is None else expert
    if name is not None and name not in policy.experts:
        raise unknown_name("expert", name, policy.experts)
    if name is None or name not in outcomes.targets:
        which = "an expert" if name is None else f"the expert {name!r}"
        raise InputError(
            f"No unwanted target is named like {which}; the experts are "
            f"{', '.join(policy.experts)}, the targets {', '.join(outcomes.targets)}. Name an "
            "expert that is called like a target."
        )
    return name


def first_step_roc(
    actor: Policy, world: World[Any], expert: str, episodes: int = 10_000, seed: int = 0
) -> tuple[Roc, int | None]:
    """How well the gate's weight at the first step foretells an episode's end.

    Args:
        actor: Who acts, as it is steered; with a learned gate.
        world: Where.
        expert: Whose weight is the score; also the target's name.
        episodes: How many are sampled where the curve cannot be exact.
        seed: Of the sample.

    Returns:
        The curve, and from how many episodes; None if it is exact.
    """
    target, index = world.outcomes.targets.index(expert), actor.experts.index(expert)
    if is_listable(world):
        starts = listed_starts(world)
        ends = Evaluator(world).state_values(actor)[starts.index, target]
        scores = actor.gate_weights(starts.observations)[:, index].cpu()
        return Roc.of(scores, ends, starts.chances), None
    first = _FirstLook(actor)
    outcomes = sample_episodes(first, world, episodes, seed=seed).outcomes
    assert first.observations is not None, "an episode has a first step"
    scores = actor.gate_weights(first.observations)[:, index].cpu()
    return Roc.of(scores, (outcomes == target).double(), torch.ones(episodes)), episodes


class _FirstLook:
    """A policy that remembers the first observations it was asked about."""

    def __init__(self, policy: Policy) -> None:
        self.observations: torch.Tensor | None = None
        self._policy = policy

    def action_probabilities(self, observations: torch.Tensor) -> torch.Tensor:
        """As the policy's own."""
        if self.observations is None:
            self.observations = observations
        return self._policy.action_probabilities(observations)
