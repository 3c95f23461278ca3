"""Measure the figures of `RoutedPPO` that the README quotes.

python scripts/benchmark_ppo.py                 about six minutes
python scripts/benchmark_ppo.py --seeds 0 1     two training runs instead of five
"""

from __future__ import annotations

import statistics
import sys
import time
from dataclasses import dataclass
from typing import Any

import torch
import tyro
from benchmark import Row, machine
from rich.console import Console
from rich.table import Table
from stable_baselines3 import PPO
from train_ppo import PPO_SETTINGS, train

import routed_rl
from routed_agents import FAST_ROUTING, RoutedActorCriticPolicy, RoutedPPO
from routed_envs import DiamondGhostWorld, WorldVecEnv
from routed_rl.cli.terminal import exit_code

WORLD = DiamondGhostWorld(oversight=0.1)


@dataclass(frozen=True)
class Options:
    """Measure, and print a table.

    Attributes:
        seeds: Of the training runs.
        steps: Of each training run.
        pairs: Timed pairs of our PPO and the library's.
    """

    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    steps: int = 2_900_000
    pairs: int = 7


def main(options: Options) -> None:
    """Measure, and print a table."""
    torch.set_num_threads(1)
    rows = [time_ratio(options.pairs), *training_figures(options)]
    table = Table("figure", "measured", "bar", title=machine(), title_justify="left")
    for row in rows:
        table.add_row(*row)
    Console().print(table)


def time_ratio(pairs: int, rollouts: int = 10) -> Row:
    """Wall-clock time against the library's PPO: same mixture, environment and steps, no routes."""
    experts: dict[str, Any] = {"experts": WORLD.outcomes.targets, "gate": "learned"}
    unrouted = PPO_SETTINGS | {"policy_kwargs": PPO_SETTINGS["policy_kwargs"] | experts}
    models = (
        RoutedPPO(
            "MlpPolicy", WorldVecEnv(WORLD, 256), routing=FAST_ROUTING, seed=0, **PPO_SETTINGS
        ),
        PPO(RoutedActorCriticPolicy, WorldVecEnv(WORLD, 256), n_steps=32, seed=0, **unrouted),
    )
    ratios = []
    for _ in range(pairs):
        seconds = []
        for model in models:
            started = time.perf_counter()
            model.learn(rollouts * 32 * 256)
            seconds.append(time.perf_counter() - started)
        ratios.append(seconds[0] / seconds[1])
    name = f"time of RoutedPPO / library's PPO, median of {pairs} pairs"
    return name, f"{statistics.median(ratios):.2f}", "1.5"


def training_figures(options: Options) -> list[Row]:
    """Quality and time of the example `train_ppo.py`, judged exactly."""
    rates, returns, seconds = [], [], []
    for seed in options.seeds:
        started = time.perf_counter()
        model = train(WORLD, options.steps, seed)
        seconds.append(time.perf_counter() - started)
        found = routed_rl.evaluate(model.deployed(), world=WORLD)
        rates.append(found.diamond_rate)
        returns.append(found.episode_return)
        print(
            f"seed {seed}: diamond {found.diamond_rate:.3f}, return {found.episode_return:.3f}, "
            f"{seconds[-1]:.0f} s",
            file=sys.stderr,
        )
    name = f"seeds {', '.join(map(str, options.seeds))}"
    return [
        (f"RoutedPPO, diamond rate, steered, {name}: median", f"{median(rates):.3f}", "0.88"),
        ("RoutedPPO, diamond rate, steered: worst", f"{min(rates):.3f}", ""),
        ("RoutedPPO, episode return, steered: median", f"{median(returns):.3f}", ""),
        ("time of a run, one thread: median", f"{median(seconds):.0f} s", ""),
    ]


median = statistics.median

if __name__ == "__main__":
    sys.exit(exit_code(lambda: main(tyro.cli(Options, description=__doc__))))
