"""Measure what deployment promises: decisions a second of an exported policy, and films.

    python scripts/benchmark_deployment.py RUN

RUN is the folder of a finished run, such as the one that `make demo` trains. Needs the extras
`export` and `video`.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import onnxruntime
from rich.console import Console
from rich.table import Table

import routed_rl
from routed_envs import DiamondGhostWorld
from routed_rl.evaluation.steerings import steerings
from routed_rl.pictures.episodes import record
from routed_rl.pictures.film import save_film, save_side_by_side

SECONDS = 2.0
"""How long decisions are counted."""
EPISODES = 8


def decisions_a_second(file: Path) -> float:
    """How often an exported policy decides about one observation, on one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(file, options)
    world = DiamondGhostWorld()
    seen = world.observe(world.enumerate_states())[:256].numpy()
    single = [{"observations": seen[index : index + 1]} for index in range(len(seen))]
    count, started = 0, time.perf_counter()
    while time.perf_counter() - started < SECONDS:
        for inputs in single:
            session.run(None, inputs)
        count += len(single)
    return count / (time.perf_counter() - started)


def seconds(function: Callable[[], object]) -> float:
    """The wall-clock time of a call."""
    started = time.perf_counter()
    function()
    return time.perf_counter() - started


def main(run: Path) -> None:
    """Measure, and print a table."""
    policy = routed_rl.load_policy(run)
    diamond, world = policy.steer("diamond"), DiamondGhostWorld(oversight=0.4)
    table = Table("figure", "measured", "bar")
    with tempfile.TemporaryDirectory() as place:
        for name, steered in (("diamond expert", diamond), ("mixture", policy)):
            file = routed_rl.export_policy(steered, Path(place) / "policy.onnx")
            rate = f"{decisions_a_second(file):,.0f}"
            table.add_row(f"ONNX, batch 1, {name}: decisions a second", rate, "20,000")
        frames = record(diamond, world, EPISODES)
        actors = steerings(policy)
        everyone = {who: record(actor, world, EPISODES) for who, actor in actors.items()}
        for ending in (".gif", ".mp4"):
            film = Path(place) / f"film{ending}"
            one = seconds(lambda: save_film(frames, diamond, world, film))  # noqa: B023
            several = seconds(lambda: save_side_by_side(everyone, actors, world, film))  # noqa: B023
            kind = f"{EPISODES} rollouts as {ending[1:].upper()}"
            table.add_row(kind, f"{one:.1f} s", "5 s")
            table.add_row(f"{kind}, side by side", f"{several:.1f} s", "5 s")
    Console().print(table)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
