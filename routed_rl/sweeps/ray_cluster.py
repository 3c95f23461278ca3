"""Runs on a Ray cluster whose machines share the sweep's folder, or on Ray on this machine."""

from __future__ import annotations

import logging
import os
import secrets
import socket
import sys
import sysconfig
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from routed_envs.errors import InputError
from routed_rl.sweeps.estimate import available_cores
from routed_rl.sweeps.folder import SweepFolder
from routed_rl.sweeps.local import Ended
from routed_rl.sweeps.ray_worker import answer, answer_file, train_on_node
from routed_rl.sweeps.worker import last_lines

PROBE_SECONDS = 3.0
CONNECT_SECONDS = 20.0
"""How long something may listen at an address and yet be no Ray cluster."""
ANSWER_SECONDS = 60.0
"""How long a node may take to start a process and answer."""
NODES_SECONDS = 2.0
"""How often the cluster's nodes are counted."""
CLOSE_SECONDS = 5.0
RETRIES = 20
"""How often a run starts again because its node or its process died."""
OBJECT_STORE_BYTES = 80_000_000
"""Near the least that Ray takes; a sweep sends nothing but names."""


class RayBackend:
    """Trains on a Ray cluster: each run is a task that starts again where its node dies.

    The cluster's machines see the sweep's folder under the same path and have routed-rl installed,
    or find it under the same path; so with the modules of methods of your own. A run on a machine
    with a GPU may use it, beside the others there.

    Args:
        path: The sweep's folder.
        address: `auto` or HOST:PORT; Ray is started on this machine if None.
        jobs: Runs at a time; what the cluster holds at the moment if None. A cluster that grows
            by itself grows only when more are given than it holds.
        threads: CPUs that a run takes.

    Raises:
        InputError: Ray is missing or in use, no cluster answers, no node has enough CPUs, or a node
            does not share the folder. Nothing was started.
    """

    def __init__(self, path: Path, address: str | None, jobs: int | None, threads: int) -> None:
        self._sweep = SweepFolder(path.resolve())
        self._jobs, self._threads = jobs, threads
        self._running: dict[Any, str] = {}
        self._counted, self._slots = -NODES_SECONDS, 1
        self._ray = _installed_ray()
        _connect(self._ray, address)
        try:
            check_shared(self._sweep.path, self._ask)
        except BaseException:
            self.close()
            raise
        task = self._ray.remote(num_cpus=threads, max_retries=RETRIES, retry_exceptions=False)
        self._train = task(train_on_node)

    @property
    def slots(self) -> int:
        """How many runs train at a time; nodes may come and go."""
        if self._jobs is not None:
            return self._jobs
        if time.monotonic() - self._counted >= NODES_SECONDS:
            cpus = [node["Resources"].get("CPU", 0) for node in self._nodes()]
            self._slots = max(1, sum(int(count // self._threads) for count in cpus))
            self._counted = time.monotonic()
        return self._slots

    def start(self, name: str) -> None:
        """Start a run, as soon as a node has room for it.

        Args:
            name: One that is not running.
        """
        self._running[self._train.remote(self._sweep.path, name, Path.cwd())] = name

    def ended(self) -> list[Ended]:
        """The runs that ended since the last call."""
        if not self._running:
            return []
        tasks = list(self._running)
        over, _ = self._ray.wait(tasks, num_returns=len(tasks), timeout=0)
        return [self._collect(task) for task in over]

    def interrupt(self) -> None:
        """Ask every run to save and end; Ray sends each the signal of Ctrl-C."""
        for task in self._running:
            self._ray.cancel(task, force=False)

    def close(self) -> None:
        """End every run at once, and leave the cluster."""
        for task in self._running:
            self._ray.cancel(task, force=True)
        if self._running:
            tasks = list(self._running)
            self._ray.wait(tasks, num_returns=len(tasks), timeout=CLOSE_SECONDS)
        self._running.clear()
        self._ray.shutdown()

    def _collect(self, task: Any) -> Ended:
        """How a run ended."""
        name = self._running.pop(task)
        failure = self._outcome(task)
        if failure is None or self._sweep.finished(name):
            return Ended(name)
        return Ended(name, failure, tuple(last_lines(self._sweep.output(name))))

    def _outcome(self, task: Any) -> str | None:
        """What went wrong with a task that ended, in a few words, or None."""
        try:
            return self._ray.get(task)
        except self._ray.exceptions.TaskCancelledError:
            return "stopped"
        except self._ray.exceptions.RayTaskError as error:
            return str(error).strip().splitlines()[-1]
        except self._ray.exceptions.RayError as error:
            return f"{type(error).__name__}: {_first_line(error)}"

    def _nodes(self) -> list[dict[str, Any]]:
        """The nodes that are alive and can hold a run."""
        alive = [node for node in self._ray.nodes() if node["Alive"]]
        return [node for node in alive if node["Resources"].get("CPU", 0) >= self._threads]

    def _ask(self, question: Path) -> dict[str, tuple[str, str | None]]:
        """Let every node answer a question; see `check_shared`."""
        nodes = self._nodes()
        if not nodes:
            raise InputError(
                f"threads={self._threads}: no node of the Ray cluster has so many CPUs. Give fewer "
                "threads, or add a larger node."
            )
        ask = self._ray.remote(num_cpus=0, max_retries=1)(answer)
        tasks = {
            ask.options(scheduling_strategy=_only_on(node)).remote(question, node["NodeID"]): node
            for node in nodes
        }
        over, _ = self._ray.wait(list(tasks), num_returns=len(tasks), timeout=ANSWER_SECONDS)
        late = f"it did not answer within {ANSWER_SECONDS:.0f} s"
        return {
            node["NodeID"]: (
                f"{node['NodeManagerHostname']} ({node['NodeManagerAddress']})",
                self._outcome(task) if task in over else late,
            )
            for task, node in tasks.items()
        }


def check_shared(folder: Path, ask: Callable[[Path], Mapping[str, tuple[str, str | None]]]) -> None:
    """Refuse a folder that the nodes do not share with this process.

    Args:
        folder: One that exists.
        ask: Lets every node `answer` the question in a file; gives for each node's id what it is
            called, and what went wrong or None.

    Raises:
        InputError: A node did not read what was written here, or it wrote what cannot be read here.
    """
    question, token = folder / f".shared-{secrets.token_hex(8)}", secrets.token_bytes(16)
    try:
        question.write_bytes(token)
        faults = [
            f"  {name}: {fault or 'what it writes does not arrive here'}"
            for node, (name, fault) in ask(question).items()
            if fault or not _arrives(answer_file(question, node), token)
        ]
    finally:
        for file in folder.glob(f"{question.name}*"):
            file.unlink(missing_ok=True)
    if faults:
        raise InputError(
            f"Not every node of the Ray cluster shares the folder {folder}:\n"
            + "\n".join(faults)
            + "\nGive a folder on a file system that all nodes have under the same path."
        )


def _arrives(file: Path, token: bytes) -> bool:
    """Whether a node's answer can be read here."""
    return file.exists() and file.read_bytes() == token


def _only_on(node: Mapping[str, Any]) -> Any:
    """What makes a task run on one node and nowhere else."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    return NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)


def _installed_ray() -> ModuleType:
    """Ray, if it can be used."""
    try:
        import ray
    except ImportError:
        raise InputError(
            '--backend ray needs the package ray. Install it: pip install "routed-rl[ray]"'
        ) from None
    if ray.is_initialized():
        raise InputError("This program uses Ray already. Call ray.shutdown() before the sweep.")
    return ray


def _connect(ray: ModuleType, address: str | None) -> None:
    """Connect to a cluster, or start one on this machine, without a word from Ray."""
    logging.getLogger("ray").setLevel(logging.ERROR)
    # Ray prints its nodes' messages to standard output and has no setting against it.
    ray._private.worker._worker_logs_enabled = False
    options: dict[str, Any] = {
        "logging_level": logging.ERROR,
        "log_to_driver": False,
        "runtime_env": {"env_vars": _environment()},
    }
    if address is not None:
        _probe(address)
        fault = f"{address} is no Ray cluster that this machine can use"
        _call_within(CONNECT_SECONDS, lambda: ray.init(address, **options), fault)
        return
    options |= {"num_cpus": available_cores(), "object_store_memory": OBJECT_STORE_BYTES}
    try:
        # In this thread: what Ray starts ends together with the thread that started it.
        ray.init("local", include_dashboard=False, **options)
    except Exception as error:
        raise InputError(f"Ray does not start on this machine: {_first_line(error)}") from None


def _environment() -> dict[str, str]:
    """The environment variables of the nodes' processes."""
    own = (sysconfig.get_path("stdlib"), *map(sysconfig.get_path, ("purelib", "platlib")))
    folders = [str(Path(entry).resolve()) for entry in sys.path if Path(entry).is_dir()]
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


ADVICE = "Start one with `ray start --head`, or leave the address out to use this machine alone."


def _running_here() -> str:
    """The address of the cluster to which this machine belongs."""
    from ray._private.services import canonicalize_bootstrap_address

    try:
        found = canonicalize_bootstrap_address("auto")
    except ConnectionError:
        found = None
    if found is None:
        raise InputError(f"address='auto': no Ray cluster runs on this machine. {ADVICE}")
    return found


def _call_within(seconds: float, function: Callable[[], object], fault: str) -> None:
    """Call a function that may never return; whatever goes wrong is the fault."""
    errors: list[Exception] = [TimeoutError(f"no answer within {seconds:.0f} s")]

    def call() -> None:
        try:
            function()
            errors.clear()
        except Exception as error:
            errors[:] = [error]

    # A thread that still waits ends with the program.
    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        cause = errors[0].__cause__ or errors[0]
        raise InputError(f"{fault}: {_first_line(cause)}")


def _first_line(error: BaseException) -> str:
    """What an error says, in short."""
    return str(error).strip().partition("\n")[0]
