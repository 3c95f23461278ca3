"""Methods of your own, as values: routing that is soft, and responsibilities that are cautious.

`soft_routing` changes a table: an overseen episode teaches its own expert in full, and the other
one a little. `cautious` is a function that says whose an ending is that nobody saw:

    routed-rl train --method scripts.custom_method:cautious_inferred --out runs/cautious
    routed-rl sweep --methods inferred scripts.custom_method:cautious_inferred --out sweeps/own
    routed-rl methods scripts.custom_method:soft_routing scripts.custom_method:cautious_inferred

Run as a program, it trains the second one for a short while from Python.
"""

from __future__ import annotations

import dataclasses

import torch

import routed_rl
from routed_agents import Method, Responsibilities, Rollout, get_method, policy_belief
from routed_envs import DiamondGhostWorld, Outcomes

LEAK = 0.2
"""The gradient weight of the experts that are not an overseen episode's own."""
DOUBT = 0.1
"""The share of an unseen episode that is split evenly, whatever is believed."""


def soft_routing(outcomes: Outcomes) -> Method:
    """The table of `routed`, in which closed paths let a little through.

    Args:
        outcomes: The world's, so that the method serves any number of targets.
    """
    routed = get_method("routed", outcomes)
    rows = dict(routed.rows)
    for target in outcomes.targets:
        weights = tuple(max(LEAK, weight) for weight in rows[target].experts)
        rows[target] = dataclasses.replace(rows[target], experts=weights)
    return dataclasses.replace(
        routed,
        name="soft-routing",
        summary=f"As `routed`, but closed experts learn with weight {LEAK}.",
        rows=rows,
    )


def cautious(
    rollout: Rollout,
    where: torch.Tensor,
    memory: dict[str, torch.Tensor],
    generator: torch.Generator,
) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """Whose the endings are at bool [T, N] `where`, float [M, experts]: never quite certain.

    Args:
        rollout: What the learner may see of T steps in N environments, and the policy that acted.
        where: The steps at which an episode ended on a target, overseen ones among them: whatever
            is said of those is compared with their labels, and then the labels hold.
        memory: Tensors by name that are kept from rollout to rollout; to be handed back.
        generator: For whatever is drawn at random.
    """
    belief, memory = policy_belief(rollout, where, memory, generator)
    return (1 - DOUBT) * belief + DOUBT / belief.shape[1], memory


def cautious_inferred(outcomes: Outcomes) -> Method:
    """`inferred` with responsibilities that are never quite certain."""
    return dataclasses.replace(
        get_method("inferred", outcomes),
        name="cautious-inferred",
        summary=f"As `inferred`, but {DOUBT:.0%} of an unseen episode are split evenly.",
        relabel=Responsibilities(cautious),
    )


if __name__ == "__main__":
    run = routed_rl.train(
        routed_rl.TrainConfig(updates=300, evaluate_every=100),
        out="runs/cautious-inferred",
        method=cautious_inferred(DiamondGhostWorld().outcomes),
        overwrite=True,
    )
    print(routed_rl.evaluate(run.policy.steer("diamond")))
