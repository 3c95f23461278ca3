"""How well the gate's first word foretells how an episode will end."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import torch

from routed_agents.policies.policy import Policy
from routed_envs.errors import InputError, unknown_name
from routed_envs.outcomes import Outcomes
from routed_envs.worlds import World
from routed_rl.deployment.behaviour import listed_starts
from routed_rl.deployment.roc import CertainEventError, Roc
from routed_rl.evaluation.exact import Evaluator, is_listable
from routed_rl.evaluation.record import Gated, GatedT
from routed_rl.evaluation.sampled import Sample, Score, sample_episodes
from routed_rl.evaluation.steerings import deployed_actor
from routed_rl.screen import More, ignored


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
    more: More = ignored,
) -> list[Forewarning]:
    """The curves of the unsteered policy, and of the deployed one if that is another.

    There is none where episodes always, or never, end on the expert's target. Exact where the
    world's states can be listed: the probability that an episode ends on the target comes from
    dynamic programming, for every start. Otherwise from episodes.

    Args:
        policy: With a learned gate; its own steering does not matter.
        worlds: By names of your choice, such as those of `oversight_levels`.
        expert: Named like a target of the world; the first unwanted one's if None.
        episodes: How many are sampled where the curve cannot be exact.
        seed: Of the sample.
        more: Is told of each curve, as it is made.

    Raises:
        InputError: The policy has no learned gate, there is no such expert or target, or no curve.
    """
    found = []
    for level, world in worlds.items():
        name = watched_expert(policy, world.outcomes, expert)
        for who, actor in watched_actors(policy).items():
            with suppress(CertainEventError):
                roc, count = first_step_roc(actor, world, name, episodes, seed, more)
                found.append(Forewarning(who, level, world.oversight, name, roc, count))
    return at_least_one(found)


def at_least_one(found: list[Forewarning]) -> list[Forewarning]:
    """The curves, unless there are none.

    Raises:
        CertainEventError: There are none.
    """
    if not found:
        raise CertainEventError(
            "Whoever acts, the episodes always or never end on the expert's target, so there is "
            "nothing to foretell. Give another oversight or expert."
        )
    return found


def watched_actors(policy: GatedT) -> dict[str, GatedT]:
    """Whose curves are drawn: the unsteered policy, and the deployed one if that is another."""
    return {"mixture": policy.steer(None), deployed_actor(policy): policy.steer(policy.deploy)}


def gated_policy(given: Any) -> Gated:
    """The policy whose gate is asked; a model of stable-baselines3 stands for its policy.

    Raises:
        InputError: It has no gate, as `check_gate` says, or is something else.
    """
    policy = getattr(given, "policy", given)
    if not hasattr(policy, "gate_weights"):
        raise InputError(
            f"{type(given).__name__}: this has no gate to ask. Give a Policy, a RoutedPPO or "
            "RoutedA2C, or such a model's policy; a policy that was exported alone is watched by "
            "its run's: Monitor(..., gate=policy)."
        )
    check_gate(policy)
    return policy


def check_gate(policy: Gated) -> None:
    """Refuse a policy without a gate that could be asked.

    Raises:
        InputError: It has one expert, or a gate that weighs every expert the same.
    """
    if policy.gate_kind != "learned":
        raise InputError(
            f"This policy holds {', '.join(policy.experts)} and no learned gate that a monitor "
            "could ask. Give a policy with one: a run of the method inferred or routed, or all of "
            "such a run."
        )


def watched_expert(policy: Gated, outcomes: Outcomes, expert: str | None) -> str:
    """The expert to watch; that of the first target that is not wanted if None.

    Raises:
        InputError: The policy has no learned gate; there is no such expert, or no target of its
            name.
    """
    check_gate(policy)
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
    actor: Policy,
    world: World[Any],
    expert: str,
    episodes: int = 10_000,
    seed: int = 0,
    more: More = ignored,
) -> tuple[Roc, int | None]:
    """How well the gate's weight at the first step foretells an episode's end.

    Args:
        actor: Who acts, as it is steered; with a learned gate.
        world: Where.
        expert: Whose weight is the score; also the target's name.
        episodes: How many are sampled where the curve cannot be exact.
        seed: Of the sample.
        more: Is told what share of the curve is done, as it is made.

    Returns:
        The curve, and from how many episodes; None if it is exact.
    """
    target, score = world.outcomes.targets.index(expert), weight_on(actor, expert)
    if is_listable(world):
        starts = listed_starts(world)
        ends = Evaluator(world).state_values(actor)[starts.index, target]
        more(1)
        return Roc.of(score(starts.observations), ends, starts.chances), None
    sample = sample_episodes(actor, world, episodes, seed=seed, score=score, more=more)
    return sampled_roc(sample, target), episodes


def weight_on(policy: Gated, expert: str) -> Score:
    """What the policy's gate weighs an expert, by the observations."""
    index = policy.experts.index(expert)
    return lambda observations: policy.gate_weights(observations)[:, index].cpu()


def sampled_roc(sample: Sample, target: int) -> Roc:
    """How well the scores of sampled episodes foretell that they end on a target.

    Args:
        sample: N episodes, with scores.
        target: Its code.

    Raises:
        InputError: All of them end there, or none.
    """
    assert sample.scores is not None, "the gate was asked"
    events = (sample.outcomes == target).double()
    return Roc.of(sample.scores, events, torch.ones(len(events)))
