"""How many of stable-baselines3's own tests pass with our A2C and PPO in the place of its own.

    git clone https://github.com/DLR-RM/stable-baselines3
    python -m scripts.benchmarks.library_tests stable-baselines3      about six minutes

Counts the cases that make one of the two algorithms, and says of each that fails why. Every route
is open, and a wrapper adds labels to environments that have none.
`docs/guides/stable-baselines3.md` gives the reasons behind what is left.
"""

from __future__ import annotations

import dataclasses
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Generator, Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import stable_baselines3
import stable_baselines3.a2c
import stable_baselines3.common.policies
import stable_baselines3.ppo
import tyro
from rich.console import Console
from rich.table import Table
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.common.vec_env import VecEnv, VecEnvWrapper

from routed_agents import Method, RoutedA2C, RoutedActorCriticPolicy, RoutedPPO, get_method
from routed_envs import Outcomes
from scripts.benchmarks.measure import machine, start

OUTCOMES = Outcomes(("good", "bad"), ("good",))
POSITIONAL = {
    RoutedA2C: ("learning_rate", "n_steps", "gamma"),
    RoutedPPO: ("learning_rate", "n_steps", "batch_size", "n_epochs", "gamma"),
}
"""What the library's classes take after policy and environment, in their order."""
DEFAULTS = {RoutedA2C: {"n_steps": 5}, RoutedPPO: {"n_steps": 2048, "batch_size": 64}}
"""The library's own defaults, where ours differ."""


class Labelled(VecEnvWrapper):
    """An environment whose episodes end well or badly by turns, every second one overseen."""

    told = ("outcomes", "overseen_share", "oversight_mask")

    def __init__(self, venv: VecEnv) -> None:
        super().__init__(venv)
        self.outcomes, self.overseen_share = OUTCOMES, 0.5
        self.oversight_mask = np.zeros(self.observation_space.shape or (), bool)
        self.ended = 0

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """What is ours for each environment, and the rest from them."""
        if attr_name in self.told:
            return [getattr(self, attr_name)] * self.num_envs
        return self.venv.get_attr(attr_name, indices)

    def has_attr(self, attr_name: str) -> bool:
        """Whether `get_attr` finds it."""
        return attr_name in self.told or self.venv.has_attr(attr_name)

    def reset(self) -> Any:
        """As the environments do."""
        return self.venv.reset()

    def step_wait(self) -> Any:
        """As the environments do, and what the overseer says of each."""
        observations, rewards, dones, infos = self.venv.step_wait()
        infos = [
            info | dict(zip(("label", "hidden_outcome"), self._told(info, done), strict=True))
            for info, done in zip(infos, dones, strict=False)
        ]
        return observations, rewards, dones, infos

    def _told(self, info: dict[str, Any], done: bool) -> tuple[str, str]:
        if not done:
            return "unfinished", "unfinished"
        self.ended += 1
        if info.get("TimeLimit.truncated"):
            return "timeout", "timeout"
        outcome = OUTCOMES.targets[self.ended // 2 % 2]
        return outcome if self.ended % 2 else "unknown", outcome


def open_method() -> Method:
    """One expert that learns from every episode, whatever its label: the library's own learner."""
    naive = get_method("naive", OUTCOMES)
    rows = dict.fromkeys(OUTCOMES.labels, naive.rows["unknown"])
    return dataclasses.replace(naive, name="open", rows=rows)


class Cases:
    """A plugin of pytest: which cases made one of ours, and how they ended."""

    def __init__(self) -> None:
        self.made = False
        self.ends: Counter[str] = Counter()
        self.failures: list[tuple[str, str]] = []

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, Any, Any]:
        """Note how a case ended, when its call is over or was left out."""
        report = yield
        if call.when == "setup":
            self.made = False
        ours = self.made or (report.skipped and {"A2C", "PPO"} & set(item.name.split("[")))
        if (call.when == "call" or report.skipped) and ours:
            self.ends[report.outcome] += 1
            if report.failed and call.excinfo is not None:
                self.failures.append((item.nodeid, call.excinfo.exconly().splitlines()[0]))
        return report


def in_the_place(kind: type[RoutedA2C | RoutedPPO], cases: Cases) -> type[RoutedA2C | RoutedPPO]:
    """Our class with the library's name, positional arguments and defaults."""

    class Ours(kind):  # pyright: ignore[reportGeneralTypeIssues]
        def __init__(self, policy: Any, env: Any, *values: Any, **options: Any) -> None:
            cases.made = True
            named = dict(zip(POSITIONAL[kind], values, strict=False))
            super().__init__(
                policy, env, **{"method": open_method()} | DEFAULTS[kind] | options | named
            )

        @staticmethod
        def _wrap_env(env: Any, verbose: int = 0, monitor_wrapper: bool = True) -> VecEnv:
            # Ours would refuse what has no labels yet.
            wrapped = OnPolicyAlgorithm._wrap_env(env, verbose, monitor_wrapper)
            return wrapped if wrapped.has_attr("outcomes") else Labelled(wrapped)

    Ours.__name__ = Ours.__qualname__ = kind.__name__.removeprefix("Routed")
    return Ours


def exchange(cases: Cases) -> None:
    """Put ours wherever the library's tests look for its own."""
    library = stable_baselines3
    places: Iterable[tuple[ModuleType, str, type]] = (
        *((module, "A2C", RoutedA2C) for module in (library, library.a2c)),
        *((module, "PPO", RoutedPPO) for module in (library, library.ppo)),
    )
    ours = {kind: in_the_place(kind, cases) for kind in (RoutedA2C, RoutedPPO)}
    for module, name, kind in places:
        setattr(module, name, ours[kind])
    library.common.policies.ActorCriticPolicy = RoutedActorCriticPolicy  # pyright: ignore[reportPrivateImportUsage]


def main(checkout: tyro.conf.Positional[Path], select: str = "") -> int:
    """Run the tests, and print how they ended; returns the exit code.

    Args:
        checkout: A clone of stable-baselines3.
        select: Which cases, as pytest's -k takes it; all of them if empty.
    """
    cases = Cases()
    exchange(cases)
    tests = (checkout / "tests").resolve()
    files = [path for path in sorted(tests.glob("test_*.py")) if names_ours(path)]
    with tempfile.TemporaryDirectory() as scratch:
        os.chdir(scratch)  # The tests write logs and models beside them.
        quietly = ("-q", "-p", "no:cacheprovider", f"--rootdir={tests.parent}", "--tb=no")
        quietly += ("--continue-on-collection-errors", "--disable-warnings")
        pytest.main([*quietly, "-k", select, *map(str, files)], plugins=[cases])
        os.chdir("/")
    return print_ends(cases)


def names_ours(path: Path) -> bool:
    """Whether a test's file speaks of one of the two algorithms."""
    return any(name in path.read_text() for name in ("A2C", "PPO"))


def print_ends(cases: Cases) -> int:
    """Print the counts and the failures; returns 1 if no case was found."""
    console = Console(width=None if sys.stdout.isatty() else 160)
    ends = ", ".join(f"{count} {end}" for end, count in sorted(cases.ends.items()))
    console.print(f"{machine()}\nCases that make A2C or PPO: {ends or 'none'}")
    table = Table("failed", "because")
    for name, reason in cases.failures:
        table.add_row(name, reason)
    if cases.failures:
        console.print(table)
    return int(not cases.ends)


if __name__ == "__main__":
    start(main, __doc__)
