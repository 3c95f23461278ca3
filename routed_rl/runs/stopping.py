"""Signals that end a program, all taken the same way as Ctrl-C. Imports nothing heavy."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

POLITE = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))
"""With these a scheduler, or a terminal that is closed, asks a program to end."""


class StopSignal(KeyboardInterrupt):
    """As Ctrl-C, of another signal.

    Args:
        number: The signal's.
    """

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number

    @property
    def name(self) -> str:
        """The signal's name, such as SIGTERM."""
        return signal.Signals(self.number).name


class Stop:
    """Whether a run was asked to end.

    Attributes:
        number: The signal that asked; None if none did.
    """

    number: int | None = None

    def end(self) -> NoReturn:
        """End as whoever asked expects.

        Raises:
            KeyboardInterrupt: Always; a `StopSignal` unless it was Ctrl-C.
        """
        assert self.number is not None, "somebody asked"
        raise KeyboardInterrupt if self.number == signal.SIGINT else StopSignal(self.number)


@contextmanager
def noticing() -> Iterator[Stop]:
    """Notice the signals that end a program, instead of being ended; a second one ends at once.

    A signal that the process ignores, as under `nohup`, stays ignored.
    """
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, *POLITE)}
    before = {number: handler for number, handler in before.items() if handler != signal.SIG_IGN}

    def note(number: int, frame: FrameType | None) -> None:
        stop.number = number
        signal.signal(number, before[number])

    for number in before:
        signal.signal(number, note)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def raising() -> Iterator[None]:
    """Let the polite signals raise `StopSignal`, as Ctrl-C raises KeyboardInterrupt."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in POLITE}
    before = {number: handler for number, handler in before.items() if handler == signal.SIG_DFL}

    def stop(number: int, frame: FrameType | None) -> None:
        raise StopSignal(number)

    for number in before:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
