"""Runs on a Ray cluster whose machines share the sweep's folder, or on Ray on this machine."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from routed_envs.errors import InputError
from routed_rl.sweeps.backends.base import Ended
from routed_rl.sweeps.backends.ray_connection import connect, disconnect, in_words, installed_ray
from routed_rl.sweeps.backends.ray_worker import answer, answer_file, train_on_node
from routed_rl.sweeps.sweep_folder import SweepFolder

ANSWER_SECONDS = 60.0
"""How long a node may take to start a process and answer."""
NODES_SECONDS = 2.0
"""How often the cluster's nodes are counted."""
CLOSE_SECONDS = 5.0
RETRIES = 20
"""How often a run starts again because its node or its process died."""


class RayBackend:
    """Trains on a Ray cluster: each run is a task that starts again where its node dies.

    The cluster's machines see the sweep's folder under the same path and have routed-rl installed,
    or find it under the same path; so with the modules of methods of your own. A run on a machine
    with a GPU may use it, beside the others there. If the head dies, Ray ends this process within a
    minute; the same sweep called again continues.

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
        self._sweep = SweepFolder(path.absolute())
        self._jobs, self._threads = jobs, threads
        self._running: dict[Any, str] = {}
        self._counted, self._slots = -NODES_SECONDS, 1
        self._ray = installed_ray()
        connect(self._ray, address)
        try:
            check_shared(self._sweep.path, self._ask)
        except BaseException:
            self.close()
            raise
        task = self._ray.remote(num_cpus=threads, max_retries=RETRIES, retry_exceptions=False)
        self._train = task(train_on_node)

    @property
    def running(self) -> int:
        """The runs whose end was not told yet."""
        return len(self._running)

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
        """Start a run that is not running, as soon as a node has room for it."""
        self._running[self._train.remote(self._sweep.path, name, Path.cwd())] = name

    def ended(self) -> list[Ended]:
        """The runs that ended since the last call."""
        return [self._collect(task) for task in self._over(self._running, 0)]

    def interrupt(self) -> None:
        """Ask every run to save and end; Ray sends each the signal of Ctrl-C."""
        for task in self._running:
            self._ray.cancel(task, force=False)

    def close(self) -> None:
        """End every run at once, and leave the cluster."""
        for task in self._running:
            self._ray.cancel(task, force=True)
        self._over(self._running, CLOSE_SECONDS)
        self._running.clear()
        disconnect(self._ray)

    def _over(self, tasks: Mapping[Any, Any], seconds: float) -> list[Any]:
        """The tasks that are over once all are, or after so many seconds."""
        return self._ray.wait(list(tasks), num_returns=len(tasks), timeout=seconds)[0]

    def _collect(self, task: Any) -> Ended:
        name = self._running.pop(task)
        return Ended.of(self._sweep, name, self._outcome(task))

    def _outcome(self, task: Any) -> str | None:
        """What went wrong with a task that ended, in a few words, or None."""
        try:
            return self._ray.get(task)
        except self._ray.exceptions.TaskCancelledError:
            return "stopped"
        except self._ray.exceptions.RayTaskError as error:
            return str(error).strip().splitlines()[-1]
        except self._ray.exceptions.RayError as error:
            return f"{type(error).__name__}: {in_words(error)}"

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
        only_on = self._ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy
        tasks = {
            ask.options(scheduling_strategy=only_on(node["NodeID"], soft=False)).remote(
                question, node["NodeID"]
            ): node
            for node in nodes
        }
        over = self._over(tasks, ANSWER_SECONDS)
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
    return file.exists() and file.read_bytes() == token
