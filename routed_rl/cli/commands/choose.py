"""`routed-rl choose`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from routed_rl.cli.options import OutFile, SweepArgument
from routed_rl.screen import screen

if TYPE_CHECKING:
    from routed_rl.sweeps.choice import Candidate

CAUTION = (
    "The overseer's share says how a policy behaves where it is watched. If the agent sees that it "
    "is, one that behaves only then has the same share."
)


@dataclass(frozen=True)
class Choose:
    """Choose a sweep's best constants by what the overseer says, never by the truth.

    For every method and setting it takes the endings of the deployed policy that the overseer saw,
    and the share of wanted ones among them, over all seeds. The best one's configuration is written
    for `train --config`. Runs whose belief has lost touch come last.

    Attributes:
        sweep: The folder of a sweep over constants, such as `--learning-rate 0.0005 0.002`.
        out: The configuration's file. Left out, it is chosen.json in the sweep's folder.
    """

    sweep: SweepArgument
    out: OutFile = None

    def run(self) -> None:
        """Rank, then print the ranking and where the best configuration is."""
        from routed_rl.cli.commands.train import PLACES
        from routed_rl.cli.printing import plain_table
        from routed_rl.cli.terminal import program, quoted
        from routed_rl.naming import counted
        from routed_rl.sweeps.choice import FEWEST_LABELS, candidates, write_choice

        found = candidates(self.sweep)
        header = ("wanted endings", "labels", "belief agrees", "runs")
        table = plain_table("method and setting", *header, caption=CAUTION)
        for one in found:
            table.add_row(_name(one), *_cells(one))
        screen().print(table)
        best = found[0]
        if best.labels < FEWEST_LABELS:
            labels = counted(round(best.labels), "label")
            print(
                f"Only {labels} of the best one: too few to trust. Sweep with more seeds, or a "
                "larger --evaluation-episodes."
            )
        file = write_choice(best, self.out or self.sweep / "chosen.json")
        named = {name: str(best.config.get(name)) for name in PLACES}
        own = [f" --{name} {place}" for name, place in named.items() if ":" in place]
        words = f"{program()} train --config {quoted(file)}{''.join(own)} --out RUN"
        print(f"Train with the best one:\n  {words}")


def _name(candidate: Candidate) -> str:
    from routed_rl.naming import series_name

    return series_name(candidate.method, list(candidate.setting), list(candidate.setting.values()))


def _cells(candidate: Candidate) -> tuple[str, str, str, str]:
    score = "-" if candidate.score is None else f"{candidate.score:.1%}"
    labels = "exact" if math.isinf(candidate.labels) else f"{candidate.labels:,.0f}"
    agreement = "-" if candidate.agreement is None else f"{candidate.agreement:.1%}"
    lost = " (lost touch)" if candidate.lost_touch else ""
    return score, labels, agreement + lost, str(candidate.runs)
