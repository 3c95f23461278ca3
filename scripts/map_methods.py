"""The map of where routing pays: methods against situations, on one page.

    python scripts/map_methods.py            two to three hours on two cores

Levels of oversight, wrong labels, oversight that the agent does not see, oversight of one target
only, oversight where there is nothing to see, larger grids, and starts that tempt. Stopped, it goes
on where it was when it is called again; other methods or more seeds extend it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import tyro

import routed_rl
from routed_rl import TrainConfig

METHODS = (
    *("inferred", "inferred-model-final", "routed", "naive", "filtering"),
    *("reward-model", "reward-model-final", "told-everything"),
)
PLAIN: dict[str, Any] = {
    "oversight": 0.1,
    "oversight_diamond": None,
    "oversight_ghost": None,
    "label_noise": 0.0,
    "hidden_oversight": False,
    "spurious_oversight": 0.0,
    "rows": 5,
    "cols": 5,
    "tempting_starts": False,
}
"""What a situation has, unless it says so."""
SITUATIONS: dict[str, dict[str, Any]] = {
    name: PLAIN | changes
    for name, changes in {
        **{f"oversight {p:g}": {"oversight": p} for p in (0.003, 0.01, 0.03, 0.1, 0.3, 0.8)},
        **{f"{p:.0%} of labels wrong": {"label_noise": p} for p in (0.1, 0.2, 0.4)},
        "hidden oversight, 0.01": {"hidden_oversight": True, "oversight": 0.01},
        "only ghosts overseen": {"oversight_diamond": 0.0},
        "only diamonds overseen": {"oversight_ghost": 0.0},
        "spurious oversight": {"spurious_oversight": 0.1},
        "8 x 8": {"rows": 8, "cols": 8},
        "tempting starts": {"tempting_starts": True},
    }.items()
}


def main(
    seeds: int = 3,
    updates: int | None = None,
    methods: tuple[str, ...] = METHODS,
    out: Path = Path("sweeps/map"),
    jobs: int | None = None,
) -> int:
    """Train what is missing, then write the page; returns the exit code.

    Args:
        seeds: A number n, for the seeds 0 to n - 1.
        updates: The budget of gradient steps; the preset's if left out.
        methods: The columns; the last one is the ceiling.
        out: The sweep's folder.
        jobs: Runs at a time; one for each core if left out.
    """
    changes: dict[str, Any] = {"evaluate_every": 0} | ({"updates": updates} if updates else {})
    configs = [
        TrainConfig(method=method, seed=seed, **settings, **changes)
        for seed in range(seeds)
        for settings in SITUATIONS.values()
        for method in methods
    ]
    outcome = routed_rl.sweep(configs, out, jobs=jobs)
    if outcome.failed:
        print(outcome.failure_text, file=sys.stderr)
        return 1
    rows = routed_rl.load_results(out)
    print(routed_rl.write_map(rows, SITUATIONS, methods, out / "map"))
    return 0


if __name__ == "__main__":
    sys.exit(routed_rl.exit_code(lambda: tyro.cli(main, description=__doc__)))
