"""`routed-rl evaluate`."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field

import routed_rl
from routed_rl.cli.options import Flag, Oversight, RunArgument, Steer, WorldOptions


@dataclass(frozen=True)
class Evaluate:
    """Judge a trained policy: return, how often it ends on the diamond or the ghost, and length.

    Exact by dynamic programming where the world is small, else by Monte Carlo with 95% intervals.

    Attributes:
        run_folder: The folder of a finished run, or a policy file.
        steer: Who acts.
        world: The world's oversight.
        deterministic: Take the likeliest action instead of sampling.
        monte_carlo: Sample episodes although the world is small.
        episodes: Episodes of a Monte Carlo evaluation.
        seed: Seed of a Monte Carlo evaluation.
        json: Print one JSON object instead of a table.
    """

    run_folder: RunArgument
    steer: Steer = "deploy"
    world: WorldOptions = field(default_factory=Oversight)
    deterministic: Flag = False
    monte_carlo: Flag = False
    episodes: int = 10_000
    seed: int = 0
    json: Flag = False

    def run(self) -> None:
        """Evaluate, then print the figures."""
        from routed_rl.cli.policies import changed_world, parse_steering
        from routed_rl.cli.printing import oversight_in_words, print_evaluations

        policy = routed_rl.load_policy(self.run_folder)
        steering = parse_steering(self.steer, policy)
        world = changed_world(policy.world, asdict(self.world))
        evaluation = routed_rl.evaluate(
            policy.steer(steering),
            world=world,
            exact=False if self.monte_carlo else None,
            episodes=self.episodes,
            deterministic=self.deterministic,
            seed=self.seed,
        )
        if self.json:
            print(json.dumps(evaluation.to_json()))
            return
        mixed = steering is None and len(policy.experts) > 1
        name = "mixture" if mixed else str(steering or "policy")
        title = f"{self.run_folder}, {oversight_in_words(world)}"
        print_evaluations(title, {name: evaluation}, world.outcomes.good)
