"""Runs that are killed at a chosen moment, each in a process of its own."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from routed_rl import TrainConfig, train, tune
from routed_rl.runs import loop


def train_until(config: TrainConfig, out: Path, moment: str, count: int) -> None:
    """Train, logging and saving at every update, until the process kills itself.

    Args:
        config: What to train.
        out: The run's folder.
        moment: `before a file appears`, `after a file appears` or `after a log line`.
        count: How many times this has come before, this one included.
    """
    loop.CHECKPOINT_SECONDS = 0.0
    loop.LOG_EVERY = 1
    if moment == "after a log line":
        loop.RunLog.write = killing(loop.RunLog.write, count, before=False)
    else:
        os.replace = killing(os.replace, count, before=moment == "before a file appears")
    train(config, out, resume=True)


def killing(function: Callable[..., Any], count: int, *, before: bool) -> Callable[..., Any]:
    """The function, whose call number `count` kills the process before or after it."""
    calls = 0

    def call(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == count and before:
            os.kill(os.getpid(), signal.SIGKILL)
        value = function(*args, **kwargs)
        if calls == count:
            os.kill(os.getpid(), signal.SIGKILL)
        return value

    return call


def tune_until(words: dict[str, Any], out: Path, trials: int, count: int) -> None:
    """Search, one run at a time, until the process kills itself before it writes into the journal.

    Args:
        words: What is searched.
        out: The search's folder.
        trials: How many there shall be.
        count: Before which entry of the journal it happens.
    """
    from optuna.storages.journal import JournalFileBackend

    write = killing(JournalFileBackend.append_logs, count, before=True)
    JournalFileBackend.append_logs = write
    tune(words, out, trials=trials, aim="truth", jobs=1)
