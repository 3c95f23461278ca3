"""The gridworld with stable-baselines3's PPO, whose experts act alone.

    python scripts/train_ppo.py            about a minute, on one core

Trains at 10% oversight by the method `inferred`, judges the unsteered policy and each expert
exactly, and saves the model and its policy. The constants are those of the preset `fast`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import torch
import tyro

import routed_rl
from routed_agents import EntropySchedule, RoutedPPO, RoutingSettings
from routed_envs import DiamondGhostWorld, WorldVecEnv

ENTROPY = (0.3, 0.03)
ROUTING = RoutingSettings(gate_coefficient=0.25)


def learning_rate(remaining: float) -> float:
    """Adam's learning rate by the share of the training that remains."""
    return 1e-3 + 2.4e-3 * remaining


PPO_SETTINGS: dict[str, Any] = {
    "learning_rate": learning_rate,
    "batch_size": 1024,
    "n_epochs": 1,
    "gamma": 0.97,
    "max_grad_norm": 10.0,
    "policy_kwargs": {
        "net_arch": {"pi": [256], "gate": [64, 64], "vf": [64]},
        "activation_fn": torch.nn.ReLU,
        "optimizer_class": torch.optim.AdamW,
        "optimizer_kwargs": {"weight_decay": 0.03},
    },
}


def train(world: DiamondGhostWorld, steps: int, seed: int, **options: Any) -> RoutedPPO:
    """A model that learned in the world; the options go to `learn`."""
    env = WorldVecEnv(world, num_envs=256)
    model = RoutedPPO(
        "MlpPolicy", env, "inferred", routing=ROUTING, seed=seed, device="cpu", **PPO_SETTINGS
    )
    return model.learn(steps, callback=EntropySchedule(*ENTROPY), **options)


def main(
    oversight: float = 0.1, steps: int = 2_900_000, seed: int = 0, out: Path = Path("runs/ppo")
) -> None:
    """Train, print the exact figures, and save.

    Args:
        oversight: Probability that a target's square has oversight, 0 to 1.
        steps: Steps of all environments together.
        seed: Decides everything.
        out: The folder for the model and its policy.
    """
    torch.set_num_threads(1)
    world = DiamondGhostWorld(oversight=oversight)
    model = train(world, steps, seed, progress_bar=True)
    for steering in (None, *world.outcomes.targets):
        found = routed_rl.evaluate(model.steer(steering), world=world)
        print(
            f"{steering or 'mixture':8} return {found.episode_return:6.3f}, "
            f"diamond {found.diamond_rate:.1%}, ghost {found.ghost_rate:.1%}"
        )
    out.mkdir(parents=True, exist_ok=True)
    model.save(out / "model.zip")
    model.export(out / "policy.safetensors")
    print(f"Saved in {out}.")


if __name__ == "__main__":
    sys.exit(routed_rl.exit_code(lambda: tyro.cli(main, description=__doc__)))
