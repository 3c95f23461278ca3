"""Measure the figures of `RoutedPPO` that docs/results/speed.md quotes.

python -m scripts.benchmarks.ppo                 about six minutes
python -m scripts.benchmarks.ppo --seeds 0 1     two training runs instead of five
"""

from __future__ import annotations

import dataclasses
import statistics
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import torch
from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_vec_env

import routed_rl
from routed_agents import EntropySchedule, RoutedActorCriticPolicy, RoutedPPO
from routed_envs import DiamondGhostWorld, WorldVecEnv
from scripts.benchmarks.measure import Row, print_rows, start, timed, training_rows
from scripts.environments import cart_pole
from scripts.train_ppo import PPO_SETTINGS, ROUTING, train

WORLD = DiamondGhostWorld(oversight=0.1)


def main(seeds: tuple[int, ...] = (0, 1, 2, 3, 4), steps: int = 2_900_000, pairs: int = 7) -> int:
    """Measure, and print a table; returns the exit code.

    Args:
        seeds: Of the training runs.
        steps: Of each training run.
        pairs: Timed pairs of our PPO and the library's, and of a run and its learning alone.
    """
    torch.set_num_threads(1)
    judged = partial(train_and_judge, steps=steps)
    ratios = [time_ratio(pairs), run_overhead(pairs)]
    return print_rows([*ratios, *training_rows(seeds, judged, ("0.97", "", "", "", ""))])


def time_ratio(pairs: int, rollouts: int = 10) -> Row:
    """Wall-clock time against the library's PPO: same experts, mixed, environment and steps."""
    experts: dict[str, Any] = {"experts": WORLD.outcomes.targets, "gate": "learned"}
    unrouted = PPO_SETTINGS | {"policy_kwargs": PPO_SETTINGS["policy_kwargs"] | experts}
    models = (
        RoutedPPO(
            "MlpPolicy",
            WorldVecEnv(WORLD, 256),
            "inferred",
            routing=ROUTING,
            seed=0,
            **PPO_SETTINGS,
        ),
        PPO(RoutedActorCriticPolicy, WorldVecEnv(WORLD, 256), n_steps=32, seed=0, **unrouted),
    )
    ratios = []
    for _ in range(pairs):
        ours, theirs = (timed(model.learn, rollouts * 32 * 256)[1] for model in models)
        ratios.append(ours / theirs)
    name = f"time of RoutedPPO / library's PPO, median of {pairs} pairs"
    return Row(name, f"{statistics.median(ratios):.2f}", "1.5")


def run_overhead(pairs: int) -> Row:
    """A run's folder, log, checkpoints and progress over `learn` of the same model alone.

    Without what is done once, which a run of a single rollout measures: making the model, and
    judging two episodes for each of those that may act.
    """
    config = routed_rl.EnvironmentConfig(
        env="scripts.environments:cart_pole", steps=122_880, evaluation_episodes=2, device="cpu"
    )
    ratios = []
    for _ in range(pairs):
        with tempfile.TemporaryDirectory() as folder:
            short = dataclasses.replace(config, steps=config.samples)
            fixed = timed(routed_rl.train, short, Path(folder) / "short")[1]
            whole = timed(routed_rl.train, config, Path(folder) / "whole")[1]
        model = bare(config)
        entropy = EntropySchedule(config.entropy_coefficient, config.final_entropy_coefficient)
        model.learn(config.samples, callback=entropy)
        alone = timed(model.learn, config.steps - config.samples, callback=entropy)[1]
        ratios.append((whole - fixed) / alone)
    name = f"time of a run / `learn` alone, CartPole, median of {pairs} pairs"
    return Row(name, f"{statistics.median(ratios):.2f}", "1.25")


def bare(config: routed_rl.EnvironmentConfig) -> RoutedPPO:
    """The model that such a run trains, for CartPole's sides."""
    settings = {"oversight": config.oversight}
    env = make_vec_env(cart_pole, config.environments, config.seed, env_kwargs=settings)
    widths = {"pi": config.expert_widths, "gate": config.gate_widths, "vf": config.value_widths}
    return RoutedPPO(
        "MlpPolicy",
        env,
        config.method,
        n_steps=config.rollout_steps,
        batch_size=config.batch_size,
        n_epochs=config.epochs,
        learning_rate=config.learning_rate,
        seed=config.seed,
        device=config.device,
        policy_kwargs={
            "net_arch": {name: list(width) for name, width in widths.items()},
            "activation_fn": torch.nn.ReLU,
            "optimizer_class": torch.optim.AdamW,
        },
    )


def train_and_judge(seed: int, steps: int) -> tuple[routed_rl.Evaluation, float]:
    """Figures and seconds of the example `train_ppo.py`, judged exactly."""
    model, time = timed(train, WORLD, steps, seed)
    return routed_rl.evaluate(model.deployed(), world=WORLD), time


if __name__ == "__main__":
    start(main, __doc__)
