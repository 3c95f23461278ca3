"""Measure what sweeps promise: killed ones lose nothing, and large ones answer quickly.

    python -m scripts.benchmarks.sweeps            about ten minutes

A small sweep is killed with SIGKILL at random moments; after each the next call must go on, no
process may train on, and no finished run may be lost or done twice. Then one finished run is copied
under the names of a thousand others, and `status` and `report` are timed on them. Exits with 1 if
anything is broken or slower than its bar.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import islice, product
from pathlib import Path
from typing import Any

from routed_rl import TrainConfig, load_results, read_log
from scripts.benchmarks.measure import Row, at_most, print_rows, start, timed

WORDS = (
    *("--methods", "routed", "naive", "--oversight", "0.1", "0.3", "--seeds", "3"),
    *("--updates", "600", "--evaluate-every", "100"),
)
REPORT_BAR, STATUS_BAR = 20.0, 2.0


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
    after = finished(folder)
    faults += [f"{path} changed" for path in before if after[path] != before[path]]
    return faults + broken(folder)


def broken(folder: Path) -> list[str]:
    """Runs of a finished sweep that were not trained exactly once."""
    faults = [f"{path} was left behind" for path in folder.rglob("*.partial")]
    rows, planned = load_results(folder), json.loads((folder / "sweep.json").read_text())["runs"]
    faults += [f"{name} is not finished" for name in planned.keys() - {row["run"] for row in rows}]
    for row in rows:
        log = read_log(folder / "runs" / row["run"] / "log.jsonl")
        updates = [entry["update"] for entry in log]
        if updates != list(range(10, 601, 10)):
            faults.append(f"{row['run']} has the updates {updates}")
    return faults


def multiply(one: Path, folder: Path, runs: int) -> None:
    """A sweep of many finished runs: one run's files under the names of others."""
    methods, levels = ("routed", "no-routing", "no-gate", "naive"), (0.01, 0.03, 0.1, 0.3, 0.8)
    planned: dict[str, Any] = {}
    for seed, level, method in islice(product(range(runs), levels, methods), runs):
        config = TrainConfig(method=method, oversight=level, seed=seed).to_json()
        planned[f"{len(planned):012x}"] = {"config": config, "expected_seconds": 50.0}
    for name in planned:
        shutil.copytree(one, folder / "runs" / name)
    (folder / "sweep.json").write_text(json.dumps({"format": 1, "runs": planned}))


def command_time(*words: str) -> float:
    """The wall-clock time of a command."""
    return timed(subprocess.run, command(*words), check=True, stdout=subprocess.DEVNULL)[1]


def main(kills: int = 20, runs: int = 1000, seed: int = 0) -> int:
    """Measure everything, and print it; returns the exit code.

    Args:
        kills: How often the small sweep is killed.
        runs: Finished runs in the large sweep.
        seed: Decides the moments at which the sweep is killed.
    """
    with tempfile.TemporaryDirectory() as place:
        small, large, one = (Path(place) / name for name in ("small", "large", "one"))
        faults = kill_again_and_again(small, kills, seed)
        command_time("train", "--out", str(one))
        multiply(one, large, runs)
        status = statistics.median(command_time("status", str(large)) for _ in range(5))
        report = command_time("report", str(large))
    print(*faults, sep="\n")
    return print_rows(
        [
            Row(f"{kills} kills: faults", str(len(faults)), "0", bool(faults)),
            at_most(f"status of {runs} finished runs", status, "s", STATUS_BAR),
            at_most(f"report of {runs} finished runs", report, "s", REPORT_BAR, digits=1),
        ]
    )


if __name__ == "__main__":
    start(main, __doc__)
