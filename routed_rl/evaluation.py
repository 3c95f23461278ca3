"""What a policy does: exactly where the world is small, else by Monte Carlo with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from routed_agents.policy import Policy
from routed_envs.errors import InputError
from routed_envs.interface import World
from routed_rl.exact import MAX_STATES, Evaluator, is_listable
from routed_rl.figures import Actor, Evaluation
from routed_rl.monte_carlo import monte_carlo


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
        level = world.oversight
        return Evaluator(world).evaluate(policy, [level], deterministic)[0]
    return monte_carlo(policy, world, episodes, deterministic, seed)


def evaluate_steerings(
    policy: Policy,
    oversights: Sequence[float],
    *,
    max_states: int = MAX_STATES,
    episodes: int = 10_000,
) -> dict[float, dict[str, Evaluation]]:
    """The figures of the unsteered policy and of each expert, under several oversights.

    Args:
        policy: Its own steering does not matter.
        oversights: Each from 0 to 1.
        max_states: Worlds with more states are evaluated by Monte Carlo.
        episodes: Episodes of a Monte Carlo evaluation.

    Returns:
        By oversight, then by name: `mixture` and each expert's, or `policy` where there is one.
    """
    world, policies = policy.world, steerings(policy)
    if is_listable(world, max_states):
        evaluator = Evaluator(world)
        columns = {name: evaluator.evaluate(p, oversights) for name, p in policies.items()}
    else:
        columns = {
            name: [evaluate(p, level, exact=False, episodes=episodes) for level in oversights]
            for name, p in policies.items()
        }
    return {
        oversight: {name: column[index] for name, column in columns.items()}
        for index, oversight in enumerate(oversights)
    }


def steerings(policy: Policy) -> dict[str, Policy]:
    """The unsteered policy and each expert by name; `policy` where there is one expert."""
    if len(policy.experts) == 1:
        return {policy.experts[0]: policy.steer(None)}
    return {"mixture": policy.steer(None), **{name: policy.steer(name) for name in policy.experts}}
