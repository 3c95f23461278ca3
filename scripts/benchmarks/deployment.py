"""Measure what deployment promises: decisions a second of an exported policy, and films.

    python -m scripts.benchmarks.deployment RUN

RUN is the folder of a finished run, such as the one that `make demo` trains. Needs the extras
`export` and `video`.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import onnxruntime
import tyro

import routed_rl
from routed_agents import Policy
from routed_envs import DiamondGhostWorld
from scripts.benchmarks.measure import Row, at_most, print_rows, start, timed

SECONDS = 2.0
"""How long decisions are counted."""
EPISODES = 8
"""Episodes of each film."""


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


def films(policy: Policy, folder: Path) -> Iterator[Row]:
    """How long it takes to draw rollouts that were recorded."""
    world = DiamondGhostWorld(oversight=0.4)
    actors = {"mixture": policy} | {name: policy.steer(name) for name in policy.experts}
    frames = {who: routed_rl.record(actor, world, EPISODES) for who, actor in actors.items()}
    for ending in (".gif", ".mp4"):
        film, kind = folder / f"film{ending}", f"{EPISODES} rollouts as {ending[1:].upper()}"
        alone = (frames["diamond"], actors["diamond"])
        _, one = timed(routed_rl.save_film, *alone, world, film)
        _, several = timed(routed_rl.save_side_by_side, frames, actors, world, film)
        yield at_most(kind, one, "s", 5.0, digits=1)
        yield at_most(f"{kind}, side by side", several, "s", 5.0, digits=1)


def main(run: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]) -> int:
    """Measure, and print a table; returns the exit code.

    Args:
        run: The folder of a finished run.
    """
    policy = routed_rl.load_policy(run)
    rows = []
    with tempfile.TemporaryDirectory() as place:
        for name, steered in (("diamond expert", policy.steer("diamond")), ("mixture", policy)):
            file = routed_rl.export_policy(steered, Path(place) / "policy.onnx")
            rate = f"{decisions_a_second(file):,.0f}"
            rows.append(Row(f"ONNX, batch 1, {name}: decisions a second", rate, "20,000"))
        return print_rows([*rows, *films(policy, Path(place))])


if __name__ == "__main__":
    start(main, __doc__)
