"""What the commands for many runs do and print."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.table import Table

from routed_envs.errors import InputError
from routed_rl.cli.terminal import program, quoted
from routed_rl.naming import counted
from routed_rl.runs.run_folder import read_json
from routed_rl.sweeps.display import duration, picture
from routed_rl.sweeps.plan import plan, read_file
from routed_rl.sweeps.survey import survey
from routed_rl.sweeps.sweep_folder import SweepFolder

if TYPE_CHECKING:
    from routed_rl.sweeps.runner import SweepOutcome

SHORT_SECONDS = 60.0
"""Of a shorter sweep nobody needs to know where its time went."""
EXAMPLE = "routed-rl sweep --methods routed naive --oversight 0.01 0.1 --seeds 3 --out sweeps/first"


def sweep_command(
    given: Mapping[str, Any],
    file: Path | None,
    out: Path | None,
    *,
    jobs: int | None,
    ray: bool,
    address: str | None,
) -> None:
    """Train what is missing, then say what was done and what to do next.

    Args:
        given: The words of the command line.
        file: A TOML file of words; those of the command line replace its own.
        out: The sweep's folder, or None for the default.
        jobs: Runs at a time, or None for what fits.
        ray: Train on a Ray cluster.
        address: Of the cluster.

    Raises:
        InputError: Something cannot be used; nothing was done.
        KeyboardInterrupt: The user stopped it.
        SystemExit: Some runs failed.
    """
    configs = plan(_words(given, file))
    folder = out or Path("sweeps") / (file.stem if file is not None else "sweep")
    from routed_rl.sweeps.runner import sweep  # Loads PyTorch, after all that may be refused.

    outcome = sweep(configs, folder, jobs=jobs, ray=ray, address=address)
    if outcome.trained:
        print(time_taken(SweepFolder(folder), outcome), file=sys.stderr)
    done = len(outcome.trained) + len(outcome.kept)
    verb = "is" if len(configs) == 1 else "are"
    print(f"{done:,} of {counted(len(configs), 'run')} {verb} finished in {folder}.", end="")
    print(f" Compare them with:\n  {program()} report {quoted(folder)}" if done else "")
    if outcome.failed:
        print(failures_text(folder, outcome), file=sys.stderr)
        raise SystemExit(1)


def _words(given: Mapping[str, Any], file: Path | None) -> dict[str, Any]:
    """The words of the file, replaced by those of the command line."""
    words = (read_file(file) if file is not None else {}) | dict(given)
    if "seed" in given or "seeds" in given:
        words = {k: v for k, v in words.items() if k not in ("seed", "seeds") or k in given}
    if not words:
        raise InputError(f"Say what to vary. For example:\n  {EXAMPLE}")
    return words


def failures_text(path: Path, outcome: SweepOutcome) -> str:
    """Which runs failed, and where to look.

    Args:
        path: The sweep's folder.
        outcome: What was done.
    """
    names = ", ".join(run.name for run in outcome.failed)
    place = SweepFolder(path).output("NAME")
    return (
        f"{counted(len(outcome.failed), 'run')} failed: {names}. What each printed is in {place}; "
        "the same command tries them again."
    )


def time_taken(folder: SweepFolder, outcome: SweepOutcome) -> str:
    """How long a sweep took, and how much of that was not training where that can be told.

    Args:
        folder: The sweep's.
        outcome: What was done; at least one run was trained.
    """
    words = f"{counted(len(outcome.trained), 'run')} trained in {duration(outcome.seconds)}."
    if outcome.failed or outcome.seconds < SHORT_SECONDS:
        return words
    own = sum(read_json(folder.run(name).result)["seconds"] for name in outcome.trained)
    slots = min(outcome.slots, len(outcome.trained))
    least = own / slots
    more = f"{outcome.seconds / least - 1:.1%}"
    return (
        f"{words} Their own training times add up to {duration(own)}: at {slots} at a time "
        f"{duration(least)}. Start, evaluation and idle cores took {more} more."
    )


def status_command(path: Path) -> None:
    """Print where a sweep stands, and the last lines of what failed.

    Args:
        path: The sweep's folder.
    """
    status, console = survey(path), Console()
    console.print(picture(status))
    failures = SweepFolder(path).failures()
    for run in status.of("failed"):
        console.print(
            f"\n{run.words} ({run.name}) failed: {run.failure}",
            *(f"    {line}" for line in failures[run.name]["lines"]),
            sep="\n",
            markup=False,
            highlight=False,
        )


def report_command(path: Path, out: Path | None) -> None:
    """Write a sweep's report, then say where it is.

    Args:
        path: The sweep's folder.
        out: The report's folder; in the sweep's if None.
    """
    from routed_rl.report import write_report
    from routed_rl.sweeps.results import load_curves, load_results

    folder = out or path / "report"
    with Console(stderr=True).status(f"Comparing the runs in {path}"):
        page = write_report(load_results(path), load_curves(path), folder, path.resolve().name)
    status = survey(path)
    missing = len(status.runs) - len(status.of("finished"))
    if missing:
        runs = counted(len(status.runs), "run")
        print(f"{missing:,} of {runs} not finished yet.", file=sys.stderr)
    print(f"{page}  open it in a browser")
    print(f"{page.parent / 'figures'}  every figure as PNG and SVG, its numbers as CSV")


def methods_command(names: Sequence[str]) -> None:
    """Print the tables of methods.

    Args:
        names: Which; all if empty.
    """
    from routed_agents import METHODS, Method, get_method
    from routed_envs.gridworld.world import OUTCOMES

    console = Console()
    for name in names or METHODS:
        method: Method = get_method(name, OUTCOMES)
        console.print(f"[bold]{name}[/bold]  {method.summary}", highlight=False)
        console.print(_method_table(method))
        for line in _method_notes(method):
            console.print(f"  {line}", highlight=False, markup=False)
        console.print()


def _method_table(method: Any) -> Table:
    """A method's rows."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("label", "reward", "weight", *(f"{e} learns" for e in method.experts)):
        table.add_column(column, overflow="fold")
    learned = method.gate == "learned"
    if learned:
        table.add_column("gate learns", overflow="fold")
        table.add_column("gate's target", overflow="fold")
    for label, row in method.rows.items():
        cells = ["kept" if row.reward is None else f"{row.reward:g}", f"{row.weight:g}"]
        factors = row.activations or (1.0,) * len(row.experts)
        for share, factor in zip(row.experts, factors, strict=True):
            cells.append(f"{share:g}" + ("" if factor == 1 else f", output x {factor:g}"))
        cells += [f"{row.gate:g}", row.target or "none"] if learned else []
        table.add_row(label, *cells)
    return table


def _method_notes(method: Any) -> list[str]:
    """What a method has beside its rows."""
    labels = method.relabel if isinstance(method.relabel, str) else repr(method.relabel)
    gate = {"learned": "a learned gate", "even": "no gate, equal weights", "none": "one expert"}
    share = method.updates(0.1)
    notes = [f"network: {', '.join(method.experts)}; {gate[method.gate]}", f"labels: {labels}"]
    if share != 1:
        notes.append(f"updates: {share:g} of the budget at oversight 0.1")
    if method.select is not None:
        notes.append(
            f"keeps the best by {dict(method.select.scores)} over the last "
            f"{method.select.episodes:,} overseen episodes"
        )
    return [*notes, f"deployed: {method.deploy or 'as it is'}"]
