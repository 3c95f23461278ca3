"""`routed-rl tune`."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

import routed_rl
from routed_rl.cli.commands.choose import CAUTION, training_command, warn_of_few
from routed_rl.cli.commands.sweep import EnvironmentSettings, Settings, sweeps_environments
from routed_rl.cli.options import Flag, OutFolder, optional
from routed_rl.config import DEFAULT_METHOD
from routed_rl.screen import ScreenTable, print_json, say, screen

if TYPE_CHECKING:
    from routed_rl import Tuning
    from routed_rl.sweeps.choosing.trials import Trial

MOST_SHOWN = 10
"""Trials of which the table tells; --json tells of all."""


@dataclass(frozen=True)
class Tune:
    """Search the settings with which a method learns best: Optuna draws, a sweep trains.

    A setting with a range LOW..HIGH or with several values is searched (positive ranges over a
    factor of 10 on a logarithmic scale), one with a single value is fixed. Of the oversight and its
    kinds, the grid and the world every trial has all values that are given. The first trial has the
    defaults. Ctrl-C saves; the same command goes on, also after a kill or with more trials. For
    example:

    routed-rl tune --learning-rate 0.0005..0.01 --weight-decay 0 0.1 1 --out sweeps/tuned

    In environments of Gymnasium's or of your own: `routed-rl tune --env ID --help`. The folder is a
    sweep's: `status` and `report` work on it. It needs pip install "routed-rl[tune]".

    Attributes:
        settings: The runs' settings.
        method: The method that is searched (`routed-rl methods` lists them), or module:object.
        aim: What a trial is worth. overseer: the wanted endings' share of those that he saw of the
            deployed policies, as `routed-rl choose` has it. truth: their true return, which nobody
            knows under real oversight.
        trials: How many there shall be, with those of before.
        seeds: Runs of a trial in each situation: a number n for the seeds 1000 to 999 + n, which no
            reported figure should have; --seed takes a list of seeds instead.
        preset: Where the settings come from that are not given: fast or paper.
        out: The search's folder. Left out, it is sweeps/tuned-METHOD-AIM.
        jobs: Runs at a time. Left out, one for each core.
        json: Print one JSON object instead of a table: the `aim`, the `chosen` file, and of each of
            the `trials`, the best first, its `values`, its `score` (null where a run diverged or
            the overseer saw nothing), a `note`, the overseer's `labels` (null where the score is
            exact), its `runs`, and whether it has the `usual` values.
    """

    settings: Annotated[Settings, tyro.conf.arg(name="")] = field(default_factory=Settings)  # pyright: ignore[reportInvalidTypeForm]
    method: str = DEFAULT_METHOD
    aim: Literal["overseer", "truth"] = "overseer"
    trials: int = 30
    seeds: Annotated[str | None, optional("N", "1")] = None
    preset: Annotated[str | None, optional("{fast,paper}", "fast")] = None
    out: OutFolder = None
    jobs: Annotated[int | None, optional("N")] = None
    json: Flag = False

    def run(self) -> None:
        """Search, then print the best trials and the command that trains with the best one.

        Raises:
            SystemExit: Some runs failed, or no trial has a score.
        """
        options = {"methods": self.method, "seeds": self.seeds, "preset": self.preset}
        words: dict[str, Any] = dataclasses.asdict(self.settings) | options
        found = routed_rl.tune(
            {name: values for name, values in words.items() if values is not None},
            self.out or Path("sweeps") / f"tuned-{self.method.replace(':', '.')}-{self.aim}",
            trials=self.trials,
            aim=self.aim,
            jobs=self.jobs,
        )
        if self.json:
            print_json(dataclasses.asdict(found))
        else:
            _print_trials(found)
        if found.failure_text or found.chosen is None:
            why = "No trial has a score: give ranges in which runs do not diverge, or more labels."
            say(found.failure_text or why, error=True)
            raise SystemExit(1)


@dataclass(frozen=True)
class TuneInEnvironments(Tune):
    """Search the settings with which a method learns best in an environment.

    A setting with a range LOW..HIGH or with several values is searched, one with a single value is
    fixed. More is told by `routed-rl tune --help`. For example:

    routed-rl tune --env my_env:make --learning-rate 0.0003..0.003 --trials 20 --out sweeps/tuned
    """

    settings: Annotated[EnvironmentSettings, tyro.conf.arg(name="")] = field(  # pyright: ignore[reportInvalidTypeForm]
        default_factory=EnvironmentSettings
    )
    preset: tyro.conf.Suppress[None] = None


def _print_trials(found: Tuning) -> None:
    """Print the best trials, by what they were judged, and what to do with the best one."""
    from routed_rl.naming import counted
    from routed_rl.runs.run_folder import read_json
    from routed_rl.sweeps.choosing.trials import AIMS

    caution = CAUTION if found.aim == "overseer" else "A comparison must search every method so."
    caption = f"Score, the aim {found.aim}: {AIMS[found.aim]}. {caution}"
    table = ScreenTable(("trial's values", "score", "labels", "note"), caption=caption)
    for trial in found.trials[:MOST_SHOWN]:
        table.add(*_cells(trial))
    screen().print(table)
    unscored = sum(trial.score is None for trial in found.trials)
    if unscored:
        say(f"{counted(unscored, 'trial')} of {len(found.trials)} without a score.")
    if found.chosen is None:
        return
    if found.aim == "overseer":
        warn_of_few(found.trials[0].labels)
    config = read_json(found.chosen)
    say(f"Train with the best one:\n  {training_command(config, found.chosen)}")


def _cells(trial: Trial) -> tuple[str, str, str, str]:
    from routed_rl.charts.text import NONE, number_text
    from routed_rl.sweeps.choosing.tuning import values_text

    labels = "exact" if math.isinf(trial.labels) else f"{trial.labels:,.0f}"
    usual = "(the defaults)" if trial.usual else ""
    notes = ", ".join(note for note in (usual, trial.note) if note)
    score = NONE if trial.score is None else number_text(trial.score)
    return values_text(trial.values), score, labels, notes


def parse(words: list[str]) -> Tune | TuneInEnvironments:
    """The command that the words name, with its options: of the gridworld or of an environment."""
    kind = TuneInEnvironments if sweeps_environments(words) else Tune
    return tyro.cli(kind, prog="routed-rl tune", args=words)
