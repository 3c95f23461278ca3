"""What the options about a policy mean: who acts, and in which world."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from gymnasium import spaces

from routed_agents.methods.record import Steering
from routed_agents.policies.policy import Policy
from routed_envs.errors import InputError, unknown_name
from routed_envs.gridworld.world import DiamondGhostWorld
from routed_envs.outcomes import Outcomes
from routed_envs.worlds import World
from routed_rl.runs.run_folder import RunFolder, read_disposable
from routed_rl.training.own_world import as_in_training, own_world
from routed_rl.training.policy_file import load_policy
from routed_rl.training.run import EnvironmentRun, load_run


def environment_run(
    folder: Path, place: str | None, env: str | None = None, acts: bool = True
) -> EnvironmentRun | None:
    """The run in an environment that a folder holds; None if it holds something else.

    Args:
        folder: The run's.
        place: Of the world that was given with --world.
        env: The environment that was given with --env.
        acts: Whether the policy shall act there, for which code of the user's own is needed.

    Raises:
        InputError: It is one, and not finished or damaged, or a world was given; or it is in an
            environment of the user's own that was not given; or the given one is another.
    """
    config = read_disposable(RunFolder(folder).config).get("config")
    if not isinstance(config, dict) or "env" not in config:
        if env is not None:
            raise InputError(f"--env {env}: {folder} is no run in an environment. Leave it out.")
        return None
    if place is not None:
        raise InputError(
            f"--world {place}: {folder} is a run in {config['env']}, which needs none. Leave it "
            "out."
        )
    run = load_run(folder)
    assert isinstance(run, EnvironmentRun), "its configuration names an environment"
    own = run.config.env
    if acts and env is None and ":" in own:
        raise InputError(
            f"{folder} was trained in {own}, and nothing that a run's folder names is executed. If "
            f"that is your code, say so: --env {own}"
        )
    if env is None:
        return run
    if acts:
        _check_environment(run, env)
    return replace(run, config=replace(run.config, env=env))


def _check_environment(run: EnvironmentRun, place: str) -> None:
    """Refuse an environment in which a run's policy cannot act, or whose episodes end otherwise.

    Raises:
        InputError: Its outcomes, actions or observations are not those of training.
    """
    from routed_rl.environments.making import make_env  # Slow to import.

    env = make_env(place, run.config.oversight)
    outcomes: Outcomes = env.get_wrapper_attr("outcomes")
    env.close()
    policy = run.policy
    pairs = {
        "outcomes": (outcomes, run.outcomes),
        "actions": (env.action_space, policy.action_space),
        # Images may have been turned for the network: their channels then come first.
        "entries of an observation": tuple(
            map(spaces.flatdim, (env.observation_space, policy.observation_space))
        ),
    }
    faults = [
        f"{name}: {here}, there {there}" for name, (here, there) in pairs.items() if here != there
    ]
    if faults:
        raise InputError(
            f"--env {place} is another environment than {run.folder} was trained in. "
            f"{'; '.join(faults)}. Give that one, or one like it."
        )


def load_with_world(folder: Path, place: str | None) -> Policy:
    """The policy in a run's folder or a file, in the user's own world if its place is given.

    Raises:
        InputError: As `load_policy` and `own_world`.
    """
    return load_policy(folder, world=given_world(folder, place))


def given_world(folder: Path, place: str | None) -> World[Any] | None:
    """The user's own world with the oversight of a run's training; None if no place is given.

    Raises:
        InputError: As `own_world`.
    """
    return None if place is None else as_in_training(own_world(place), folder)


def parse_steering(text: str, deploy: Steering, experts: Sequence[str]) -> Steering:
    """What the words after --steer mean, such as `deploy` or `diamond=0.8,ghost=0.2`.

    Args:
        text: The words.
        deploy: What `deploy` stands for.
        experts: The policy's.

    Raises:
        InputError: The words mean nothing, or name no expert.
    """
    if text == "deploy":
        return deploy
    if text == "mixture":
        return None
    try:
        if "=" in text:
            pairs = (part.split("=") for part in text.split(","))
            return {name.strip(): float(weight) for name, weight in pairs}
        if text not in experts:
            return float(text)
    except ValueError:
        if "=" in text:
            raise InputError(
                f"--steer {text!r} cannot be read. Give weights such as diamond=0.8,ghost=0.2."
            ) from None
        raise unknown_name("expert", text, (*experts, "mixture", "deploy")) from None
    return text


def only_oversight(changes: Mapping[str, Any], env: str, oversight: float) -> float:
    """The oversight of an environment, which has no other kinds of it.

    Args:
        changes: As in `changed_world`.
        env: The environment's name.
        oversight: That of training.

    Raises:
        InputError: Another kind was given, or a value out of range.
    """
    kinds = {name: value for name, value in changes.items() if value is not None}
    _check_all(kinds)
    oversight = kinds.pop("oversight", oversight)
    if kinds:
        options = ", ".join("--" + name.replace("_", "-") for name in kinds)
        raise InputError(
            f"{options}: only the gridworld has such kinds of oversight, and this run is in {env}. "
            "Give --oversight alone."
        )
    return oversight


def changed_world(world: World[Any], changes: Mapping[str, Any]) -> World[Any]:
    """The world with another oversight.

    Args:
        world: The policy's.
        changes: Fields of `DiamondGhostWorld` by name; None leaves a field as it is, and a new
            `oversight` also takes the place of the targets' own.

    Raises:
        InputError: A value is out of range, or the world has no such kinds of oversight.
    """
    kinds = {name: value for name, value in changes.items() if value is not None}
    _check_all(kinds)
    if "oversight" in kinds:
        world = world.with_oversight(kinds.pop("oversight"))
    if not kinds:
        return world
    if not isinstance(world, DiamondGhostWorld):
        options = ", ".join("--" + name.replace("_", "-") for name in kinds)
        raise InputError(
            f"{options}: this policy lives in a {type(world).__name__}, and only the gridworld has "
            "such kinds of oversight. Give --oversight alone."
        )
    return dataclasses.replace(world, **kinds)


def _check_all(kinds: Mapping[str, Any]) -> None:
    """Refuse every value that is out of range, not only the first."""
    faults = []
    for name, value in kinds.items():
        try:
            DiamondGhostWorld(**{name: value})
        except InputError as error:
            faults.append(str(error))
    if faults:
        raise InputError("\n".join(faults))
