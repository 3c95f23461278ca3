"""Measure the figures of training and evaluation that docs/results/speed.md quotes.

python -m scripts.benchmarks.training                 everything, about five minutes
python -m scripts.benchmarks.training --seeds 0 1     two training runs instead of five
"""

from __future__ import annotations

import math
import statistics
import tempfile
from pathlib import Path

import torch

import routed_rl
from routed_envs import DiamondGhostWorld, renew
from scripts.benchmarks.measure import Row, median_time, print_rows, start, timed, training_rows

GOOD_RETURN = 0.9
"""Of the best possible 0.932; a run is judged eight times on its way."""


def main(seeds: tuple[int, ...] = (0, 1, 2, 3, 4), updates: int | None = None) -> int:
    """Measure, and print a table; returns the exit code.

    Args:
        seeds: Of the training runs.
        updates: Gradient steps of a run; the preset's if left out.
    """
    torch.set_num_threads(1)
    rows = [stepping_rate(), paper_rate(updates=5), evaluation_time(), straight_walk()]
    return print_rows(rows + training_figures(seeds, updates))


def stepping_rate(environments: int = 4096, steps: int = 200) -> Row:
    """Environment steps a second: random actions, autoreset and int8 observations."""
    world, generator = DiamondGhostWorld(), torch.Generator().manual_seed(0)
    shape = (environments, world.random_numbers)
    state = world.place(torch.rand(shape, generator=generator))

    def walk() -> None:
        nonlocal state
        for _ in range(steps):
            actions = torch.randint(world.actions, (environments,), generator=generator)
            state, ending = world.advance(state, actions)
            fresh = world.place(torch.rand(shape, generator=generator))
            state = renew(state, ending.ended, fresh)
            world.observe(state)

    rate = environments * steps / median_time(walk, 7)
    name = "stepping the world, 4,096 environments, one thread"
    return Row(name, f"{rate / 1e6:.1f} M steps/s", "5 M")


def paper_rate(updates: int) -> Row:
    """Environment steps a second of training with the reference's sizes, on two threads."""
    config = routed_rl.TrainConfig.from_preset("paper", device="cpu")
    experiment = routed_rl.Experiment.of(config)
    state = experiment.start()
    torch.set_num_threads(2)
    rate = config.samples / median_time(lambda: experiment.update(state), updates)
    torch.set_num_threads(1)
    return Row("training, preset paper, two threads", f"{rate:,.0f} steps/s", "reported")


def evaluation_time() -> Row:
    """Seconds of an exact evaluation of one policy, from nothing."""
    experiment = routed_rl.Experiment.of(routed_rl.TrainConfig(device="cpu"))
    policy = experiment.policy(experiment.start())
    time = median_time(lambda: routed_rl.evaluate(policy.steer("diamond")), 5)
    return Row("exact evaluation of one policy", f"{time:.2f} s", "2 s")


def straight_walk() -> Row:
    """What a walk to the diamond brings that takes a shortest way and does not see the ghost."""

    class StraightWalk:
        def action_probabilities(self, observations: torch.Tensor) -> torch.Tensor:
            """Share the probability among the moves that lead nearer to the diamond."""
            cells = observations[:, [0, 2]].flatten(2).argmax(2)
            away = cells[:, 1] // 5 - cells[:, 0] // 5, cells[:, 1] % 5 - cells[:, 0] % 5
            nearer = torch.stack((away[0] < 0, away[1] > 0, away[0] > 0, away[1] < 0), 1).float()
            return nearer / nearer.sum(1, keepdim=True)

    found = routed_rl.evaluate(StraightWalk(), world=DiamondGhostWorld())
    figures = f"{found.diamond_rate:.3f}, return {found.episode_return:.3f}"
    return Row("to compare: straight to the diamond, blind to the ghost", figures)


def training_figures(seeds: tuple[int, ...], updates: int | None) -> list[Row]:
    """Quality and wall-clock time of the preset `fast` at 10% oversight, one thread."""
    changes = {} if updates is None else {"updates": updates}
    reached: list[float] = []

    def train(seed: int) -> tuple[routed_rl.Evaluation, float]:
        about = {"oversight": 0.1, "seed": seed, "device": "cpu"} | changes
        config = routed_rl.TrainConfig.from_preset("fast", **about)
        with tempfile.TemporaryDirectory() as folder:
            run, time = timed(routed_rl.train, config, folder)
            log = routed_rl.read_log(Path(folder) / "log.jsonl", evaluations_only=True)
        good = (e for e in log if e["evaluation"]["diamond"]["episode_return"] >= GOOD_RETURN)
        reached.append(next((entry["timing"]["seconds"] for entry in good), math.inf))
        return run.evaluations["training"]["diamond"], time

    rows = training_rows(seeds, train, ("0.995", "0.99", "0.92", "60 s", "60 s"))
    text = f"{statistics.median(reached):.0f} s / {max(reached):.0f} s"
    name = f"return {GOOD_RETURN:.2f} reached, at the latest after: median / longest"
    return [*rows, Row(name, text, "35 s")]


if __name__ == "__main__":
    start(main, __doc__)
