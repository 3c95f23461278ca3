"""How well the gate's first word foretells an episode's end in any overseen environment."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing, suppress

from routed_agents.stable_baselines.checks import oversight_of
from routed_rl.deployment.early_warning import (
    Forewarning,
    at_least_one,
    sampled_roc,
    watched_actors,
    watched_expert,
    weight_on,
)
from routed_rl.deployment.roc import CertainEventError, Roc
from routed_rl.environments.environment_judging import APART, LEVELS, judging_envs
from routed_rl.environments.generators import drawn_from
from routed_rl.evaluation.environments import AnyEnv, as_vector, sample_env
from routed_rl.evaluation.record import Gated
from routed_rl.screen import More, ignored
from routed_rl.training.run import EnvironmentRun


def environment_forewarnings(
    run: EnvironmentRun,
    levels: Mapping[str, float | None] | None = None,
    expert: str | None = None,
    *,
    episodes: int | None = None,
    seed: int = 0,
    more: More = ignored,
) -> list[Forewarning]:
    """The curves of a run's unsteered policy, and of the deployed one if that is another.

    Args:
        run: Its policy has a learned gate.
        levels: The oversight, by names of your choice; nobody, as in training and everybody if
            None.
        expert: Named like a target; the first unwanted one's if None.
        episodes: Of each curve; those with which the run was judged if None.
        seed: Of the environments.
        more: Is told of each curve, as it is made.

    Raises:
        InputError: The policy has no learned gate, there is no such expert or target, or no curve.
    """
    count = run.config.evaluation_episodes if episodes is None else episodes
    found = []
    for level, given in (LEVELS if levels is None else levels).items():
        oversight = run.config.oversight if given is None else given
        with closing(judging_envs(run.config, oversight, count)) as env, drawn_from(seed):
            for who, actor in watched_actors(run.policy).items():
                with suppress(CertainEventError):
                    name, roc, played = env_roc(actor, env, expert, count, APART + seed, more)
                    found.append(Forewarning(who, level, oversight, name, roc, played))
    return at_least_one(found)


def env_roc(
    actor: Gated,
    env: AnyEnv,
    expert: str | None = None,
    episodes: int = 1000,
    seed: int = 0,
    more: More = ignored,
) -> tuple[str, Roc, int]:
    """How well the gate's weight at the first step foretells an episode's end.

    Args:
        actor: Who acts, as it is steered; with a learned gate.
        env: Where.
        expert: Whose weight is the score, named like a target; the first unwanted one's if None.
        episodes: How many at least.
        seed: Of the environment.
        more: Is told what share of the curve is done, as it is made.

    Returns:
        The expert's name, the curve, and from how many episodes.

    Raises:
        InputError: As `environment_forewarnings`.
    """
    vector = as_vector(env)
    name = watched_expert(actor, oversight_of(vector)[0], expert)
    score = weight_on(actor, name)
    sample, outcomes, _ = sample_env(actor, vector, episodes, seed=seed, score=score, more=more)
    curve = sampled_roc(sample, outcomes.targets.index(name))
    return name, curve, len(sample.lengths)
