"""Runs on this machine: what a signal in the wrong moment leaves."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from helpers import TINY

from routed_rl.sweeps.backends.local import LocalBackend
from routed_rl.sweeps.plan import run_name
from routed_rl.sweeps.sweep_folder import SweepFolder


def test_ctrl_c_while_a_run_is_started_comes_when_the_run_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    name = run_name(TINY)
    folder = SweepFolder(tmp_path)
    folder.extend({name: TINY}, {name: 1.0})
    backend = LocalBackend(tmp_path, 1)
    # The first thing that starting does; a parent that left here would start nothing.
    monkeypatch.setattr(
        "routed_rl.sweeps.backends.local._start_server",
        lambda: signal.raise_signal(signal.SIGINT),
    )
    try:
        with pytest.raises(KeyboardInterrupt):
            backend.start(name)
        assert backend.running == 1
    finally:
        backend.close()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
