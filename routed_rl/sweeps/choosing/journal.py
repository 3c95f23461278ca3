"""A search's journal: Optuna's study in a file, which survives whatever happens to its process."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from routed_envs.errors import InputError, shown
from routed_rl.config import UNNAMED
from routed_rl.runs.run_folder import held
from routed_rl.sweeps.sweep_folder import SweepFolder

if TYPE_CHECKING:
    from optuna import Study

SEARCH = "search"
"""Under this name the study tells what decides the search."""


@contextmanager
def opened(folder: SweepFolder, decides: Mapping[str, Any]) -> Iterator[Study]:
    """The study in a search's folder, new or as it was left; others are kept out meanwhile.

    Trials that a killed process left open count as failed, and are drawn again.

    Args:
        folder: The search's.
        decides: Everything that decides the search, as plain values.

    Raises:
        InputError: The folder holds something else or another search, is being searched, or its
            journal is damaged.
    """
    import optuna

    with folder.locked():
        pass  # Refuses what is no sweep; each sweep of the search holds this lock itself.
    words = "Wait for it, or give another folder."
    refusal = f"Another process is searching in {folder.path}. {words}"
    with held(folder.search_lock, 0, refusal):
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        study = _study(folder.journal)
        before = study.user_attrs.get(SEARCH)
        if before is None:
            study.set_user_attr(SEARCH, dict(decides))
        else:
            _refuse_another(folder.path, before, decides)
        for trial in study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.RUNNING,)):
            study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
        yield study


def _study(path: Path) -> Study:
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    # Only a killed process can have left it: whoever searches holds a lock of ours.
    path.with_name(f"{path.name}.lock").unlink(missing_ok=True)
    _cut_torn_line(path)
    try:
        storage = JournalStorage(JournalFileBackend(str(path)))
        return optuna.create_study(
            storage=storage, study_name=SEARCH, direction="maximize", load_if_exists=True
        )
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path} is damaged ({error}). Move it away to search anew: finished runs are kept."
        ) from None


def _cut_torn_line(path: Path) -> None:
    """Cut off what a killed process wrote of a line: the next one would be joined to it."""
    if path.is_file():
        whole = path.read_bytes().rfind(b"\n") + 1
        with path.open("r+b") as file:
            file.truncate(whole)


def _refuse_another(path: Path, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    # As the journal holds it: tuples are lists there.
    wanted = json.loads(json.dumps(now))
    there = {name: _filled(name, values) for name, values in before.items()}
    lines = [
        f"  {name}: there {shown(there.get(name))}, here {shown(wanted.get(name))}"
        for name in dict.fromkeys((*there, *wanted))
        if there.get(name) != wanted.get(name)
    ]
    if lines:
        raise InputError(
            "\n".join((f"{path} holds another search:", *lines))
            + "\nGive the same words (--trials may be larger), or another --out."
        )


def _filled(name: str, values: Any) -> Any:
    """What a journal says of a setting; earlier versions wrote None for a default left out."""
    if name not in UNNAMED or not isinstance(values, list):
        return values
    return [UNNAMED[name] if value is None else value for value in values]
