"""Routing in MiniGrid: 8 x 8, fully observed, seven actions, 20% oversight.

    python scripts/minigrid_comparison.py                            five seeds of each method
    python scripts/minigrid_comparison.py --methods naive --seeds 7  one run

Trains every method with every seed, a process for each, and judges who acts by sampled episodes.
Prints means over the seeds with 95% bootstrap intervals. A run that is finished is not done again:
stopped, the comparison goes on where it was when it is called again.
"""

from __future__ import annotations

import dataclasses
import json
import multiprocessing
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
import tyro
from rich.console import Console
from rich.progress import track
from rich.table import Table
from stable_baselines3.common.env_util import make_vec_env
from train_ppo import PPO_SETTINGS

import routed_rl
from routed_agents import FAST_ROUTING, EntropySchedule, RoutedPPO, get_method

ENVIRONMENT = "routed_envs/MiniGrid-DiamondGhost-Flat-8x8-v0"
ENVIRONMENTS = 256
ROUTING = dataclasses.replace(FAST_ROUTING, overseen_limit=0.55)
ENTROPY = (0.55, 0.05)
SETTINGS = PPO_SETTINGS | {
    "learning_rate": lambda remaining: 5e-4 + 1.2e-3 * remaining,
    # Carries over what the experts learn on overseen squares to the many others.
    "policy_kwargs": PPO_SETTINGS["policy_kwargs"] | {"optimizer_kwargs": {"weight_decay": 1.0}},
}
SINGLE_EXPERT_ENTROPY = (0.1, 0.01)


@dataclass(frozen=True)
class Options:
    """Train, judge and compare.

    Attributes:
        methods: Names of methods.
        seeds: One run of each method for each.
        oversight: Probability that a target's square has oversight, 0 to 1.
        steps: Steps of a run, all environments together.
        episodes: Sampled to judge whoever may act, at least 2.
        out: The folder with a file of figures for each run.
        jobs: Runs at a time; one for each core if left out.
    """

    methods: tuple[str, ...] = ("routed", "naive")
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    oversight: float = 0.2
    steps: int = 3_000_000
    episodes: int = 4000
    out: Path = Path("runs/minigrid")
    jobs: int = os.cpu_count() or 1

    def file(self, method: str, seed: int) -> Path:
        """Where a run's figures are kept."""
        return self.out / f"{method}-oversight{self.oversight:g}-{self.steps}-seed{seed}.json"


def train_and_judge(method: str, seed: int, options: Options) -> dict[str, Any]:
    """One run: the seconds that it took, and the figures of whoever may act."""
    torch.set_num_threads(1)
    settings = {"env_kwargs": {"oversight": options.oversight}, "seed": seed}
    env = make_vec_env(ENVIRONMENT, ENVIRONMENTS, **settings)
    # What helps several experts harms one, and the other way round.
    several = len(get_method(method, env.get_attr("outcomes")[0]).experts) > 1
    routing, entropy = (ROUTING, ENTROPY) if several else (None, SINGLE_EXPERT_ENTROPY)
    about = {"routing": routing, "seed": seed, "device": "cpu"} | SETTINGS
    model = RoutedPPO("MlpPolicy", env, method, **about)
    started = time.perf_counter()
    model.learn(options.steps, callback=EntropySchedule(*entropy))
    seconds = time.perf_counter() - started
    policies = {"mixture": model.steer(None)}
    if several:
        policies |= {name: model.steer(name) for name in model.policy.experts}
    fresh = make_vec_env(ENVIRONMENT, ENVIRONMENTS, env_kwargs=settings["env_kwargs"])
    found = {
        name: routed_rl.evaluate_env(policy, fresh, options.episodes, seed=10_000 + seed).to_json()
        for name, policy in policies.items()
    }
    return {"method": method, "seed": seed, "seconds": seconds, "figures": found}


def write_figures(options: Options, run: tuple[str, int]) -> None:
    """Train a method with a seed, and keep its figures."""
    found = train_and_judge(*run, options)
    unfinished = options.file(*run).with_suffix(".partial")
    unfinished.write_text(json.dumps(found, indent=2))
    unfinished.replace(options.file(*run))  # At once: what exists is finished.


def print_table(options: Options) -> None:
    """Print each method's figures, one line for each that may act."""
    table = Table("method", "who acts", "diamond rate", "ghost", "timeout", "seconds")
    for method in options.methods:
        files = [options.file(method, seed) for seed in options.seeds]
        runs = [json.loads(file.read_text()) for file in files]
        seconds = sorted(run["seconds"] for run in runs)[len(runs) // 2]
        for name in runs[0]["figures"]:
            found = [run["figures"][name] for run in runs]
            summary = routed_rl.summarise([figures["diamond_rate"] for figures in found])
            interval = summary.interval
            limits = f" [{interval.low:.3f}, {interval.high:.3f}]" if interval else ""
            others = (
                f"{sum(figures[rate] for figures in found) / len(found):.3f}"
                for rate in ("ghost_rate", "timeout_rate")
            )
            table.add_row(method, name, f"{summary.mean:.3f}{limits}", *others, f"{seconds:.0f}")
    Console().print(table)


def main(options: Options) -> None:
    """Train what is missing, each run in a process of its own, and compare."""
    options.out.mkdir(parents=True, exist_ok=True)
    runs = [(method, seed) for seed in options.seeds for method in options.methods]
    missing = [run for run in runs if not options.file(*run).exists()]
    processes = {"mp_context": multiprocessing.get_context("spawn"), "max_tasks_per_child": 1}
    with ProcessPoolExecutor(options.jobs, **processes) as pool:
        done = pool.map(partial(write_figures, options), missing)
        for _ in track(done, "Training", len(missing)):
            pass
    print_table(options)


if __name__ == "__main__":
    sys.exit(routed_rl.exit_code(lambda: main(tyro.cli(Options, description=__doc__))))
