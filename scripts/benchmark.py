"""Measure the figures that the README quotes.

python scripts/benchmark.py                 everything, about five minutes
python scripts/benchmark.py --seeds 0 1     two training runs instead of five
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

import routed_rl
from routed_envs import DiamondGhostWorld, renew

Row = tuple[str, str, str]


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--updates", type=int, help="gradient steps of a run")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    rows = [stepping_rate(), paper_rate(updates=5), evaluation_time()]
    rows.append(straight_walk())
    rows += training_figures(arguments.seeds, arguments.updates)
    table = Table("figure", "measured", "bar", title=machine(), title_justify="left")
    for row in rows:
        table.add_row(*row)
    Console().print(table)


def machine() -> str:
    """The processor, the system and the versions, in a line."""
    cpu = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        cpu = next((line.split(": ")[1] for line in lines if line.startswith("model name")), cpu)
    load = os.getloadavg()[0]
    return (
        f"{cpu}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}, "
        f"torch {torch.__version__}, load {load:.1f}"
    )


def median_time(function: Callable[[], object], repeats: int) -> float:
    """The median of several timings in seconds, after one that is not counted."""
    function()
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        function()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


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
    return (
        "stepping the world, 4,096 environments, one thread",
        f"{rate / 1e6:.1f} M steps/s",
        "5 M",
    )


def paper_rate(updates: int) -> Row:
    """Environment steps a second of training with the reference's sizes, on two threads."""
    config = routed_rl.TrainConfig.from_preset("paper", device="cpu")
    experiment = routed_rl.Experiment.of(config)
    state = experiment.start()
    table = experiment.table()
    torch.set_num_threads(2)
    rate = config.samples / median_time(lambda: experiment.update(state, table), updates)
    torch.set_num_threads(1)
    return "training, preset paper, two threads", f"{rate:,.0f} steps/s", "reported"


def evaluation_time() -> Row:
    """Seconds of an exact evaluation of one policy, from nothing."""
    experiment = routed_rl.Experiment.of(routed_rl.TrainConfig(device="cpu"))
    policy = experiment.policy(experiment.start())
    seconds = median_time(lambda: routed_rl.evaluate(policy.steer("diamond")), 5)
    return "exact evaluation of one policy", f"{seconds:.2f} s", "2 s"


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
    return "to compare: straight to the diamond, blind to the ghost", figures, ""


def training_figures(seeds: list[int], updates: int | None) -> list[Row]:
    """Quality and wall-clock time of the preset `fast` at 10% oversight, one thread."""
    rates, returns, seconds = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        for seed in seeds:
            config = routed_rl.TrainConfig(oversight=0.1, seed=seed, device="cpu")
            if updates is not None:
                config = dataclasses.replace(config, updates=updates)
            started = time.perf_counter()
            run = routed_rl.train(config, Path(folder) / str(seed))
            seconds.append(time.perf_counter() - started)
            found = run.evaluations["training"]["diamond"]
            rates.append(found.diamond_rate)
            returns.append(found.episode_return)
            print(
                f"seed {seed}: diamond {found.diamond_rate:.3f}, ghost {found.ghost_rate:.3f}, "
                f"return {found.episode_return:.3f}, {seconds[-1]:.0f} s",
                file=sys.stderr,
            )
    name = f"seeds {', '.join(map(str, seeds))}"
    return [
        (f"diamond rate, steered, {name}: median", f"{statistics.median(rates):.3f}", "0.90"),
        ("diamond rate, steered: worst", f"{min(rates):.3f}", "0.85"),
        ("episode return, steered: median", f"{statistics.median(returns):.3f}", "0.75"),
        (
            "wall-clock time of a run, one thread: median",
            f"{statistics.median(seconds):.0f} s",
            "80 s",
        ),
        ("wall-clock time of a run, one thread: longest", f"{max(seconds):.0f} s", "80 s"),
    ]


if __name__ == "__main__":
    main()
