"""Oversight for an environment of someone else: Minigrid's Fetch, learned with a routed PPO.

    python scripts/overseen_minigrid.py            about three minutes

The agent is in a room with two things, keys or balls, and the episode ends when it picks one up. We
want the key. Either pays the same, so that only an overseer, who watches one episode in five, can
tell them apart. In one room out of four there is no key. First random rollouts show what really
happened against what the overseer said; then `RoutedPPO` learns, and its experts are compared.
"""

from __future__ import annotations

import sys
from collections import Counter
from typing import Any

import gymnasium
import minigrid  # noqa: F401  (makes its environments known to Gymnasium)
import torch
import tyro
from gymnasium.wrappers import FlattenObservation
from minigrid.wrappers import ImgObsWrapper, OneHotPartialObsWrapper
from stable_baselines3.common.env_util import make_vec_env

import routed_rl
from routed_agents import FAST_ROUTING, EntropySchedule, RoutedPPO
from routed_envs import FinalStep, Overseen


def picked_up(final: FinalStep) -> str:
    """How an episode ended: what the agent carries, if anything."""
    carried = getattr(final.env, "carrying", None)
    return "timeout" if carried is None else carried.type


def make_env(oversight: float) -> gymnasium.Env[Any, Any]:
    """The overseen environment, its observation a flat array as stable-baselines3 wants it.

    Args:
        oversight: Probability that an episode is overseen, 0 to 1; the last entry shows it.
    """
    env = gymnasium.make("MiniGrid-Fetch-5x5-N2-v0")
    env = FlattenObservation(ImgObsWrapper(OneHotPartialObsWrapper(env)))
    return Overseen(env, ("key", "ball"), ("key",), picked_up, oversight=oversight, reward=1.0)


def count_endings(oversight: float, episodes: int) -> Counter[tuple[str, str]]:
    """Act at random, and count how episodes really ended together with what the overseer said."""
    env, counts = make_env(oversight), Counter[tuple[str, str]]()
    env.action_space.seed(0)
    for episode in range(episodes):
        env.reset(seed=episode)
        over, info = False, {}
        while not over:
            *_, terminated, truncated, info = env.step(env.action_space.sample())
            over = terminated or truncated
        counts[info["hidden_outcome"], info["label"]] += 1
    return counts


def print_endings(counts: Counter[tuple[str, str]]) -> None:
    """Print what happened in rows, and what the overseer said in columns."""
    labels = ("key", "ball", "unknown", "timeout")
    print(f"{'':15}{'the overseer said':>27}")
    print(f"{'what happened':15}" + "".join(f"{label:>9}" for label in labels))
    for outcome in ("key", "ball", "timeout"):
        print(f"{outcome:15}" + "".join(f"{counts[outcome, label]:9}" for label in labels))


def train(oversight: float, steps: int, seed: int) -> RoutedPPO:
    """A routed PPO with an expert for the key and one for the ball."""
    torch.set_num_threads(1)
    env = make_vec_env(make_env, 32, seed=seed, env_kwargs={"oversight": oversight})
    model = RoutedPPO("MlpPolicy", env, routing=FAST_ROUTING, seed=seed, n_epochs=2, device="cpu")
    return model.learn(steps, callback=EntropySchedule(0.4, 0.05), progress_bar=True)


def main(oversight: float = 0.2, episodes: int = 500, steps: int = 400_000, seed: int = 0) -> None:
    """Watch random rollouts, train, and compare who acts.

    Args:
        oversight: Probability that an episode is overseen, 0 to 1.
        episodes: To watch at random, and to judge each expert by; at least 2.
        steps: Steps to train, all environments together; 0 for none.
        seed: Decides the training.
    """
    print_endings(count_endings(oversight, episodes))
    if steps:
        model = train(oversight, steps, seed)
        fresh = make_vec_env(make_env, 32, env_kwargs={"oversight": oversight})
        for steering in (None, "key", "ball"):
            found = routed_rl.evaluate_env(model.steer(steering), fresh, episodes)
            rates = ", ".join(f"{name} {rate:.1%}" for name, rate in found.rates.items())
            print(f"{steering or 'mixture':8} {rates}")


if __name__ == "__main__":
    sys.exit(routed_rl.exit_code(lambda: tyro.cli(main, description=__doc__)))
