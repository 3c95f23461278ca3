"""What a policy does: exactly where the world is small, else by Monte Carlo with intervals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from routed_agents.policies.policy import Policy
from routed_envs.errors import InputError
from routed_envs.worlds import World
from routed_rl.evaluation.exact import MAX_STATES, Evaluator, is_listable, same_states
from routed_rl.evaluation.record import Actor, Evaluation, Steerable, SteerableT
from routed_rl.evaluation.sampled import monte_carlo


def evaluate(
    policy: Actor,
    oversight: float | None = None,
    *,
    world: World[Any] | None = None,
    exact: bool | None = None,
    episodes: int = 10_000,
    deterministic: bool = False,
    seed: int = 0,
) -> Evaluation:
    """How a policy behaves on average, under its present steering.

    Args:
        policy: From `load_policy` or `train`, steered or not; or anything with
            `action_probabilities`.
        oversight: The world's oversight, 0 to 1; the one it was trained with if None.
        world: Where to evaluate; the policy's own world if None.
        exact: Dynamic programming (True), Monte Carlo (False), or whichever the world's size
            allows (None).
        episodes: Episodes of a Monte Carlo evaluation, at least 2.
        deterministic: Take the likeliest action instead of sampling.
        seed: Of the Monte Carlo evaluation.

    Returns:
        The figures; `exact` says how they were found.

    Raises:
        InputError: An oversight outside 0 to 1, too few episodes, no world, or one too large
            for an exact evaluation that was asked for.
    """
    world = getattr(policy, "world", None) if world is None else world
    if world is None:
        raise InputError("This policy carries no world. Give one: evaluate(policy, world=...).")
    if oversight is not None:
        world = world.with_oversight(oversight)
    if exact is None:
        exact = is_listable(world)
    if exact:
        return Evaluator(world).evaluate(policy, [world], deterministic)[0]
    return monte_carlo(policy, world, episodes, deterministic, seed)


def oversight_levels(world: World[Any]) -> dict[str, World[Any]]:
    """A world as it is, and as it would be if nobody or everybody watched.

    Args:
        world: The one that a policy was trained in.

    Returns:
        `unwatched` (oversight 0), `training` (the world itself) and `watched` (oversight 1).
    """
    return {
        "unwatched": world.with_oversight(0.0),
        "training": world,
        "watched": world.with_oversight(1.0),
    }


def evaluate_steerings(
    policy: Policy,
    worlds: Mapping[str, World[Any]],
    *,
    max_states: int = MAX_STATES,
    episodes: int = 10_000,
    evaluator: Evaluator | None = None,
) -> dict[str, dict[str, Evaluation]]:
    """The figures of the unsteered policy and of each expert in several worlds.

    Worlds that differ in oversight only are evaluated together.

    Args:
        policy: Its own steering does not matter.
        worlds: By names of your choice; `oversight_levels` gives the usual ones.
        max_states: Worlds with more states are evaluated by Monte Carlo.
        episodes: Episodes of a Monte Carlo evaluation.
        evaluator: Of the worlds, if somebody has it already.

    Returns:
        By the world's name, then by the steering's, as `steerings` names them.
    """
    found: dict[str, dict[str, Evaluation]] = {name: {} for name in worlds}
    for first in worlds:
        if found[first]:
            continue  # Another world had the same states.
        group = {n: world for n, world in worlds.items() if same_states(world, worlds[first])}
        if not is_listable(worlds[first], max_states):
            evaluator = None
        elif evaluator is None or not same_states(evaluator.world, worlds[first]):
            evaluator = Evaluator(worlds[first])
        for who, actor in steerings(policy).items():
            if evaluator is not None:
                figures = evaluator.evaluate(actor, group.values())
            else:
                sampled = {"exact": False, "episodes": episodes}
                figures = [evaluate(actor, world=world, **sampled) for world in group.values()]
            for name, evaluation in zip(group, figures, strict=True):
                found[name][who] = evaluation
    return found


def steerings(policy: SteerableT) -> dict[str, SteerableT]:
    """The unsteered policy and each expert by name, and the one that is deployed.

    A policy with one expert has only that one. Where the deployed policy is none of the others, it
    is called `deployed`.
    """
    if len(policy.experts) == 1:
        return {policy.experts[0]: policy.steer(None)}
    named = {"mixture": policy.steer(None)} | {name: policy.steer(name) for name in policy.experts}
    return named | {deployed_actor(policy): policy.steer(policy.deploy)}


def deployed_actor(policy: Steerable) -> str:
    """The name that the method's own steering has among `steerings`."""
    if policy.deploy is None:
        return policy.experts[0] if len(policy.experts) == 1 else "mixture"
    return policy.deploy if isinstance(policy.deploy, str) else "deployed"
