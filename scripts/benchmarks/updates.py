"""Where the time of an update goes, and how it compares with another checkout's.

    python -m scripts.benchmarks.updates                       a minute: parts of an update, limits
    python -m scripts.benchmarks.updates --before ../before    ten minutes: in turns with another

Times are processor time of one thread. Two limits stand beside an update: what its products take by
themselves, and what it costs to call as many operations that do nothing. `--before` names the root
of another checkout of this repository; both train the same, pair by pair, each in a process of its
own, and the ratios' medians are told: of updates, of stepping the world, and of whole runs.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table
from torch.profiler import ProfilerActivity, profile

from routed_envs import InputError
from routed_rl import Experiment, TrainConfig
from scripts.benchmarks.measure import Row, machine, print_rows, start

CASES = {
    "fast, inferred": ("fast", "inferred", "float32", 40),
    "fast, routed": ("fast", "routed", "float32", 40),
    "paper, routed": ("paper", "routed", "float32", 1),
    "paper, bfloat16": ("paper", "routed", "bfloat16", 1),
}
"""The preset, the method, the precision, and the updates between two looks at the clock."""
PRODUCTS = ("mm", "addmm", "bmm", "_embedding_bag", "_embedding_bag_forward_only", "index_add_")
"""Operations that multiply or add up weights, by PyTorch's names."""
BACKWARD = "autograd::engine::evaluate_function"
"""Beginning of the profiler's names of gradients."""
CHILD = """
import json, sys, time
root = sys.argv[1]
sys.path[:0] = [root, root + "/envs", root + "/agents"]
import tempfile
import torch
torch.set_num_threads(1)
import routed_rl
from routed_envs import DiamondGhostWorld, renew

def update(preset, method, precision, count, made={}):
    key = preset, method, precision
    if key not in made:
        given = {"method": method, "device": "cpu"}
        # A checkout of before knows of none, and multiplies float32.
        if "precision" in routed_rl.TrainConfig.__dataclass_fields__:
            given["precision"] = precision
        experiment = routed_rl.Experiment.of(routed_rl.TrainConfig.from_preset(preset, **given))
        made[key] = experiment, experiment.start()
        # A short run beforehand lets the process ask for what a run asks of the allocator.
        with tempfile.TemporaryDirectory() as out:
            routed_rl.train(routed_rl.TrainConfig(updates=1, device="cpu"), out)
        update(preset, method, precision, 40 if count > 1 else 1)
    experiment, state = made[key]
    for _ in range(count):
        experiment.update(state)

def walk(environments, steps):
    world = DiamondGhostWorld()
    try:
        from routed_envs.table_world import as_tables
        world = as_tables(world, by_entries=False)
    except ImportError:
        pass
    generator = torch.Generator().manual_seed(0)
    size = (environments, world.random_numbers)
    state, fresh = (world.place(torch.rand(size, generator=generator)) for _ in range(2))
    world.advance(state, torch.zeros(environments, dtype=torch.int64))  # Tables are made at first.
    started = time.process_time()
    for _ in range(steps):
        actions = torch.randint(world.actions, (environments,), generator=generator)
        state, ending = world.advance(state, actions)
        state = renew(state, ending.ended, fresh)
        world.observe(state)
    return time.process_time() - started

def run(seed, updates):
    with tempfile.TemporaryDirectory() as out:
        config = routed_rl.TrainConfig(seed=seed, device="cpu", updates=updates)
        routed_rl.train(config, out + "/run", progress=False)

for line in sys.stdin:
    name, *given = json.loads(line)
    started = time.process_time()
    told = {"update": update, "walk": walk, "run": run}[name](*given)
    print(json.dumps(time.process_time() - started if told is None else told), flush=True)
"""
"""What a checkout's process does; of what both checkouts have."""


def main(before: Path | None = None, pairs: int = 9, runs: int = 3, updates: int = 2800) -> int:
    """Measure, and print tables; returns the exit code.

    Args:
        before: The root of another checkout, to compare this one with.
        pairs: Of updates and of walks.
        runs: Pairs of whole runs of the default method; 0 for none.
        updates: Of such a run.
    """
    torch.set_num_threads(1)
    if before is not None:
        return print_rows(compared(before, pairs, runs, updates))
    cases = possible()
    table = Table("", *cases, title=machine(), title_justify="left")
    columns = [where_it_goes(*case) for case in cases.values()]
    for row in zip(ROWS, *columns, strict=True):
        table.add_row(*row)
    Console().print(table)
    return 0


ROWS = (
    "an update",
    "acting",
    "gradients",
    "optimizer",
    "its products",
    "its calls, of nothing",
    "calls",
)


def possible() -> dict[str, tuple[str, str, str, int]]:
    """The cases of a precision that this machine has."""
    found = {}
    for name, case in CASES.items():
        try:
            made(*case[:3])
        except InputError:
            continue
        found[name] = case
    return found


def made(preset: str, method: str, precision: str) -> Experiment:
    """The experiment of a case.

    Raises:
        InputError: This machine has no such products.
    """
    given = {"method": method, "precision": precision, "device": "cpu"}
    return Experiment.of(TrainConfig.from_preset(preset, **given))


def where_it_goes(preset: str, method: str, precision: str, count: int) -> list[str]:
    """The cells of `ROWS`: milliseconds of an update, and how many operations it calls."""
    experiment = made(preset, method, precision)
    state = experiment.start()

    def update() -> None:
        for _ in range(count):
            experiment.update(state)

    update()
    whole = median_cpu_time(update) / count
    acting = median_cpu_time(lambda: experiment.collect(state))
    with profile(activities=[ProfilerActivity.CPU]) as found:
        update()
    events = found.key_averages()
    # The profiler's own time is in all of them: they are shares of what it saw.
    seen = sum(event.self_cpu_time_total for event in events) / whole
    gradients = sum(e.cpu_time_total for e in events if e.key.startswith(BACKWARD)) / seen
    optimizer = sum(e.cpu_time_total for e in events if e.key.startswith("Optimizer.step")) / seen
    own = [event for event in events if event.key.startswith("aten::")]
    products = sum(e.self_cpu_time_total for e in own if e.key[6:] in PRODUCTS) / seen
    called = sum(event.count for event in own) / count
    parts = (whole, acting, gradients, optimizer, products, called * idle_call())
    return [*(f"{seconds * 1e3:.1f} ms" for seconds in parts), f"{called:,.0f}"]


def median_cpu_time(function: Callable[[], object], repeats: int = 7) -> float:
    """The median processor time of several calls in seconds, after one that is not counted."""
    function()
    times = []
    for _ in range(repeats):
        started = time.process_time()
        function()
        times.append(time.process_time() - started)
    return statistics.median(times)


def idle_call() -> float:
    """Seconds that it takes to call an operation on a single number."""
    number = torch.zeros(1)

    def call() -> None:
        for _ in range(1000):
            number.neg_()

    return median_cpu_time(call) / 1000


def compared(before: Path, pairs: int, runs: int, updates: int) -> list[Row]:
    """The ratios of another checkout's times to this one's."""
    here = Path(__file__).resolve().parents[2]
    with ExitStack() as stack:
        children = [stack.enter_context(Child(root)) for root in (before.resolve(), here)]
        rows = [
            ratio(children, pairs, f"an update, {name}", "update", *case)
            for name, case in possible().items()
        ]
        rows.append(ratio(children, pairs, "4,096 environments step and show", "walk", 4096, 200))
        seeds = range(runs)
        return rows + [ratio(children, 1, f"a run, seed {s}", "run", s, updates) for s in seeds]


class Child:
    """A process in which a checkout does what `CHILD` says.

    Args:
        root: Of the checkout.
    """

    def __init__(self, root: Path) -> None:
        words = [sys.executable, "-c", CHILD, str(root)]
        self._process = subprocess.Popen(
            words,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=tempfile.gettempdir(),
        )

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def seconds(self, *request: object) -> float:
        """What a request took, in seconds of processor time."""
        assert self._process.stdin is not None, "it was asked for"
        assert self._process.stdout is not None, "it was asked for"
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return float(self._process.stdout.readline())


def ratio(children: Sequence[Child], pairs: int, name: str, *request: object) -> Row:
    """The median of the ratios of some pairs, with the least and the largest."""
    for child in children if pairs > 1 else ():
        child.seconds(*request)  # The first is not counted.
    found = [tuple(child.seconds(*request) for child in children) for _ in range(pairs)]
    ratios = [first / second for first, second in found]
    first, second = (statistics.median(times) for times in zip(*found, strict=True))
    text = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
    return Row(f"{name}: {first:.3g} s before, {second:.3g} s now", text)


if __name__ == "__main__":
    start(main, __doc__)
