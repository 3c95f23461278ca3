"""`routed-rl evaluate`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Annotated

import routed_rl
from routed_rl.cli.options import (
    Flag,
    Oversight,
    OwnEnv,
    OwnWorld,
    RunArgument,
    Steer,
    WorldOptions,
    optional,
)
from routed_rl.cli.terminal import working
from routed_rl.screen import print_json

if TYPE_CHECKING:
    from routed_agents import Steering
    from routed_rl import EnvironmentRun, Evaluation

    Judged = tuple[str, str, Evaluation, tuple[str, ...]]
    """The oversight in words, who acts, the figures, and the good outcomes."""


@dataclass(frozen=True)
class Evaluate:
    """Judge a trained policy: return, how often its episodes end how, and their length.

    Exact by dynamic programming where the world is small, else by Monte Carlo with 95% intervals,
    as in every environment.

    Attributes:
        run_folder: The folder of a finished run, or a policy file.
        steer: Who acts.
        world: The world's oversight.
        deterministic: Take the likeliest action instead of sampling.
        monte_carlo: Sample episodes although the world is small.
        episodes: Episodes of a Monte Carlo evaluation. Left out, 10,000 in a world, and in an
            environment as many as when the run ended.
        seed: Seed of a Monte Carlo evaluation.
        json: Print one JSON object instead of a table: `steer`, `oversight`, whether it is `exact`,
            the figures, the `labels`, and of sampled figures the `episodes` and `intervals`.
    """

    run_folder: RunArgument
    steer: Steer = "deploy"
    own_world: OwnWorld = None
    own_env: OwnEnv = None
    world: WorldOptions = field(default_factory=Oversight)
    deterministic: Flag = False
    monte_carlo: Flag = False
    episodes: Annotated[int | None, optional("N")] = None
    seed: int = 0
    json: Flag = False

    def run(self) -> None:
        """Evaluate, then print the figures."""
        from routed_rl.cli.policies import environment_run

        run = environment_run(self.run_folder, self.own_world, self.own_env)
        with working("Following episodes to their end"):
            title, name, evaluation, good = self._in_world() if run is None else self._in(run)
        if self.json:
            print_json(evaluation.to_json())
            return
        from routed_rl.cli.printing import print_evaluations

        print_evaluations(f"{self.run_folder}, {title}", {name: evaluation}, good)

    def _in_world(self) -> Judged:
        """The figures in the policy's world."""
        from routed_rl.cli.policies import changed_world, load_with_world, parse_steering
        from routed_rl.cli.printing import oversight_in_words

        policy = load_with_world(self.run_folder, self.own_world)
        steering = parse_steering(self.steer, policy.deploy, policy.experts)
        world = changed_world(policy.world, asdict(self.world))
        evaluation = routed_rl.evaluate(
            policy.steer(steering),
            world=world,
            exact=False if self.monte_carlo else None,
            episodes=10_000 if self.episodes is None else self.episodes,
            deterministic=self.deterministic,
            seed=self.seed,
        )
        name = actor_name(steering, policy.experts)
        return oversight_in_words(world), name, evaluation, world.outcomes.good

    def _in(self, run: EnvironmentRun) -> Judged:
        """The figures in the run's environment."""
        from routed_rl.cli.policies import only_oversight, parse_steering
        from routed_rl.environments.environment_judging import judge_steerings
        from routed_rl.environments.generators import drawn_from

        policy, config = run.policy, run.config
        steering = parse_steering(self.steer, policy.deploy, policy.experts)
        oversight = only_oversight(asdict(self.world), config.env, config.oversight)
        name = actor_name(steering, policy.experts)
        with drawn_from(self.seed):
            found = judge_steerings(
                config,
                policy,
                oversight,
                self.episodes,
                actors={name: policy.steer(steering)},
                deterministic=self.deterministic,
                seed=self.seed,
            )
        return f"oversight {oversight:g}", name, found[name], run.outcomes.good


def actor_name(steering: Steering, experts: Sequence[str]) -> str:
    """Who acts, in a word."""
    return "mixture" if steering is None and len(experts) > 1 else str(steering or "policy")
