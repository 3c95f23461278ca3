"""The way to a Ray cluster: one that is refused within seconds where there is none."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import sysconfig
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType

from routed_envs.errors import InputError
from routed_rl.extras import need
from routed_rl.sweeps.preflight import available_cores

PROBE_SECONDS = 3.0
CONNECT_SECONDS = 20.0
"""How long something may listen at an address and yet be no Ray cluster."""
OBJECT_STORE_BYTES = 80_000_000
"""Near the least that Ray takes; a sweep sends nothing but names."""
ADVICE = "Start one with `ray start --head`, or leave the address out to use this machine alone."
NO_ANSWER = (
    f"no answer within {CONNECT_SECONDS:.0f} s. This machine must be one of the cluster's nodes; "
    "if the cluster asks for a token, set RAY_AUTH_MODE=token here."
)


def installed_ray() -> ModuleType:
    """Ray, if it can be used.

    Raises:
        InputError: It is not installed, or this program is connected to a cluster already.
    """
    need("ray", "--backend ray", ("ray",))
    import ray

    if ray.is_initialized():
        raise InputError("This program uses Ray already. Call ray.shutdown() before the sweep.")
    return ray


def connect(ray: ModuleType, address: str | None) -> None:
    """Connect to a cluster, or start one on this machine, without a word from Ray.

    Args:
        ray: The module.
        address: `auto` or HOST:PORT; one on this machine if None.

    Raises:
        InputError: No cluster answers there, or it cannot be used.
    """
    logging.getLogger("ray").setLevel(logging.ERROR)
    _show_messages(ray, False)
    quiet = {"logging_level": logging.ERROR, "log_to_driver": False}
    start = partial(ray.init, runtime_env={"env_vars": _environment()}, **quiet)
    # Ray ends the program by itself when it is asked to end, and no run would be saved.
    before = signal.getsignal(signal.SIGTERM)
    try:
        if address is None:
            _start_here(start)
        else:
            _probe(address)
            fault = f"{address} is no Ray cluster that this machine can use"
            _call_in_time(lambda: start(address), fault)
    except BaseException:
        _show_messages(ray, True)
        raise
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)


def disconnect(ray: ModuleType) -> None:
    """Leave the cluster to which the module is connected, and end it if it was started here."""
    ray.shutdown()
    _show_messages(ray, True)


def in_words(error: BaseException) -> str:
    """What an error of Ray's says, without the tracebacks that it may hold."""
    words = str(error.__cause__ or error).strip()
    return words.splitlines()[-1].strip() if "Traceback" in words else words


def _show_messages(ray: ModuleType, shown: bool) -> None:
    """Ray prints its nodes' messages to standard output, and has no setting against it."""
    ray._private.worker._worker_logs_enabled = shown


def _start_here(start: Callable[..., object]) -> None:
    """Start Ray on this machine; what it starts ends with the thread that called this."""
    sizes = {"num_cpus": available_cores(), "object_store_memory": OBJECT_STORE_BYTES}
    try:
        start("local", include_dashboard=False, **sizes)
    except Exception as error:
        raise InputError(f"Ray does not start on this machine: {in_words(error)}") from None


def _environment() -> dict[str, str]:
    own = tuple(map(sysconfig.get_path, ("stdlib", "purelib", "platlib")))
    folders = [os.path.abspath(entry) for entry in sys.path if Path(entry).is_dir()]
    # The interpreter's own folders are each machine's own.
    ours = [folder for folder in folders if not folder.startswith(own)]
    return {
        "PYTHONPATH": os.pathsep.join(dict.fromkeys(ours)),
        # Ray would hide the GPUs from tasks that do not reserve one.
        "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    }


def _probe(address: str) -> None:
    """Refuse at once where nothing listens; Ray itself would try for minutes."""
    if address == "auto":
        address = _running_here()
    host, _, port = address.rpartition(":")
    if not host or "/" in host or not port.isdigit() or int(port) > 65535:
        raise InputError(f"address={address!r}: give auto or HOST:PORT, such as 10.0.0.1:6379.")
    try:
        socket.create_connection((host.strip("[]"), int(port)), PROBE_SECONDS).close()
    except OSError as error:
        raise InputError(f"No Ray cluster answers at {address} ({error}). {ADVICE}") from None


def _running_here() -> str:
    from ray._private.services import canonicalize_bootstrap_address

    try:
        found = canonicalize_bootstrap_address("auto")
    except ConnectionError:
        found = None
    if found is None:
        raise InputError(f"address='auto': no Ray cluster runs on this machine. {ADVICE}")
    return found


def _call_in_time(function: Callable[[], object], fault: str) -> None:
    """Call a function that may never return; whatever goes wrong is told after the fault."""
    errors: list[Exception] = [TimeoutError(NO_ANSWER)]

    def call() -> None:
        try:
            function()
            errors.clear()
        except Exception as error:
            errors[:] = [error]

    # A thread that still waits ends with the program.
    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(CONNECT_SECONDS)
    if errors:
        raise InputError(f"{fault}: {in_words(errors[0])}")
