"""The search behind the preset fast: the same eight settings for every method.

    python scripts/search_constants.py            about 25 minutes on two cores

Three learning rates and two final entropy coefficients, with the constants that routing needs
(`advantage_offset`, `overseen_weight`, `overseen_limit`) and without them, at 10% oversight, on a
seed that no reported figure uses. Prints each method's settings, best first. It looks at the true
return: no trainer under oversight could.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import tyro
from rich.console import Console
from rich.table import Table

import routed_rl
from routed_agents import FAST_ROUTING, METHODS, RoutingSettings

RATES_AND_ENTROPIES = ((1.7e-3, 0.1), (1.7e-3, 0.03), (1e-3, 0.1), (2.4e-3, 0.1))
SETTINGS = [
    {
        "learning_rate": rate,
        "final_entropy_coefficient": entropy,
        "advantage_offset": routing.advantage_offset,
        "overseen_weight": routing.overseen_weight,
        "overseen_limit": routing.overseen_limit,
    }
    for rate, entropy in RATES_AND_ENTROPIES
    for routing in (FAST_ROUTING, RoutingSettings())
]


def main(
    seeds: tuple[int, ...] = (1000,),
    updates: int | None = None,
    out: Path = Path("sweeps/search"),
    jobs: int | None = None,
) -> int:
    """Train what is missing, then print each method's settings, best first.

    Args:
        seeds: Each of at least 1000: smaller ones are for figures.
        updates: The budget of gradient steps; the preset's if left out.
        out: The sweep's folder.
        jobs: Runs at a time; one for each core if left out.

    Returns:
        The exit code.
    """
    changes = {} if updates is None else {"updates": updates}
    shared = {"methods": tuple(METHODS), "seed": seeds} | changes
    configs = [config for setting in SETTINGS for config in routed_rl.plan(setting | shared)]
    outcome = routed_rl.sweep(configs, out, jobs=jobs)
    if outcome.failed:
        print(outcome.failure_text, file=sys.stderr)
        return 1
    print_table(routed_rl.load_results(out))
    return 0


def print_table(rows: list[dict[str, Any]]) -> None:
    """Print the mean return over the seeds of each method's settings."""
    table = Table("method", *SETTINGS[0], "return")
    for method in METHODS:
        means = []
        for setting in SETTINGS:
            wanted = {"method": method} | setting
            found = [r["episode_return"] for r in rows if all(r[k] == v for k, v in wanted.items())]
            means.append((sum(found) / max(1, len(found)), *map(str, setting.values())))
        for mean, *values in sorted(means, reverse=True):
            table.add_row(method, *values, f"{mean:.3f}")
        table.add_section()
    Console().print(table)


if __name__ == "__main__":
    sys.exit(routed_rl.exit_code(lambda: tyro.cli(main, description=__doc__)))
