"""Making the environments that a configuration names."""

from __future__ import annotations

import difflib
import inspect
import os
import signal
from collections.abc import Callable
from functools import partial
from multiprocessing import resource_tracker
from typing import Any

import gymnasium
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.vec_env import DummyVecEnv, SubprocVecEnv, VecEnv

import routed_envs  # noqa: F401  (makes its environments known to Gymnasium)
from routed_agents.own_objects import call_own, find_object
from routed_envs.errors import InputError
from routed_envs.outcomes import Outcomes

Env = gymnasium.Env[Any, Any]
OURS = "routed_envs/"
"""Of what Gymnasium knows, the environments that come with the project begin so."""
NO_OVERSEER = (
    "does not tell how its episodes end. Give module:function, where the function returns it "
    "wrapped in routed_envs.Overseen; `routed-rl new-env my_env.py` writes such a file."
)
NEEDS = "It must take oversight=..., and return an environment in routed_envs.Overseen."


def make_env(env: str, oversight: float, render_mode: str | None = None) -> Env:
    """One environment.

    Args:
        env: An id of Gymnasium's, or module:function.
        oversight: Handed to it.
        render_mode: Handed to it too, where it shall draw itself.

    Raises:
        InputError: There is none of that name, it cannot be made, or it does not tell how its
            episodes end.
    """
    settings: dict[str, Any] = {"oversight": oversight}
    settings |= {"render_mode": render_mode} if render_mode else {}
    made = (_own if ":" in env else _registered)(env, settings)
    if not isinstance(made, gymnasium.Env):
        raise InputError(f"env {env!r} is a {type(made).__name__}. {NEEDS}")
    told = made.get_wrapper_attr("outcomes") if made.has_wrapper_attr("outcomes") else None
    if not isinstance(told, Outcomes):
        raise InputError(f"env {env!r} {NO_OVERSEER}")
    return made


def _own(place: str, settings: dict[str, Any]) -> Any:
    function = find_object(place, "env")
    if not callable(function):
        raise InputError(f"env {place!r} is a {type(function).__name__}, not a function. {NEEDS}")
    if "render_mode" in settings:
        taken = inspect.signature(function).parameters
        if not any(name == "render_mode" or p.kind is p.VAR_KEYWORD for name, p in taken.items()):
            raise InputError(
                f"env {place!r}: the function takes no render_mode, so its environment draws "
                "nothing. Let it take render_mode=None too, and hand it to gymnasium.make."
            )
    return call_own(lambda: function(**settings), place, "env", NEEDS)


def _registered(name: str, settings: dict[str, Any]) -> Any:
    if name not in gymnasium.registry:
        ours = [known for known in gymnasium.registry if known.startswith(OURS)]
        near = difflib.get_close_matches(name, gymnasium.registry, 1)
        raise InputError(
            f"There is no environment {name!r}."
            + (f" Did you mean {near[0]!r}?" if near else "")
            + f" Give one of ours ({ours[0]}, {ours[1]} and {len(ours) - 2} more), or "
            "module:function for a function of yours."
        )
    try:
        return gymnasium.make(name, **settings)
    except TypeError as error:  # An environment that has no overseer takes no oversight.
        raise InputError(f"env {name!r} {NO_OVERSEER} ({error})") from None
    except gymnasium.error.DependencyNotInstalled as error:
        raise InputError(f"env {name!r} needs a package that is not installed: {error}") from None


def make_envs(
    env: str, oversight: float, count: int, seed: int | None = None, processes: bool = False
) -> VecEnv:
    """Several environments side by side, as stable-baselines3 takes them.

    Args:
        env: As in `make_env`.
        oversight: Handed to each.
        count: How many.
        seed: Seeds them, each otherwise.
        processes: A process for each.

    Raises:
        InputError: As `make_env`.
    """
    make: Callable[[], Env] = partial(make_env, env, oversight)
    make().close()  # Refused here rather than in another process.
    if not processes:
        return make_vec_env(make, count, seed=seed, vec_env_cls=DummyVecEnv)
    resource_tracker.ensure_running()  # Else the first process starts it: Ctrl-C comes in again.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        apart = partial(_apart, env, oversight)
        return make_vec_env(apart, count, seed=seed, vec_env_cls=SubprocVecEnv)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _apart(env: str, oversight: float) -> Env:
    """An environment in a process that hears no terminal.

    Ctrl-C and a hang-up go to the run alone, which saves; they would end this process while it is
    asked for a step.
    """
    os.setsid()
    return make_env(env, oversight)
