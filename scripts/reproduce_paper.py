"""The paper's comparison on our gridworld: every method at every level of oversight.

    python scripts/reproduce_paper.py                    the preset fast: hours on two cores
    python scripts/reproduce_paper.py --preset paper     the reference's sizes: days; for a cluster

Levels and methods are those of Cloud et al., arXiv 2410.04332, section 4.3; the learning curves at
10% oversight are on the same page. Stopped, it goes on where it was when it is called again.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro

import routed_rl

METHODS = ("routed", "no-routing", "no-gate", "naive", "filtering", "oracle")
LEVELS = (0.003, 0.01, 0.025, 0.03, 0.05, 0.1)


@dataclass(frozen=True)
class Options:
    """Train, compare, and write one page.

    Attributes:
        preset: The constants: fast (ours) or paper (the reference's).
        seeds: A number n, for the seeds 0 to n - 1.
        updates: The budget of gradient steps; the preset's if left out.
        out: The sweep's folder; sweeps/paper-PRESET if left out.
        jobs: Runs at a time; one for each core if left out.
    """

    preset: Literal["fast", "paper"] = "fast"
    seeds: int = 5
    updates: int | None = None
    out: Path | None = None
    jobs: int | None = None


def main(options: Options) -> int:
    """Train what is missing, then write the report; returns the exit code."""
    words = {"preset": options.preset, "methods": METHODS, "oversight": LEVELS}
    words |= {"seeds": options.seeds}
    words |= {} if options.updates is None else {"updates": options.updates}
    out = options.out or Path("sweeps") / f"paper-{options.preset}"
    outcome = routed_rl.sweep(routed_rl.plan(words), out, jobs=options.jobs)
    if outcome.failed:
        print(outcome.failure_text, file=sys.stderr)
        return 1
    title = f"Cloud et al., section 4.3, with the preset {options.preset}"
    print(routed_rl.write_sweep_report(out, title=title))
    return 0


if __name__ == "__main__":
    sys.exit(routed_rl.exit_code(lambda: main(tyro.cli(Options, description=__doc__))))
