"""Measure what sweeps promise: killed ones lose nothing, and large ones answer quickly.

    python scripts/benchmark_sweeps.py            about ten minutes

A small sweep is killed with SIGKILL at random moments; after each the next call must go on, no
process may train on, and no finished run may be lost or done twice. Then one finished run is copied
under the names of a thousand others, and `status` and `report` are timed on them. Exits with 1 if
anything is broken or slower than its bar.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import tyro

from routed_rl import TrainConfig
from routed_rl.runs.run_log import read_log
from routed_rl.sweeps.sweep_folder import SweepFolder, by_name

WORDS = (
    *("--methods", "routed", "naive", "--oversight", "0.1", "0.3", "--seeds", "3"),
    *("--updates", "600", "--evaluate-every", "100"),
)
REPORT_BAR, STATUS_BAR = 20.0, 2.0


@dataclass(frozen=True)
class Options:
    """What to measure.

    Attributes:
        kills: How often the small sweep is killed.
        runs: Finished runs in the large sweep.
        seed: Decides the moments at which the sweep is killed.
    """

    kills: int = 20
    runs: int = 1000
    seed: int = 0


def command(*words: str) -> list[str]:
    """A command of this program, as its own process."""
    return [sys.executable, "-m", "routed_rl", *words]


def trainers(folder: Path) -> list[int]:
    """The processes that have a file of the folder open, by their ids (Linux)."""
    found = []
    for process in Path("/proc").iterdir():
        try:
            files = [os.readlink(file) for file in (process / "fd").iterdir()]
        except OSError:
            continue
        if process.name != str(os.getpid()) and any(f.startswith(str(folder)) for f in files):
            found.append(int(process.name))
    return found


def finished(folder: Path) -> dict[Path, int]:
    """The results that are there, and when each was written."""
    return {path: path.stat().st_mtime_ns for path in folder.glob("runs/*/result.json")}


def kill_again_and_again(folder: Path, kills: int, seed: int) -> list[str]:
    """Kill a sweep at random moments; returns what went wrong."""
    moments, faults = random.Random(seed), []
    sweep = command("sweep", *WORDS, "--out", str(folder))
    for index in range(kills):
        before = finished(folder)
        process = subprocess.Popen(sweep, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        # Anywhere from the program's start to some seconds of training.
        time.sleep(moments.uniform(0.2, 16.0))
        process.send_signal(signal.SIGKILL)
        process.wait()
        time.sleep(1.0)
        after, alive = finished(folder), trainers(folder)
        faults += [f"kill {index}: process {number} trains on" for number in alive]
        faults += [f"kill {index}: {p} changed" for p in before if after.get(p) != before[p]]
        print(f"kill {index + 1}: {len(after)} runs finished, {len(alive)} orphans")
    before = finished(folder)
    if subprocess.run(sweep, check=False).returncode:
        faults.append("the sweep could not be finished")
    faults += [
        f"{path} changed" for path, stamp in before.items() if finished(folder)[path] != stamp
    ]
    return faults + broken(folder)


def broken(folder: Path) -> list[str]:
    """Runs of a finished sweep that were not trained exactly once."""
    faults = [f"{path} was left behind" for path in folder.rglob("*.partial")]
    for name in SweepFolder(folder).require():
        run = SweepFolder(folder).run(name)
        if not run.result.exists():
            faults.append(f"{name} is not finished")
            continue
        updates = [entry["update"] for entry in read_log(run.log)]
        if updates != list(range(10, 601, 10)):
            faults.append(f"{name} has the updates {updates}")
    return faults


def multiply(one: Path, folder: Path, runs: int) -> None:
    """A sweep of many finished runs: one run's files under the names of others."""
    shutil.rmtree(folder, ignore_errors=True)
    methods, levels = ("routed", "no-routing", "no-gate", "naive"), (0.01, 0.03, 0.1, 0.3, 0.8)
    each = -(-runs // (len(methods) * len(levels)))
    configs = by_name(
        [
            TrainConfig(method=method, oversight=level, seed=seed)
            for seed in range(each)
            for level in levels
            for method in methods
        ][:runs]
    )
    folder.mkdir(parents=True)
    sweep = SweepFolder(folder)
    sweep.extend(configs, dict.fromkeys(configs, 50.0))
    for name in configs:
        shutil.copytree(one, sweep.run(name).path)


def timed(*words: str) -> float:
    """The wall-clock time of a command."""
    started = time.perf_counter()
    subprocess.run(command(*words), check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def main(options: Options) -> int:
    """Measure everything, and print it."""
    with tempfile.TemporaryDirectory() as place:
        small, large = Path(place) / "small", Path(place) / "large"
        faults = kill_again_and_again(small, options.kills, options.seed)
        one = Path(place) / "one"
        timed("train", "--out", str(one))
        multiply(one, large, options.runs)
        status = sorted(timed("status", str(large)) for _ in range(5))[2]
        report = timed("report", str(large))
    print(f"{options.kills} kills: {len(faults)} faults")
    print(*faults, sep="\n")
    print(f"{options.runs} finished runs: status {status:.2f} s (bar {STATUS_BAR:g} s), ", end="")
    print(f"report {report:.1f} s (bar {REPORT_BAR:g} s)")
    return int(bool(faults) or status > STATUS_BAR or report > REPORT_BAR)


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Options, description=__doc__)))
