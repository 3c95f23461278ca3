"""A method of your own, as a value: routing that is soft.

An overseen episode teaches its own expert in full, and the other one a little:

    routed-rl train --method scripts.custom_method:soft_routing --out runs/soft
    routed-rl sweep --methods routed scripts.custom_method:soft_routing --seeds 3 --out sweeps/soft
    routed-rl methods scripts.custom_method:soft_routing

Run as a program, it trains the method for a short while from Python.
"""

from __future__ import annotations

import dataclasses

import routed_rl
from routed_agents import Method, get_method
from routed_envs import DiamondGhostWorld, Outcomes

LEAK = 0.2
"""The gradient weight of the experts that are not an overseen episode's own."""


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


if __name__ == "__main__":
    run = routed_rl.train(
        routed_rl.TrainConfig(updates=300, evaluate_every=100),
        out="runs/soft-routing",
        method=soft_routing(DiamondGhostWorld().outcomes),
        overwrite=True,
    )
    print(routed_rl.evaluate(run.policy.steer("diamond")))
