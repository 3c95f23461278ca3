"""`routed-rl choose`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from routed_rl.cli.options import File, Flag, SweepArgument
from routed_rl.screen import ScreenTable, print_json, say, screen

if TYPE_CHECKING:
    from routed_rl.sweeps.choosing.choice import Candidate

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
        json: Print one JSON object instead of a table: the `file`, and of each of the `candidates`,
            the best first, what the overseer says: `score`, `labels` (null where the score is
            exact), `agreement`, `lost_touch`, and its `config`.
    """

    sweep: SweepArgument
    out: File = None
    json: Flag = False

    def run(self) -> None:
        """Rank, then print the ranking and where the best configuration is."""
        from routed_rl.sweeps.choosing.choice import candidates, write_choice

        found = candidates(self.sweep)
        file = write_choice(found[0].config, self.out or self.sweep / "chosen.json")
        if self.json:
            print_json({"file": file, "candidates": [asdict(one) for one in found]})
            return
        _print_ranking(found)
        say(f"Train with the best one:\n  {training_command(found[0].config, file)}")


def _print_ranking(found: Sequence[Candidate]) -> None:
    """Print what the overseer says of each, and whether that can be trusted."""
    from routed_rl.naming import series_name

    header = ("method and setting", "wanted endings", "labels", "belief agrees", "runs")
    table = ScreenTable(header, caption=CAUTION)
    for one in found:
        name = series_name(one.method, list(one.setting), list(one.setting.values()))
        table.add(name, *_cells(one))
    screen().print(table)
    warn_of_few(found[0].labels)


def warn_of_few(labels: float) -> None:
    """Say so where too few labels speak of the best one."""
    from routed_rl.naming import counted
    from routed_rl.sweeps.choosing.choice import FEWEST_LABELS

    if labels < FEWEST_LABELS:
        say(
            f"Only {counted(round(labels), 'label')} of the best one: too few to trust. Give more "
            "seeds, or a larger --evaluation-episodes."
        )


def training_command(config: Mapping[str, Any], file: Path) -> str:
    """What trains with a configuration in a file."""
    from routed_rl.cli.commands.train import PLACES
    from routed_rl.cli.terminal import program, quoted

    named = {name: str(config.get(name)) for name in PLACES}
    own = [f" --{name} {place}" for name, place in named.items() if ":" in place]
    return f"{program()} train --config {quoted(file)}{''.join(own)} --out RUN"


def _cells(candidate: Candidate) -> tuple[str, str, str, str]:
    from routed_rl.charts.text import percent_text

    labels = "exact" if math.isinf(candidate.labels) else f"{candidate.labels:,.0f}"
    agreement = percent_text(candidate.agreement)
    lost = " (lost touch)" if candidate.lost_touch else ""
    return percent_text(candidate.score), labels, agreement + lost, str(candidate.runs)
