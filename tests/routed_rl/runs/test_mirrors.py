"""What repeats a run's log: the same figures at the same updates, and nothing of the machine."""

from __future__ import annotations

import io
import json
import socket
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers import small_with

from routed_envs import InputError
from routed_rl import read_log, train
from routed_rl.cli.main import main
from routed_rl.runs.mirrors import curves, scalars

pytestmark = pytest.mark.slow

BLOCK = 32_768
PRIVATE = (sys.executable, str(Path(__file__).parents[3]), "hypothesis==")
"""This machine's places, and the list of what is installed."""


@pytest.fixture(autouse=True)
def forgetful() -> Iterator[None]:
    """Weights & Biases reads its environment once a process; each test has its own."""
    import wandb

    yield
    wandb.teardown()


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights & Biases without a network."""
    monkeypatch.setenv("WANDB_MODE", "offline")


def records(run: Path) -> Iterator[Any]:
    """What Weights & Biases wrote for a later upload, in the order of its processes.

    The file has a head of 7 bytes, then blocks of 32 KiB; in a block each piece of a record has a
    head of checksum (4 bytes), length (2) and kind (1: 1 whole, 2 first, 3 middle, 4 last).
    """
    from wandb.proto.wandb_internal_pb2 import Record  # pyright: ignore[reportAttributeAccessIssue]

    for file in sorted(
        run.glob("wandb/offline-run-*/*.wandb"), key=lambda path: path.stat().st_ctime
    ):
        content, place, whole = file.read_bytes(), 7, b""
        while place + 7 <= len(content):
            if BLOCK - place % BLOCK < 7:
                place += BLOCK - place % BLOCK
                continue
            length, kind = struct.unpack("<HB", content[place + 4 : place + 7])
            whole += content[place + 7 : place + 7 + length]
            place += 7 + length
            if kind in (1, 4):
                record = Record()
                record.ParseFromString(whole)
                yield record
                whole = b""


def logged(run: Path) -> list[dict[str, Any]]:
    """The entries that Weights & Biases was given."""
    return [
        {
            ".".join(item.nested_key) or item.key: json.loads(item.value_json)
            for item in r.history.item
        }
        for r in records(run)
        if r.WhichOneof("record_type") == "history"
    ]


def test_weights_and_biases_repeats_the_log_without_a_network(tmp_path: Path, offline: None):
    run = train(small_with(updates=20, evaluate_every=10), tmp_path / "run", wandb=True)
    entries = read_log(run.folder / "log.jsonl")
    found = logged(run.folder)
    assert [row["_step"] for row in found] == [entry["update"] for entry in entries] == [10, 20]
    for row, entry in zip(found, entries, strict=True):
        assert {name: row[name] for name in curves(entry)} == curves(entry)
        assert row["evaluation/ghost/diamond_rate"] == entry["evaluation"]["ghost"]["diamond_rate"]
    (started,) = [r.run for r in records(run.folder) if r.WhichOneof("record_type") == "run"]
    settings = {item.key: json.loads(item.value_json) for item in started.config.update}
    assert settings["learning_rate"] == run.config.learning_rate
    assert (started.project, started.display_name) == ("routed-rl", "run")


def test_nothing_of_the_machine_is_in_what_would_be_uploaded(tmp_path: Path, offline: None):
    run = train(small_with(updates=10), tmp_path / "run", wandb=True)
    (folder,) = (run.folder / "wandb").glob("offline-run-*")
    files = [*folder.glob("*.wandb"), *(path for path in folder.glob("files/*") if path.is_file())]
    content = b"".join(file.read_bytes() for file in files)
    assert b"learner/entropy" in content
    told = [word for word in PRIVATE if word.encode() in content]
    assert told == []
    (started,) = [r.run for r in records(run.folder) if r.WhichOneof("record_type") == "run"]
    assert started.host != socket.gethostname()


def test_a_resumed_run_is_the_same_one_and_a_new_one_another(tmp_path: Path, offline: None):
    def ids() -> list[str]:
        found = [r.run for r in records(tmp_path / "run") if r.WhichOneof("record_type") == "run"]
        return [one.run_id for one in found]

    train(small_with(updates=10), tmp_path / "run", wandb=True)
    train(small_with(updates=20), tmp_path / "run", wandb=True, resume=True)
    first = ids()
    assert first == [first[0]] * 2
    assert [row["_step"] for row in logged(tmp_path / "run")] == [10, 20]
    train(small_with(updates=10), tmp_path / "run", wandb=True, overwrite=True)
    assert len(ids()) == 1
    assert ids() != first[:1]


def test_it_changes_nothing_about_the_run(tmp_path: Path, offline: None):
    plain = train(small_with(updates=20), tmp_path / "plain")
    train(small_with(updates=20), tmp_path / "run", wandb=True)
    assert (tmp_path / "run" / "policy.safetensors").read_bytes() == (
        plain.folder / "policy.safetensors"
    ).read_bytes()


def test_without_a_key_it_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    for name in ("WANDB_API_KEY", "WANDB_MODE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / "none"))
    monkeypatch.setattr(sys, "stdin", io.StringIO())  # Nobody who could be asked.
    words = [*("--updates", "2", "--rows", "3", "--cols", "3"), "--wandb", "--out"]
    assert main(["train", *words, str(tmp_path / "run")]) == 2
    shown = capsys.readouterr().err
    assert "`wandb login`" in shown
    assert "WANDB_MODE=offline" in shown
    assert "--resume" in shown
    import wandb

    wandb.teardown()
    monkeypatch.setenv("WANDB_MODE", "offline")
    assert main(["train", *words, str(tmp_path / "run"), "--resume"]) == 0


def test_only_numbers_are_curves():
    entry = {"update": 3, "learner": {"a": 1, "b": {"c": 0.5}}, "belief": None, "evaluation": None}
    assert curves(entry) == {"learner/a": 1.0, "learner/b/c": 0.5}
    assert scalars({"yes": True, "name": "x", "n": 2}) == {"n": 2.0}


def test_tensorboard_repeats_the_log(tmp_path: Path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run = train(small_with(updates=20, evaluate_every=10), tmp_path / "run", tensorboard=True)
    events = EventAccumulator(str(run.folder / "tensorboard")).Reload()
    entries = read_log(run.folder / "log.jsonl")
    for tag, path in {
        "learner/entropy": ("learner", "entropy"),
        "overseer/unknown": ("overseer", "unknown"),
        "evaluation/ghost/diamond_rate": ("evaluation", "ghost", "diamond_rate"),
    }.items():
        for event, entry in zip(events.Scalars(tag), entries, strict=True):
            value = entry
            for key in path:
                value = value[key]
            assert event.step == entry["update"]
            assert event.value == pytest.approx(value, abs=1e-6)


@pytest.mark.parametrize("name", ["tensorboard", "wandb"])
def test_a_missing_extra_is_named_before_any_work(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(InputError, match=rf"routed-rl\[{name}\]"):
        train(
            small_with(), tmp_path / "run", tensorboard=name == "tensorboard", wandb=name == "wandb"
        )
    assert not (tmp_path / "run").exists()
