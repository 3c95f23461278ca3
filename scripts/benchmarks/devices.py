"""Where training is quicker, on the CPU or on a GPU: milliseconds of a step on both.

    python -m scripts.benchmarks.devices                                  minutes
    python -m scripts.benchmarks.devices --devices cpu --mnist FOLDER

A step's time is the difference between a longer run and a shorter one, so that starting, judging
and writing do not count. --mnist has the data's four files, for the study `digits` at the published
sizes.
"""

from __future__ import annotations

import dataclasses
import json
import tempfile
from pathlib import Path
from typing import Literal, NamedTuple

from tqdm import tqdm

import routed_rl
from routed_rl import DigitsConfig, EnvironmentConfig, TrainConfig, UnlearnConfig
from scripts.benchmarks.measure import Row, print_rows, start


class Case(NamedTuple):
    """What is measured.

    Attributes:
        config: What to train.
        few: Steps of the shorter run.
        many: Steps of the longer one.
        of_environments: How many steps of its environments a step has, in `train --env`.
    """

    config: TrainConfig | EnvironmentConfig | DigitsConfig | UnlearnConfig
    few: int
    many: int
    of_environments: int = 1


CART_POLE = EnvironmentConfig(
    env="scripts.environments:cart_pole", evaluate_every=0, evaluation_episodes=2
)
PAPER = TrainConfig.from_preset("paper", evaluate_every=0)
CASES = {
    "fast, inferred": Case(TrainConfig(evaluate_every=0), 50, 150),
    "paper, routed": Case(PAPER, 2, 12),
    "paper, bfloat16": Case(dataclasses.replace(PAPER, precision="bfloat16"), 2, 12),
    "CartPole": Case(CART_POLE, 2, 12, CART_POLE.environments * CART_POLE.rollout_steps),
    "digits, fast": Case(DigitsConfig(certificate_steps=1, evaluate_every=0), 50, 250),
    "unlearn, fast": Case(UnlearnConfig(method="routed", evaluate_every=0), 20, 100),
}


def main(
    devices: tuple[Literal["cpu", "cuda"], ...] = ("cpu", "cuda"), mnist: Path | None = None
) -> int:
    """Measure every case on each device, and print a table; returns the exit code.

    Args:
        devices: Where to train.
        mnist: The folder of MNIST's files; left out, that case is.
    """
    cases = dict(CASES)
    if mnist is not None:
        config = DigitsConfig.from_preset(
            "paper", data=str(mnist), certificate_steps=1, evaluate_every=0
        )
        cases["digits, paper"] = Case(config, 10, 50)
    rows = []
    for name, case in tqdm(cases.items(), unit="case"):
        times = {device: step_time(case, device) for device in devices}
        rows.append(
            Row(name, ", ".join(f"{key} {time * 1e3:.1f} ms" for key, time in times.items()))
        )
    return print_rows(rows)


def step_time(case: Case, device: Literal["cpu", "cuda"]) -> float:
    """The seconds of a step on a device; the first run of all only warms up."""
    _, short, long = (seconds(case, device, steps) for steps in (case.few, case.few, case.many))
    return (long - short) / (case.many - case.few)


def seconds(case: Case, device: Literal["cpu", "cuda"], steps: int) -> float:
    """What a run of so many steps took, without its start."""
    config = dataclasses.replace(case.config, device=device)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        if isinstance(config, TrainConfig):
            routed_rl.train(dataclasses.replace(config, updates=steps), out)
        elif isinstance(config, EnvironmentConfig):
            taken = steps * case.of_environments
            routed_rl.train(dataclasses.replace(config, steps=taken), out)
        else:
            routed_rl.train_study(dataclasses.replace(config, steps=steps), out)
        return float(json.loads((out / "result.json").read_text())["seconds"])


if __name__ == "__main__":
    start(main, __doc__)
