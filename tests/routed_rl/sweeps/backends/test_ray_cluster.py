"""Sweeps on a Ray cluster: a node may die in mid-sweep, and every run finishes exactly once."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from helpers import TINY, TINY_WORDS, environment, patience, tiny_with, wait_for
from patient_methods import PatientMethods

from routed_envs import InputError
from routed_rl import TrainConfig, sweep, train, write_sweep_report
from routed_rl.runs.run_log import read_log
from routed_rl.sweeps.backends import ray_connection
from routed_rl.sweeps.backends.ray_cluster import RayBackend, check_shared
from routed_rl.sweeps.backends.ray_worker import answer, answer_file, train_on_node
from routed_rl.sweeps.plan import run_name
from routed_rl.sweeps.sweep_folder import SweepFolder, by_name

pytestmark = pytest.mark.cluster

pytest.importorskip("ray", reason='needs Ray: pip install "routed-rl[ray]"')

TOKEN = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
"""Nobody else on this machine can use the test's clusters, and no token file is left."""
PATIENT_WORDS = ("--methods", "patient:NAIVE", *TINY_WORDS)
PATIENT_ENV = """
import pathlib, time
from own_env import TwoDoors, which_door
from routed_envs import Overseen

class Patient(TwoDoors):
    def step(self, action):
        if not pathlib.Path({hurry!r}).exists():
            time.sleep(0.01)
        return super().step(action)

def patient_doors(oversight):
    return Overseen(Patient(), ("left", "right"), ("left",), which_door, oversight=oversight)
"""
LONG = 120
"""Updates of a patient run that takes at least twelve seconds, so that it passes a checkpoint."""


def processes() -> Iterator[Path]:
    return (path for path in Path("/proc").iterdir() if path.name.isdigit())


def session(leader: subprocess.Popen) -> list[Path]:
    """A process that began a session, and all that it started."""
    return [path for path in processes() if _session_of(path) == leader.pid]


def _session_of(process: Path) -> int:
    try:
        return int((process / "stat").read_text().rpartition(")")[2].split()[3])
    except OSError:
        return 0


def end_session(leader: subprocess.Popen) -> None:
    """End what is left of a session; nothing of it is left afterwards."""
    while leader.poll() is None or session(leader):
        for member in session(leader):
            with suppress(ProcessLookupError):
                os.kill(int(member.name), signal.SIGKILL)
        time.sleep(0.05)


def trainings(sweep_folder: Path) -> dict[Path, str]:
    """The processes that have a file of a run open, and the run's name."""
    found = {}
    for process in processes():
        try:
            files = [Path(os.readlink(file)) for file in (process / "fd").iterdir()]
        except OSError:
            continue
        for file in files:
            if file.parent.parent == sweep_folder / "runs":
                found[process] = file.parent.name
    return found


def answers(host: str, port: int) -> bool:
    with socket.socket() as found:
        return found.connect_ex((host, port)) == 0


@dataclass
class Node:
    """A Ray node of the test's own; it and all that it starts are one session of processes."""

    process: subprocess.Popen[bytes]
    output: Path

    @classmethod
    def start(cls, output: Path, *words: str) -> Node:
        health = {"initial_delay_ms": 1000, "period_ms": 500, "timeout_ms": 5000}
        settings = {
            "RAY_health_check_failure_threshold": "3",
            "RAY_memory_monitor_refresh_ms": "0",
            **{f"RAY_health_check_{name}": str(value) for name, value in health.items()},
        }
        words = ("--block", "--num-cpus=1", "--num-gpus=0", "--disable-usage-stats", *words)
        command = [sys.executable, "-m", "ray.scripts.scripts", "start", *words]
        with output.open("w") as file:
            process = subprocess.Popen(
                [*command, "--object-store-memory=80000000"],
                env=os.environ | TOKEN | settings,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return cls(process, output)

    def is_starting(self) -> bool:
        assert self.process.poll() is None, self.output.read_text()
        return True

    def is_up(self) -> bool:
        return self.is_starting() and "Ray runtime started" in self.output.read_text()

    def kill_raylet(self) -> None:
        members = session(self.process)
        (raylet,) = (p for p in members if (p / "comm").read_text().strip() == "raylet")
        os.kill(int(raylet.name), signal.SIGKILL)


@dataclass
class Cluster:
    """A head and a second node on this machine, one CPU each."""

    address: str
    second: Node


@pytest.fixture(scope="module")
def head() -> Iterator[str]:
    """The address of a cluster's first node, with one CPU."""
    if sys.platform != "linux":
        pytest.skip("Ray has clusters of several nodes on Linux only")
    with socket.create_server(("127.0.0.2", 0)) as one, socket.create_server(("", 0)) as other:
        port, client_port = one.getsockname()[1], other.getsockname()[1]
    # A short path: Ray has sockets below it, and the names of sockets are short.
    files = Path(tempfile.mkdtemp(prefix="ray-", dir="/tmp"))
    words = ["--head", "--node-ip-address=127.0.0.2", f"--port={port}", f"--temp-dir={files}"]
    words += ["--include-dashboard=false", f"--ray-client-server-port={client_port}"]
    node = Node.start(files / "head.txt", *words)
    try:
        wait_for(lambda: node.is_starting() and answers("127.0.0.2", port))
        wait_for(node.is_up)
        yield f"127.0.0.2:{port}"
    finally:
        end_session(node.process)
        shutil.rmtree(files, ignore_errors=True)


@pytest.fixture
def cluster(head: str, tmp_path: Path) -> Iterator[Cluster]:
    """The cluster with a second node, which a test may kill."""
    second = Node.start(tmp_path / "second.txt", f"--address={head}", "--node-ip-address=127.0.0.3")
    try:
        wait_for(second.is_up)
        yield Cluster(head, second)
    finally:
        end_session(second.process)


@pytest.fixture(autouse=True)
def in_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The module of patient methods is in the current folder, where the nodes look for it."""
    monkeypatch.chdir(tmp_path)


@contextmanager
def sweeping(*words: str) -> Iterator[subprocess.Popen[str]]:
    """A sweep with Ray in a process, into the folder `sweep`; nothing of it is left afterwards."""
    words = (*words, "--out", "sweep")
    with subprocess.Popen(
        [sys.executable, "-m", "routed_rl", "sweep", "--backend", "ray", *words],
        env=environment(**TOKEN),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            end_session(process)


def test_ctrl_c_saves_every_run_and_the_sweep_goes_on_without_ray(
    patient: PatientMethods, tmp_path: Path
):
    out = tmp_path / "sweep"
    config = patient.config(updates=200)
    log = out / "runs" / run_name(config) / "log.jsonl"
    with sweeping(*PATIENT_WORDS, "--updates", "200") as process:
        wait_for(lambda: log.exists() or process.poll() is not None)
        process.send_signal(signal.SIGINT)
        shown, told = process.communicate(timeout=patience())
    assert (process.returncode, shown) == (130, ""), told
    assert "The same command goes on from here" in told
    assert log.with_name("checkpoint.pt").exists()
    assert not trainings(out)
    patient.hurry.touch()
    assert len(sweep([config], out, progress=False).trained) == 1
    assert [entry["update"] for entry in read_log(log)] == list(range(10, 201, 10))


def sweep_while_a_node_dies(
    cluster: Cluster, patient: PatientMethods, out: Path, *words: str
) -> set[str]:
    """The names of the runs of a sweep whose second node is killed in mid-run.

    The runs hurry from then on. None that was finished is trained again, and none is left running.
    """
    results: dict[Path, int] = {}

    def on_second() -> set[str]:
        members = session(cluster.second.process)
        return {name for process, name in trainings(out).items() if process in members}

    def look() -> None:
        for path in out.glob("runs/*/result.json"):
            stamp = path.stat().st_mtime_ns
            assert results.setdefault(path, stamp) == stamp, "a finished run was trained again"

    def second_passed_a_checkpoint() -> bool:
        return any((out / "runs" / name / "checkpoint.pt").exists() for name in on_second())

    with sweeping("--address", cluster.address, *words) as process:
        wait_for(lambda: look() or second_passed_a_checkpoint() or process.poll() is not None)
        interrupted = on_second()
        cluster.second.kill_raylet()
        patient.hurry.touch()
        wait_for(lambda: not on_second())
        assert interrupted.isdisjoint(path.parent.name for path in results)
        wait_for(lambda: look() or process.poll() is not None)
        shown, told = process.communicate(timeout=patience())
    assert interrupted, told
    assert process.returncode == 0, told
    look()
    names = {path.parent.name for path in results}
    assert shown.startswith(f"{len(names)} of {len(names)} runs"), "Ray itself says nothing"
    assert len(shown.splitlines()) == 2
    assert names == set(SweepFolder(out).runs())
    assert not list(out.glob("failures/*"))
    assert not list(out.glob(".shared-*"))
    wait_for(lambda: not trainings(out))
    return names


def test_a_node_that_dies_in_mid_sweep_costs_no_run_and_doubles_none(
    cluster: Cluster, patient: PatientMethods, tmp_path: Path
):
    out = tmp_path / "sweep"
    words = ["--updates", str(LONG), "20", "30", "--value-widths", "8", "16"]
    configs = by_name(
        [patient.config(updates=n, value_widths=(w,)) for n in (LONG, 20, 30) for w in (8, 16)]
    )
    names = sweep_while_a_node_dies(cluster, patient, out, *PATIENT_WORDS, *words)
    assert names == set(configs)
    for name, config in configs.items():
        run = out / "runs" / name
        logged = [entry["update"] for entry in read_log(run / "log.jsonl")]
        assert isinstance(config, TrainConfig)
        assert logged == list(range(10, config.updates + 1, 10))
        alone = train(config, tmp_path / "alone" / name, progress=False).folder
        ours, theirs = (folder / "policy.safetensors" for folder in (alone, run))
        assert ours.read_bytes() == theirs.read_bytes(), config


def test_a_node_dies_in_mid_sweep_in_an_environment_of_the_users_own_file(
    cluster: Cluster, patient: PatientMethods, tmp_path: Path
):
    out = tmp_path / "sweep"
    (tmp_path / "patient_env.py").write_text(PATIENT_ENV.format(hurry=str(patient.hurry)))
    words = [*("--env", "patient_env:patient_doors", "--methods", "inferred", "naive")]
    words += [*("--oversight", "0.2", "0.5", "--seeds", "2", "--environments", "4")]
    words += [*("--rollout-steps", "8", "--steps", "1920", "--epochs", "1", "--batch-size", "16")]
    words += [*("--evaluation-episodes", "4", "--evaluate-every", "0", "--device", "cpu")]
    names = sweep_while_a_node_dies(cluster, patient, out, *words)
    assert len(names) == 8
    for name in names:
        logged = read_log(out / "runs" / name / "log.jsonl")
        assert [entry["update"] for entry in logged] == list(range(10, 61, 10))
    page = write_sweep_report(out).read_text()
    assert "left rate" in page
    assert "diamond rate" not in page


def test_a_folder_that_a_node_does_not_share_is_refused(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("routed_rl.sweeps.backends.ray_worker.QUESTION_SECONDS", 0.1)
    here, elsewhere = tmp_path / "here", tmp_path / "elsewhere"
    here.mkdir()
    elsewhere.mkdir()

    def shares(question: Path) -> dict[str, tuple[str, str | None]]:
        return {"1": ("one (10.0.0.1)", answer(question, "1"))}

    def has_no_such_file(question: Path) -> dict[str, tuple[str, str | None]]:
        return shares(question) | {
            "2": ("two (10.0.0.2)", answer(elsewhere / question.name, "2")),
        }

    def keeps_what_it_writes(question: Path) -> dict[str, tuple[str, str | None]]:
        return {"3": ("three (10.0.0.3)", None)}

    def writes_something_else(question: Path) -> dict[str, tuple[str, str | None]]:
        answer_file(question, "4").write_text("a wrong token")
        return {"4": ("four (10.0.0.4)", None)}

    check_shared(here, shares)
    for ask, message in (
        (has_no_such_file, r"\n  two \(10\.0\.0\.2\): No such file"),
        (keeps_what_it_writes, r"\n  three .*does not arrive here"),
        (writes_something_else, r"\n  four .*does not arrive here"),
    ):
        with pytest.raises(InputError, match=message) as refusal:
            check_shared(here, ask)
        assert "one (10" not in str(refusal.value)
    assert not list(here.iterdir())
    assert not list(elsewhere.iterdir())


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("127.0.0.1:1", "No Ray cluster answers at 127.0.0.1:1 "),
        ("auto", "No Ray cluster answers at 127.0.0.9:2 "),
        ("somewhere", "give auto or HOST:PORT"),
        ("ray://127.0.0.1:1", "give auto or HOST:PORT"),
        ("127.0.0.1:99999", "give auto or HOST:PORT"),
    ],
)
def test_an_address_that_does_not_answer_is_refused_at_once(
    tmp_path: Path, monkeypatch, address: str, message: str
):
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.9:2")  # For auto: nothing ever listens there.
    started = time.monotonic()
    with pytest.raises(InputError, match=message):
        RayBackend(tmp_path, address, None, 1)
    assert time.monotonic() - started < patience(4)


def test_what_answers_but_cannot_be_used_is_refused(tmp_path: Path, monkeypatch):
    def other_version(*_: object, **__: object) -> None:
        raise RuntimeError("Version mismatch: there 1.0.0, here 2.0.0")

    monkeypatch.setattr(ray_connection, "CONNECT_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        for init, message in (
            (lambda *_, **__: time.sleep(0.5), "no answer within"),
            (other_version, "here 2.0.0"),
        ):
            monkeypatch.setattr("ray.init", init)
            with pytest.raises(InputError, match=message):
                RayBackend(tmp_path, address, None, 1)
            time.sleep(0.5)


def test_ray_that_is_not_installed_is_named(tmp_path: Path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InputError, match=r'pip install "routed-rl\[ray\]"'):
        sweep([TINY], tmp_path / "sweep", ray=True, progress=False)


def test_what_a_run_prints_goes_into_its_file_and_nowhere_else(tmp_path: Path, capfd, monkeypatch):
    folder = SweepFolder(tmp_path / "sweep")
    for part in ("runs", "output"):
        (folder.path / part).mkdir(parents=True)
    breaks, works = tiny_with(method="own_methods:BREAKS"), tiny_with(method="naive")
    folder.extend(by_name([breaks, works]), dict.fromkeys(map(run_name, (breaks, works)), 1.0))
    monkeypatch.chdir(tmp_path)
    name = run_name(breaks)
    failure = train_on_node(folder.path, name, tmp_path / "a folder that is not here")
    assert failure == "RuntimeError: a fault of mine in the fourth update"
    assert folder.output(name).read_text().splitlines()[-1] == failure
    assert train_on_node(folder.path, run_name(works), tmp_path) is None
    assert folder.finished(run_name(works))
    os.write(1, b"out")
    os.write(2, b"err")
    assert tuple(capfd.readouterr()) == ("out", "err")
