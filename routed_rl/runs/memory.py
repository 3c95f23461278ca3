"""How much memory a run will take, against what the machine has: a rough count, made beforehand.

It counts what grows with a run's settings: its weights, what it collects, one gradient step, the
evaluation, and processes. It does not count what it cannot know: an environment of the user's own,
a method's own memory, the other programs of the machine. Runs of 0.4 to 2 GB took 0.7 to 1.1 times
what it says: it is there to refuse what cannot be, not to fill a machine to the brim.
"""

from __future__ import annotations

import os
import resource
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import torch

from routed_envs.errors import InputError

PROCESS = 400_000_000
"""Bytes of a run that has PyTorch loaded and does nothing."""
HELPER = 200_000_000
"""Bytes of a process that steps an environment: they share what they have loaded."""
WEIGHT = 40
"""Bytes of a number that is learned: itself, its gradient, Adam's two, and a checkpoint of three,
which is made in memory and copied."""
MOST_NAMED = 2
"""Parts of a run that a refusal names."""
LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
"""Where Linux tells how much a container may have."""
CURES: Mapping[str, str] = {
    "weights": "Give smaller widths, fewer channels or a smaller observation.",
    "samples": "Give fewer environments or rollout_steps, or a smaller observation.",
    "gradient step": "Give fewer environments or rollout_steps (in an environment: a smaller "
    "batch_size), smaller widths or a smaller observation.",
    "evaluation": "Give smaller widths or a smaller observation, such as fewer rows and cols.",
    "world": "Give fewer environments, or fewer rows and cols.",
    "processes": "Give fewer environments, or leave out processes.",
}
"""What takes memory, and what to do where it takes most, of a policy in a world."""


@dataclass(frozen=True)
class Layers:
    """What fully connected layers amount to.

    Attributes:
        parameters: The numbers that are learned.
        outputs: The numbers that are computed of one observation.
    """

    parameters: int
    outputs: int

    @classmethod
    def of(cls, inputs: int, widths: Sequence[int], copies: int = 1) -> Layers:
        """Layers from so many inputs to each width, and several of the same kind."""
        pairs = list(pairwise((inputs, *widths)))
        parameters = sum((before + 1) * after for before, after in pairs)
        return cls(copies * parameters, copies * sum(widths))

    def __add__(self, other: Layers) -> Layers:
        return Layers(self.parameters + other.parameters, self.outputs + other.outputs)


@dataclass(frozen=True)
class RunSize:
    """What decides how much memory a run takes.

    Attributes:
        layers: All of the networks.
        entries: Numbers of one observation.
        entry_bytes: Bytes of each, as they are kept.
        kept: Samples that are kept until the run has learned from them.
        learned: Samples of one gradient step.
        judged: Observations that are judged side by side.
        listed: States of a small world, in tables that the evaluation makes; or 0.
        world: Bytes of what the world holds beside, or the environments.
        helpers: Processes beside the run's own.
        device: Where the run learns.
        cures: What to do where one of the `parts` takes most.
    """

    layers: Layers
    entries: int
    entry_bytes: int
    kept: int
    learned: int
    judged: int
    listed: int = 0
    world: int = 0
    helpers: int = 0
    device: str = "cpu"
    cures: Mapping[str, str] = field(default_factory=lambda: CURES)

    def parts(self) -> dict[str, int]:
        """The bytes that a run takes, by what for."""
        # Kept twice while they are put together; computed with as floats, with their gradients.
        sample = 2 * self.entry_bytes * self.entries + 100
        computed = 8 * (self.entries + self.layers.outputs)
        return {
            "weights": WEIGHT * self.layers.parameters,
            "samples": self.kept * sample,
            "gradient step": self.learned * computed,
            "evaluation": self.judged * computed + self.listed * (sample + 400),
            "world": self.world,
            "processes": PROCESS + self.helpers * HELPER,
        }

    @property
    def bytes(self) -> int:
        """All of its parts."""
        return sum(self.parts().values())


def check_memory(sizes: Sequence[RunSize]) -> None:
    """Refuse runs that do not fit into the memory, side by side.

    Args:
        sizes: One for each run.

    Raises:
        InputError: They need more than there is; the message says what for.
    """
    for device in {size.device for size in sizes}:
        runs = [size.parts() for size in sizes if size.device == device]
        total = {name: sum(parts[name] for parts in runs) for name in runs[0]}
        needed, there = sum(total.values()), memory_of(device)
        if there is None or needed <= there:
            continue
        largest = sorted(total, key=lambda name: -total[name])[:MOST_NAMED]
        told = ", ".join(f"{name} {_amount(total[name])}" for name in largest)
        who = "This run needs" if len(runs) == 1 else f"{len(runs)} runs at a time need"
        cure = (
            sizes[0].cures[largest[0]] if len(runs) == 1 else "Give fewer --jobs, or smaller runs."
        )
        raise InputError(
            f"{who} about {_amount(needed)} of memory ({told}), and this machine has "
            f"{_amount(there)}. {cure}"
        )


def memory_of(device: str) -> int | None:
    """The bytes that a device has, or that this process may have of it; None if nobody tells."""
    if device == "cuda":
        return torch.cuda.get_device_properties(torch.cuda.current_device()).total_memory
    limits = [resource.getrlimit(resource.RLIMIT_AS)[0]]
    with suppress(ValueError, OSError):
        limits.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    for file in LIMITS:
        with suppress(ValueError, OSError):
            limits.append(int(Path(file).read_text()))
    return min((limit for limit in limits if limit > 0), default=None)


def _amount(count: int) -> str:
    """So many bytes in words, such as 1.2 GB."""
    for unit, size in (("PB", 10**15), ("TB", 10**12), ("GB", 10**9)):
        if count >= size:
            return f"{count / size:,.1f} {unit}"
    return f"{count / 10**6:,.0f} MB"
