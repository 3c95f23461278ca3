"""What the benchmarks share: how time is taken, and how a table of figures is printed."""

from __future__ import annotations

import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ParamSpec, TypeVar

import torch
import tyro
from rich.console import Console
from rich.table import Table

import routed_rl
from routed_rl import Evaluation

Given = ParamSpec("Given")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Row:
    """A measured figure.

    Attributes:
        name: What was measured.
        text: The figure, as people write it.
        bar: What it must reach, if anything.
        missed: Whether it does not.
    """

    name: str
    text: str
    bar: str = ""
    missed: bool = False


def at_most(name: str, value: float, unit: str, bar: float, digits: int = 2) -> Row:
    """The row of a figure that must not be above its bar."""
    return Row(name, f"{value:.{digits}f} {unit}", f"{bar:g} {unit}", value > bar)


def timed(
    function: Callable[Given, Result], *arguments: Given.args, **options: Given.kwargs
) -> tuple[Result, float]:
    """What a function returns, and the wall-clock seconds that it takes."""
    started = time.perf_counter()
    result = function(*arguments, **options)
    return result, time.perf_counter() - started


def median_time(function: Callable[[], object], repeats: int) -> float:
    """The median of several timings in seconds, after one that is not counted."""
    function()
    return statistics.median(timed(function)[1] for _ in range(repeats))


def training_rows(
    seeds: Sequence[int], train: Callable[[int], tuple[Evaluation, float]], bars: Sequence[str]
) -> list[Row]:
    """Train once for each seed and say how it went; `train` gives the figures and the seconds."""
    runs: list[tuple[Evaluation, float]] = []
    for seed in seeds:
        runs.append(train(seed))
        judged, time = runs[-1]
        text = f"seed {seed}: diamond {judged.diamond_rate:.3f}, ghost {judged.ghost_rate:.3f}"
        print(f"{text}, return {judged.episode_return:.3f}, {time:.0f} s", file=sys.stderr)
    rates, returns = zip(*((e.diamond_rate, e.episode_return) for e, _ in runs), strict=True)
    times, name = [time for _, time in runs], f"seeds {', '.join(map(str, seeds))}"
    figures = {
        f"diamond rate, steered, {name}: median": f"{statistics.median(rates):.3f}",
        "diamond rate, steered: worst": f"{min(rates):.3f}",
        "episode return, steered: median": f"{statistics.median(returns):.3f}",
        "time of a run, one thread: median": f"{statistics.median(times):.0f} s",
        "time of a run, one thread: longest": f"{max(times):.0f} s",
    }
    return [Row(*figure, bar) for figure, bar in zip(figures.items(), bars, strict=True)]


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


def print_rows(rows: Sequence[Row]) -> int:
    """Print a table of figures; returns 1 if one misses its bar, else 0."""
    table = Table("figure", "measured", "bar", title=machine(), title_justify="left")
    for row in rows:
        table.add_row(row.name, row.text, row.bar)
    Console().print(table)
    return int(any(row.missed for row in rows))


def start(main: Callable[..., int], manual: str | None) -> None:
    """Read the options, which are the function's arguments, measure, and end the program."""
    sys.exit(routed_rl.exit_code(lambda: tyro.cli(main, description=manual)))
