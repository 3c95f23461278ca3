"""A search over the settings of a method: Optuna draws them, a sweep trains them."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from routed_envs.errors import InputError
from routed_rl.extras import need
from routed_rl.naming import counted, duration, setting_text
from routed_rl.runs.divergence import REASON
from routed_rl.screen import say, screen
from routed_rl.sweeps.choosing.choice import write_choice
from routed_rl.sweeps.choosing.journal import opened
from routed_rl.sweeps.choosing.search_space import SearchSpace
from routed_rl.sweeps.choosing.trials import AIMS, Aim, Drawn, Trial, draw, judge, judged
from routed_rl.sweeps.preflight import available_cores
from routed_rl.sweeps.results import load_results
from routed_rl.sweeps.runner import sweep
from routed_rl.sweeps.sweep_folder import SweepFolder

if TYPE_CHECKING:
    from optuna import Study

REPORTED_SEED = 0
"""The chosen configuration has this seed, not one that the search has seen."""


@dataclass(frozen=True)
class Tuning:
    """What a search found.

    Attributes:
        aim: By what it chose: `overseer`, as `routed-rl choose`, or `truth`.
        trials: Best first. Those whose belief has lost touch come after the others, those without a
            score last.
        chosen: The file with the best one's configuration, for `train --config`; None without any
            score.
        folder: Of the search, which is a sweep.
        failure_text: Which runs failed, for which the search ended early; else empty.
    """

    aim: Aim
    trials: tuple[Trial, ...]
    chosen: Path | None
    folder: Path
    failure_text: str = ""


def tune(
    words: Mapping[str, Any],
    out: str | Path,
    *,
    trials: int = 30,
    aim: Aim = "overseer",
    jobs: int | None = None,
    progress: bool = True,
) -> Tuning:
    """Search the settings with which a method learns best, by Optuna's TPE (extra `tune`).

    Each trial trains a run for every seed and situation, as a sweep does, and counts what they are
    worth together. The first trial has the settings' defaults, if the search holds them. A trial of
    which a run diverged counts as the worst. A search that was stopped, or killed, goes on when it
    is called again, with more trials if more are asked for: unfinished runs are resumed, and trials
    that were open are drawn again as they were. A program that calls this needs the usual
    ``if __name__ == "__main__":``.

    Args:
        words: As `plan` takes them, of one method. A setting with several values is searched, and
            one with a text LOW..HIGH; positive numbers over a factor of 10 or more on a logarithmic
            scale. The situation (oversight and its kinds, the seed, the world or environment) is
            not searched: every trial has all that are given. Seeds are 1000 and above, unless
            `seed` says which.
        out: The search's folder, a sweep's.
        trials: How many there shall be, with those of before.
        aim: `overseer` judges by his labels of the deployed policies, as `routed-rl choose` does;
            `truth` by their true return.
        jobs: Runs at a time; one for each core if None. As many trials as fit are drawn together.
        progress: Say on standard error how far it is.

    Returns:
        What was found, and where the best configuration is.

    Raises:
        InputError: A value cannot be used, the folder holds another search or is being searched, or
            Optuna is missing.
        KeyboardInterrupt: The user stopped it; every run saved a checkpoint.
    """
    need("tune", "A search", ("optuna",))
    if aim not in AIMS:
        raise InputError(f"aim={aim!r}: give {' or '.join(AIMS)}.")
    if trials < 1:
        raise InputError(f"trials={trials}: give at least 1.")
    folder, space = SweepFolder(Path(out)), SearchSpace.of(words)
    with opened(folder, {"aim": aim, **space.to_json()}) as study:
        failure_text = _search(study, space, folder, aim, trials, jobs, progress)
        found = sorted(judged(study), key=lambda trial: trial.rank)
    chosen = None
    if found and found[0].score is not None:
        best = replace(space.configs(found[0].values)[0], seed=REPORTED_SEED)
        chosen = write_choice(best.to_json(), folder.chosen)
    return Tuning(aim, tuple(found), chosen, folder.path, failure_text)


def _search(
    study: Study,
    space: SearchSpace,
    folder: SweepFolder,
    aim: Aim,
    trials: int,
    jobs: int | None,
    progress: bool,
) -> str:
    """Draw, train and judge until there are so many trials; what failed, if that ended it."""
    started, before = time.monotonic(), len(judged(study))
    while (done := len(judged(study))) < trials:
        drawn = draw(study, space, min(trials - done, _together(space, jobs)))
        failure_text = _trained(drawn, folder, jobs, f"Trial {done + 1} of {trials}", progress)
        if failure_text:
            return failure_text
        rows = {row["run"]: row for row in load_results(folder.path)}
        for one in drawn:
            judge(study, one, rows, aim)
        if progress:
            now = judged(study)
            pace = (time.monotonic() - started) / (len(now) - before)
            _tell(now, len(drawn), trials, pace)
    return ""


def _together(space: SearchSpace, jobs: int | None) -> int:
    """How many trials are trained at a time."""
    configs = space.usual
    slots = jobs or available_cores() // max(config.threads for config in configs)
    return max(1, slots // len(configs))


def _trained(
    drawn: Sequence[Drawn], folder: SweepFolder, jobs: int | None, text: str, progress: bool
) -> str:
    """Train what is missing of some trials; which runs failed, but for those that diverged."""
    configs = [config for one in drawn for config in one.configs]
    if not configs:
        return ""
    console = screen(error=True)
    console.quiet = not progress
    with console.status(f"{text}: training {counted(len(configs), 'run')}"):
        outcome = sweep(configs, folder.path, jobs=jobs, progress=False)
    failed = tuple(run for run in outcome.failed if run.failure != REASON)
    return replace(outcome, failed=failed).failure_text


def _tell(done: Sequence[Trial], count: int, trials: int, pace: float) -> None:
    """Say how the last trials went, and how long the others will take.

    Args:
        done: All that are judged.
        count: How many of them are new.
        trials: How many there shall be.
        pace: Seconds for each.
    """
    for number, one in list(enumerate(done, 1))[-count:]:
        score = one.note if one.score is None else f"{one.score:.3f}"
        say(f"[{number}/{trials}] {score}  {values_text(one.values)}", error=True)
    scores = [one.score for one in done if one.score is not None]
    left = trials - len(done)
    if scores and left:
        say(f"Best {max(scores):.3f}; about {duration(left * pace)} left.", error=True)


def values_text(values: Mapping[str, Any]) -> str:
    """A trial's values in words."""
    return ", ".join(f"{name} {setting_text(value)}" for name, value in values.items())
