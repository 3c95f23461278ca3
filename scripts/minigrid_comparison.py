"""Methods in MiniGrid: 8 x 8, the whole grid in view, seven actions.

    python scripts/minigrid_comparison.py             80 minutes on two cores
    python scripts/minigrid_comparison.py --search    where their constants are from: an hour

Every method has the same search: nine settings for half of the steps with
one seed, then the best two for all of them with another; seeds of the comparison are none of these.
Stopped, it goes on where it was when it is called again.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterable
from pathlib import Path

import tyro
from rich.console import Console
from rich.table import Table

import routed_rl
from routed_rl import EnvironmentConfig

ENVIRONMENT = "routed_envs/MiniGrid-DiamondGhost-Flat-8x8-v0"
STEPS, EPISODES = 3_000_000, 1000
"""Of a run, and to judge its policy."""
LEVELS = (0.2, 0.05)
Setting = tuple[float, float, float]
"""The learning rate, the entropy bonus at the first update, and the decay of the weights."""
SETTINGS: tuple[Setting, ...] = (
    (1e-3, 0.03, 0.03),
    (1e-3, 0.01, 0.03),
    (1e-3, 0.1, 0.03),
    (2e-3, 0.03, 0.03),
    (1e-3, 0.03, 0.3),
    (1e-3, 0.1, 0.3),
    (1e-3, 0.03, 1.0),
    (2e-3, 0.03, 0.3),
    (1e-3, 0.01, 0.3),
)
"""What the search tries: the defaults, each constant by itself, and what then looked better."""
FOUND: dict[str, Setting] = {
    "inferred": (1e-3, 0.1, 0.03),
    "naive": (2e-3, 0.03, 0.3),
    "filtering": (1e-3, 0.01, 0.03),
    "told-everything": (2e-3, 0.03, 0.03),
}
"""What it found with 20% oversight."""
SEARCH_SEEDS = (1000, 1001)


def config(
    method: str, oversight: float, seed: int, setting: Setting, steps: int
) -> EnvironmentConfig:
    """One run."""
    rate, entropy, decay = setting
    return EnvironmentConfig(
        env=ENVIRONMENT,
        method=method,
        oversight=oversight,
        seed=seed,
        steps=steps,
        learning_rate=rate,
        entropy_coefficient=entropy,
        final_entropy_coefficient=entropy / 10,
        weight_decay=decay,
        evaluation_episodes=EPISODES,
        device="cpu",
    )


def diamonds(
    configs: Iterable[EnvironmentConfig], out: Path, jobs: int | None
) -> dict[tuple[str, Setting], float]:
    """How often the deployed policy of each run ends on the diamond, by method and setting.

    Raises:
        SystemExit: Some runs failed.
    """
    outcome = routed_rl.sweep(list(configs), out, jobs=jobs)
    if outcome.failed:
        sys.exit(outcome.failure_text)
    names = ("learning_rate", "entropy_coefficient", "weight_decay")
    rows = routed_rl.load_results(out)
    return {(row["method"], tuple(row[n] for n in names)): row["diamond_rate"] for row in rows}


def search_settings(steps: int, out: Path, jobs: int | None) -> None:
    """Find each method's setting, and print all that was tried."""
    tried = dict.fromkeys(FOUND, SETTINGS)
    rungs: list[dict[tuple[str, Setting], float]] = []
    for budget, seed in zip((steps // 2, steps), SEARCH_SEEDS, strict=True):
        configs = [
            config(method, LEVELS[0], seed, setting, budget)
            for method in FOUND
            for setting in tried[method]
        ]
        rates = diamonds(configs, out.with_name(f"{out.name}-search-{budget}"), jobs)
        rungs.append(rates)
        for method, settings in tried.items():
            tried[method] = tuple(sorted(settings, key=lambda one: -rates[method, one])[:2])
    header = ("method", "learning rate", "entropy", "weight decay", "half of the steps", "all")
    table = Table(*header, caption="how often the deployed policy ends on the diamond; bold: found")
    for method, setting in itertools.product(FOUND, SETTINGS):
        shown = [rung.get((method, setting)) for rung in rungs]
        texts = ["" if rate is None else f"{rate:.3f}" for rate in shown]
        is_best = setting == tried[method][0]
        table.add_row(method, *map(str, setting), *texts, style="bold" if is_best else None)
    Console().print(table)


def main(
    search: bool = False,
    seeds: int = 5,
    steps: int = STEPS,
    out: Path = Path("sweeps/minigrid"),
    jobs: int | None = None,
) -> int:
    """Train what is missing, then write the page; returns the exit code.

    Args:
        search: Search for the methods' constants instead.
        seeds: A number n, for the seeds 0 to n - 1.
        steps: Of a run, all environments together.
        out: The sweep's folder.
        jobs: Runs at a time; one for each core if left out.
    """
    if search:
        search_settings(steps, out, jobs)
        return 0
    configs = [
        config(method, oversight, seed, setting, steps)
        for oversight in LEVELS
        for seed in range(seeds)
        for method, setting in FOUND.items()
    ]
    diamonds(configs, out, jobs)
    print(routed_rl.write_sweep_report(out))
    return 0


if __name__ == "__main__":
    sys.exit(routed_rl.exit_code(lambda: tyro.cli(main, description=__doc__)))
