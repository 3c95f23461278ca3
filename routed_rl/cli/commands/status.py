"""`routed-rl status`."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from routed_rl.cli.options import Flag, SweepArgument
from routed_rl.screen import print_json, say, screen


@dataclass(frozen=True)
class Status:
    """Say where a sweep stands, from any terminal: what is done, what runs, and what failed.

    Attributes:
        sweep: The sweep's folder.
        json: Print one JSON object instead of a table: the `folder`, whether a sweep is `active`,
            with how many `jobs`, the `seconds_left`, and of each of the `runs` its method,
            oversight, seed, `stage`, `progress` from 0 to 1, `seconds` and `failure`.
    """

    sweep: SweepArgument
    json: Flag = False

    def run(self) -> None:
        """Print the status, and the last lines of what failed."""
        from routed_rl.sweeps.display import picture
        from routed_rl.sweeps.survey import survey
        from routed_rl.sweeps.sweep_folder import SweepFolder

        status = survey(self.sweep)
        if self.json:
            told = {"active": status.active, "jobs": status.jobs}
            told |= {"seconds_left": status.seconds_left, "runs": list(map(asdict, status.runs))}
            print_json({"folder": status.path} | told)
            return
        screen().print(picture(status))
        failures = SweepFolder(self.sweep).failures()
        for run in status.of("failed"):
            say(f"\n{run.words} ({run.name}) failed: {run.failure}")
            for line in failures[run.name]["lines"]:
                say(f"    {line}")
