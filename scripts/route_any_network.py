"""Gradient routing in a network of your own: something is learnt in a part, and the part deleted.

    python scripts/route_any_network.py             a few seconds

A small network learns the sine and the square of a number; a flag says which is asked for. Some of
the samples have a label. Squares are to teach a part of the hidden units and nothing else; sines
are learnt while that part is off. Then the part is deleted: squares are gone, and sines stay.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Literal

import torch
import tyro
from torch import nn

import routed_rl
from routed_agents import Parts, Routes, Units, ablate, usage

TASKS = ("sine", "square")
TABLE: dict[str, dict[str, float | Literal["off"]]] = {
    "sine": {"square": "off"},
    "square": {"rest": 0.0},
    "unlabelled": {},
}


def samples(
    count: int, generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """What the network sees, float [B, 2], what is right, float [B, 1], and the task, int64 [B]."""
    numbers = 4 * torch.rand(count, 1, generator=generator) - 2
    task = torch.randint(2, (count,), generator=generator)
    right = torch.where(task[:, None] == 0, torch.sin(2 * numbers), numbers.square() - 1)
    return torch.cat([numbers, task[:, None]], 1), right, task


def train(seed: int, steps: int, labelled: float) -> Parts:
    """A network that learned both tasks, and its parts."""
    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = nn.Sequential(nn.Linear(2, 64), nn.Tanh(), nn.Linear(64, 1))
    parts = Parts(model, {"square": Units("2", last=24)})
    routes = Routes(parts, TABLE, exact=True)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(steps):
        seen, right, task = samples(256, generator)
        known = torch.rand(256, generator=generator) < labelled
        with routes(torch.where(known, task, TASKS.index("square") + 1)):
            loss = (model(seen) - right).square().mean()
            optimizer.zero_grad()
            loss.backward()
        optimizer.step()
    routes.remove()
    return parts


@torch.no_grad()
def errors(model: nn.Module) -> list[float]:
    """The mean squared error of each task."""
    seen, right, task = samples(4000, torch.Generator().manual_seed(12345))
    squared = (model(seen) - right).square()[:, 0]
    return [float(squared[task == number].mean()) for number in range(len(TASKS))]


def line(name: str, figures: Sequence[float]) -> str:
    """A row of the table."""
    return f"{name:20}" + "".join(f"{figure:9.3f}" for figure in figures)


def main(labelled: float = 0.5, steps: int = 1000, seed: int = 0) -> None:
    """Train, delete the part, and print the errors.

    Args:
        labelled: Share of either task's samples that have a label, 0 to 1.
        steps: Gradient steps.
        seed: Decides everything.
    """
    parts = train(seed, steps, labelled)
    print(f"{'mean squared error':20}" + "".join(f"{task:>9}" for task in TASKS))
    print(line("the whole network", errors(parts.model)))
    print(line("without the part", errors(ablate(parts, "square").model)))
    seen, _, task = samples(4000, torch.Generator().manual_seed(54321))
    acts = usage(parts, seen)["square"]
    print(line("how the part acts", [float(acts[task == number].mean()) for number in range(2)]))


if __name__ == "__main__":
    sys.exit(routed_rl.exit_code(lambda: tyro.cli(main, description=__doc__)))
