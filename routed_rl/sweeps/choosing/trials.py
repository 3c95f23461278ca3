"""The trials of a search: what is drawn, how it is judged, and what the journal holds of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from routed_envs.errors import InputError
from routed_rl.any_config import AnyConfig
from routed_rl.runs.divergence import REASON
from routed_rl.sweeps.choosing.choice import candidate
from routed_rl.sweeps.choosing.search_space import SearchSpace
from routed_rl.sweeps.plan import run_name
from routed_rl.sweeps.results import Row

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial
    from optuna.trial import Trial as OpenTrial

Aim = Literal["overseer", "truth"]
AIMS: Mapping[Aim, str] = {
    "overseer": "the wanted endings' share of those that the overseer saw of the deployed policies",
    "truth": "the true return of the deployed policies, which no overseer knows",
}
"""By what a search chooses: its score, over all runs of a trial."""
LOST, UNSEEN = "its belief has lost touch", "the overseer saw no ending"
USUAL = "usual"
"""Marks the trial of the defaults."""


@dataclass(frozen=True)
class Trial:
    """Values that a search tried.

    Attributes:
        values: What was searched, by the settings' names.
        score: As `AIMS` says; None where there is none.
        note: Why there is no score, or what speaks against it; else empty.
        labels: How many endings the overseer saw; infinite if his share was computed.
        runs: The names of its runs in the sweep.
        usual: Whether the values are the settings' defaults, tried first.
    """

    values: Mapping[str, Any]
    score: float | None
    note: str
    labels: float
    runs: tuple[str, ...]
    usual: bool

    @property
    def rank(self) -> tuple[bool, bool, float]:
        """Smaller is better: without a score last, before them those that have lost touch."""
        return self.score is None, self.note == LOST, -(self.score or 0.0)


@dataclass(frozen=True)
class Drawn:
    """Values that were drawn and are not judged yet.

    Attributes:
        trial: Optuna's.
        configs: The runs in which they are tried; none if they do not fit together.
        note: Why they do not.
    """

    trial: OpenTrial
    configs: Sequence[AnyConfig]
    note: str = ""


def judged(study: Study) -> list[Trial]:
    """The trials that are judged, in the order in which they were drawn."""
    return [_record(trial) for trial in _finished(study)]


def draw(study: Study, space: SearchSpace, count: int) -> list[Drawn]:
    """Draw values for so many trials; the first trial of all has the defaults.

    The random numbers of each are decided by how many trials are judged: one that a killed process
    left open is drawn again as it was.
    """
    from optuna.samplers import TPESampler

    done, drawn = len(_finished(study)), []
    usual = space.defaults() if done == 0 else None
    if usual is not None:
        study.enqueue_trial(usual, user_attrs={USUAL: True})
    for number in range(done, done + count):
        study.sampler = TPESampler(seed=number)
        trial = study.ask()
        values = _suggested(trial, space)
        try:
            drawn.append(Drawn(trial, space.configs(values)))
        except InputError as error:
            drawn.append(Drawn(trial, (), str(error)))
    return drawn


def judge(study: Study, drawn: Drawn, results: Mapping[str, Row], aim: Aim) -> None:
    """Write into the journal what trained values are worth; none whose run diverged have a score.

    Args:
        study: Holds the trial.
        drawn: The trial.
        results: The rows of finished runs, by the runs' names.
        aim: By what it is judged.
    """
    from optuna.trial import TrialState

    names = [run_name(config) for config in drawn.configs]
    rows = [results[name] for name in names if name in results]
    score, note, labels = None, drawn.note or REASON, 0.0
    if rows and len(rows) == len(names):
        score, note, labels = _worth(rows, aim)
    for name, value in {"runs": names, "score": score, "note": note, "labels": labels}.items():
        drawn.trial.set_user_attr(name, value)
    if score is None:
        study.tell(drawn.trial, state=TrialState.PRUNED)  # The sampler takes it for the worst.
    else:
        # As `Trial.rank` has it, for shares are at most 1.
        study.tell(drawn.trial, score - (note == LOST))


def _worth(rows: Sequence[Row], aim: Aim) -> tuple[float | None, str, float]:
    """The score of a trial's runs, what speaks against it, and the overseer's labels of them."""
    seen = candidate(rows, ())
    if aim == "truth":
        return math.fsum(row["episode_return"] for row in rows) / len(rows), "", seen.labels
    note = UNSEEN if seen.score is None else LOST if seen.lost_touch else ""
    return seen.score, note, seen.labels


def _finished(study: Study) -> list[FrozenTrial]:
    from optuna.trial import TrialState

    return study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))


def _suggested(trial: OpenTrial, space: SearchSpace) -> dict[str, Any]:
    """The values that Optuna suggests for a trial."""
    values: dict[str, Any] = {}
    for name, between in space.ranges.items():
        if isinstance(between.low, int) and isinstance(between.high, int):
            values[name] = trial.suggest_int(name, between.low, between.high, log=between.log)
        else:
            values[name] = trial.suggest_float(name, between.low, between.high, log=between.log)
    for name, choices in space.choices.items():
        values[name] = trial.suggest_categorical(name, choices)
    return values


def _record(trial: FrozenTrial) -> Trial:
    told = trial.user_attrs
    return Trial(
        values=trial.params,
        score=told["score"],
        note=told["note"],
        labels=told["labels"],
        runs=tuple(told["runs"]),
        usual=told.get(USUAL, False),
    )
