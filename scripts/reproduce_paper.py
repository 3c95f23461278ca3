"""The paper's comparison on our gridworld: every method at every level of oversight.

    python scripts/reproduce_paper.py                    the preset fast: hours on two cores
    python scripts/reproduce_paper.py --preset paper     the reference's sizes: days; for a cluster

Levels and methods are those of Cloud et al., arXiv 2410.04332, section 4.3; the learning curves at
10% oversight are on the same page. Stopped, it goes on where it was when it is called again.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal

import tyro

import routed_rl

METHODS = ("routed", "no-routing", "no-gate", "naive", "filtering", "oracle")
LEVELS = (0.003, 0.01, 0.025, 0.03, 0.05, 0.1)


def main(
    preset: Literal["fast", "paper"] = "fast",
    seeds: int = 5,
    updates: int | None = None,
    out: Path | None = None,
    jobs: int | None = None,
) -> int:
    """Train what is missing, then write the report; returns the exit code.

    Args:
        preset: The constants: fast (ours) or paper (the reference's).
        seeds: A number n, for the seeds 0 to n - 1.
        updates: The budget of gradient steps; the preset's if left out.
        out: The sweep's folder; sweeps/paper-PRESET if left out.
        jobs: Runs at a time; one for each core if left out.
    """
    words = {"preset": preset, "methods": METHODS, "oversight": LEVELS, "seeds": seeds}
    words |= {} if updates is None else {"updates": updates}
    folder = out or Path("sweeps") / f"paper-{preset}"
    outcome = routed_rl.sweep(routed_rl.plan(words), folder, jobs=jobs)
    if outcome.failed:
        print(outcome.failure_text, file=sys.stderr)
        return 1
    title = f"Cloud et al., section 4.3, with the preset {preset}"
    print(routed_rl.write_sweep_report(folder, title=title))
    return 0


if __name__ == "__main__":
    sys.exit(routed_rl.exit_code(lambda: tyro.cli(main, description=__doc__)))
