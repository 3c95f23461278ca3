"""Runs: the same seed gives the same run, killed or not; folders are safe."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from helpers import TINY, tiny_with

from routed_agents import METHODS, BestOverseen, get_method
from routed_agents.files import write_atomically
from routed_agents.methods.early_stopping import Selector
from routed_envs import DiamondGhostWorld, InputError
from routed_envs.gridworld.world import OUTCOMES
from routed_rl import Experiment, load_policy, load_run, read_log, train
from routed_rl.runs.checkpoint import load_checkpoint, save_checkpoint
from routed_rl.runs.run_folder import RunFolder
from routed_rl.training import loop as training_module

FILES = {
    "checkpoint.pt",
    "config.json",
    "evaluation.json",
    "lock",
    "log.jsonl",
    "policy.safetensors",
    "result.json",
}


def weights(folder: Path) -> bytes:
    return (folder / "policy.safetensors").read_bytes()


def without_timings(folder: Path) -> list[dict]:
    entries = read_log(folder / "log.jsonl")
    for entry in entries:
        del entry["timing"]
    return entries


def test_a_run_folder_explains_itself(tmp_path: Path):
    run = train(tiny_with(updates=20, evaluate_every=10), tmp_path / "run")
    assert {p.name for p in run.folder.iterdir()} == FILES
    config = json.loads((run.folder / "config.json").read_text())
    assert config["config"]["seed"] == 0
    assert config["config"]["expert_widths"] == [16]
    assert config["versions"]["torch"] == torch.__version__
    assert config["format"] == 1
    entries = read_log(run.folder / "log.jsonl")
    assert [entry["update"] for entry in entries] == [10, 20]
    assert entries[1]["environment_steps"] == 20 * 8 * 8
    assert set(entries[0]["overseer"]) == {
        "episodes",
        "reward_per_step",
        "diamond",
        "ghost",
        "timeout",
        "unknown",
    }
    assert set(entries[0]["evaluation"]) == {"mixture", "diamond", "ghost"}
    result = json.loads((run.folder / "result.json").read_text())
    assert result["deployed"]["steer"] == "diamond"
    assert list(run.evaluations) == ["unwatched", "training", "watched"]
    deployed = run.evaluations["training"]["diamond"]
    assert result["deployed"] == deployed.to_json()


def test_the_seed_decides_the_weights_and_every_figure_but_the_timings(tmp_path: Path):
    folders = [tmp_path / name for name in ("one", "again", "other")]
    for folder, seed in zip(folders, (3, 3, 4), strict=True):
        train(tiny_with(seed=seed, updates=10, evaluate_every=5), folder)
    one, again, other = folders
    assert weights(one) == weights(again)
    assert without_timings(one) == without_timings(again)
    assert weights(one) != weights(other)


def test_training_touches_no_global_generator(tmp_path: Path):
    torch.manual_seed(0)
    before = torch.get_rng_state()
    train(TINY, tmp_path / "run")
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.get_num_threads() == 1


def test_evaluating_during_training_changes_nothing(tmp_path: Path):
    train(tiny_with(evaluate_every=1), tmp_path / "looked")
    train(tiny_with(evaluate_every=0), tmp_path / "unseen")
    looked, unseen = (load_policy(tmp_path / name).network for name in ("looked", "unseen"))
    for one, other in zip(looked.parameters(), unseen.parameters(), strict=True):
        assert torch.equal(one, other)


KILLED = """
import json, os, signal, sys
import routed_rl.training.loop
from routed_rl import TrainConfig, train

out, moment, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
routed_rl.training.loop.CHECKPOINT_SECONDS = 0.0  # A checkpoint after every update.
routed_rl.training.loop.LOG_EVERY = 1

def die(function, before):
    calls = 0
    def wrapped(*args, **kwargs):
        nonlocal calls
        calls += 1
        if calls == count and before:
            os.kill(os.getpid(), signal.SIGKILL)
        value = function(*args, **kwargs)
        if calls == count:
            os.kill(os.getpid(), signal.SIGKILL)
        return value
    return wrapped

if moment == "before a file appears":
    os.replace = die(os.replace, True)
elif moment == "after a file appears":
    os.replace = die(os.replace, False)
elif moment == "after a log line":
    routed_rl.training.loop.RunLog.write = die(routed_rl.training.loop.RunLog.write, False)
train(TrainConfig.from_json(json.loads(os.environ["CONFIG"])), out, resume=True)
"""

MOMENTS = [
    ("before a file appears", 1),  # The configuration.
    ("before a file appears", 4),  # The third update's checkpoint.
    ("after a file appears", 5),
    ("after a log line", 4),  # The log is ahead of the checkpoint.
    ("before a file appears", 10),  # The evaluation: training is done.
    ("before a file appears", 11),  # The result.
]


def test_a_run_killed_at_any_moment_and_resumed_equals_an_uninterrupted_one(tmp_path: Path):
    config = tiny_with(updates=7)
    train(config, tmp_path / "whole")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    for first in range(0, len(MOMENTS), 2):  # Two at a time, one for each core.
        processes = [
            subprocess.Popen(
                [sys.executable, "-c", KILLED, tmp_path / f"{moment} {count}", moment, str(count)],
                env=environment | {"CONFIG": json.dumps(config.to_json())},
                stderr=subprocess.PIPE,
            )
            for moment, count in MOMENTS[first : first + 2]
        ]
        for process in processes:
            _, error = process.communicate(timeout=120)
            assert process.returncode == -9, error.decode()
    for moment, count in MOMENTS:
        folder = tmp_path / f"{moment} {count}"
        assert not (folder / "result.json").exists()
        train(config, folder, resume=True)
        assert weights(folder) == weights(tmp_path / "whole"), (moment, count)
        assert {p.name for p in folder.iterdir()} == FILES, (moment, count)


@pytest.mark.parametrize("name", METHODS)
def test_every_method_goes_on_from_a_checkpoint_as_if_nothing_had_happened(
    name: str, tmp_path: Path
):
    experiment = Experiment.of(tiny_with(method=name, oversight=0.5, environments=32))
    table, whole, first = experiment.table(), experiment.start(), experiment.start()
    for _ in range(20):
        experiment.update(whole, table)
    for _ in range(10):
        experiment.update(first, table)
    save_checkpoint(first, tmp_path / "checkpoint.pt")
    resumed = experiment.start()
    load_checkpoint(resumed, tmp_path / "checkpoint.pt")
    for _ in range(10):
        experiment.update(resumed, table)
    assert resumed.labels == whole.labels > 0
    for parameter, other in zip(
        resumed.policy.parameters(), whole.policy.parameters(), strict=True
    ):
        assert torch.equal(parameter, other)
    assert resumed.memory.keys() == whole.memory.keys()
    assert all(torch.equal(value, whole.memory[key]) for key, value in resumed.memory.items())
    assert bool(whole.memory) == callable(experiment.method.relabel)


@pytest.mark.parametrize(
    ("oversight", "weight", "offset"),
    [(0.0, 5.0, 2.0), (0.1, 5.0, 1.8), (0.5, 1.0, 1.0), (0.8, 0.25, 0.4), (1.0, 0.1, 0.0)],
)
def test_overseen_episodes_count_for_less_where_there_are_many(
    oversight: float, weight: float, offset: float
):
    """By hand: at a limit of one half, weight x share equals what is not overseen."""
    config = tiny_with(
        oversight=oversight, overseen_weight=5.0, overseen_limit=0.5, advantage_offset=2.0
    )
    experiment = Experiment.of(config)
    assert experiment.routing.overseen_weight == pytest.approx(weight)
    assert experiment.table().weight[0].item() == pytest.approx(weight)
    assert experiment.loss_settings(0.0).routing.advantage_offset == pytest.approx(offset)
    unlimited = Experiment.of(dataclasses.replace(config, overseen_limit=1.0))
    assert unlimited.routing.overseen_weight == 5.0


def test_ctrl_c_saves_and_the_resumed_run_is_the_same(tmp_path: Path, monkeypatch):
    config, folder = tiny_with(updates=12, evaluate_every=4), tmp_path / "stopped"
    train(config, tmp_path / "whole")
    calls = 0
    update = training_module.Experiment.update

    def interrupted(self, state, table):
        nonlocal calls
        calls += 1
        if calls == 5:
            os.kill(os.getpid(), 2)
        return update(self, state, table)

    with monkeypatch.context() as patch:
        patch.setattr(training_module.Experiment, "update", interrupted)
        with pytest.raises(KeyboardInterrupt):
            train(config, folder)
    assert calls == 5, "the update in progress was finished and saved"
    train(config, folder, resume=True)
    assert weights(folder) == weights(tmp_path / "whole")
    assert without_timings(folder) == without_timings(tmp_path / "whole")


def test_a_run_can_be_extended_and_a_finished_one_is_left_alone(tmp_path: Path):
    folder = tmp_path / "run"
    train(tiny_with(updates=3), folder)
    finished = weights(folder)
    train(tiny_with(updates=3, threads=2), folder, resume=True)
    assert weights(folder) == finished
    run = train(tiny_with(updates=6), folder, resume=True)
    assert weights(folder) != finished
    assert run.config.updates == 6
    assert json.loads((folder / "result.json").read_text())["updates"] == 6


def test_a_folder_that_holds_something_is_refused_untouched(tmp_path: Path):
    folder = tmp_path / "run"
    train(TINY, folder)
    before = {p: p.read_bytes() for p in folder.iterdir()}
    with pytest.raises(InputError, match=r"--resume.*--overwrite"):
        train(TINY, folder)
    with pytest.raises(InputError, match=r"oversight: there 0\.1, here 0\.5"):
        train(tiny_with(oversight=0.5), folder, resume=True)
    with pytest.raises(InputError, match="updates: there 4, here only 2"):
        train(tiny_with(updates=2), folder, resume=True)
    with pytest.raises(InputError, match="one of them"):
        train(TINY, folder, resume=True, overwrite=True)
    assert {p: p.read_bytes() for p in folder.iterdir()} == before
    strange = tmp_path / "strange"
    strange.mkdir()
    (strange / "thesis.tex").write_text("precious")
    for resume, overwrite in ((False, False), (True, False), (False, True)):
        with pytest.raises(InputError, match="is no run"):
            train(TINY, strange, resume=resume, overwrite=overwrite)
    assert [p.name for p in strange.iterdir()] == ["thesis.tex"]
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="is a file"):
        train(TINY, tmp_path / "file")


def test_overwriting_starts_again(tmp_path: Path):
    folder = tmp_path / "run"
    train(tiny_with(seed=1), folder)
    train(tiny_with(seed=2), folder, overwrite=True)
    train(tiny_with(seed=2), tmp_path / "fresh")
    assert weights(folder) == weights(tmp_path / "fresh")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 torn", b"no archive at all"])
def test_a_damaged_checkpoint_is_refused_and_left_as_it_is(tmp_path: Path, content: bytes):
    folder = tmp_path / "run"
    train(tiny_with(updates=2), folder)
    (folder / "checkpoint.pt").write_bytes(content)
    before = {p: p.read_bytes() for p in folder.iterdir()}
    with pytest.raises(InputError, match="damaged"):
        train(tiny_with(updates=5), folder, resume=True)
    assert {p: p.read_bytes() for p in folder.iterdir()} == before


def test_foreign_and_truncated_checkpoints_are_refused(tmp_path: Path):
    folder = tmp_path / "run"
    train(tiny_with(updates=2), folder)
    checkpoint = folder / "checkpoint.pt"
    whole = checkpoint.read_bytes()
    checkpoint.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="damaged"):
        train(tiny_with(updates=5), folder, resume=True)
    torch.save({"format": 1, "someone": "else's"}, checkpoint)
    with pytest.raises(InputError, match="no checkpoint of this run"):
        train(tiny_with(updates=5), folder, resume=True)
    torch.save({"format": 99}, checkpoint)
    with pytest.raises(InputError, match="newer routed-rl"):
        train(tiny_with(updates=5), folder, resume=True)


def test_loading_a_checkpoint_never_runs_code_from_it(tmp_path: Path):
    class Trap:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "trapped"),))

    folder = tmp_path / "run"
    train(tiny_with(updates=2), folder)
    torch.save({"format": 1, "update": Trap()}, folder / "checkpoint.pt")
    with pytest.raises(InputError, match="damaged"):
        train(tiny_with(updates=5), folder, resume=True)
    assert not (tmp_path / "trapped").exists()


def test_a_damaged_configuration_is_refused(tmp_path: Path):
    folder = tmp_path / "run"
    train(TINY, folder)
    for content in ("{", "[]", "{}", '{"config": 3, "world": {}}'):
        (folder / "config.json").write_text(content)
        with pytest.raises(InputError, match=r"damaged|cannot be read|no JSON object"):
            train(TINY, folder, resume=True)
    (folder / "config.json").write_text('{"config": {"sede": 1}, "world": {}}')
    with pytest.raises(InputError, match="damaged"):
        load_run(folder)


def test_a_large_world_is_judged_by_sampling(tmp_path: Path):
    run = train(tiny_with(rows=9, cols=9, updates=2, evaluate_every=2), tmp_path / "run")
    (entry,) = read_log(run.folder / "log.jsonl")
    assert entry["evaluation"]["diamond"]["episodes"] == 1000
    found = run.evaluations["training"]["diamond"]
    assert not found.exact
    assert found.episodes == 10_000


def test_a_checkpoint_of_another_run_is_refused(tmp_path: Path):
    for name, seed in (("mine", 0), ("other", 1)):
        train(tiny_with(seed=seed), tmp_path / name)
    foreign = (tmp_path / "other" / "checkpoint.pt").read_bytes()
    (tmp_path / "mine" / "checkpoint.pt").write_bytes(foreign)
    with pytest.raises(InputError, match="another configuration"):
        train(tiny_with(updates=9), tmp_path / "mine", resume=True)


def test_another_table_under_the_same_name_is_another_run(tmp_path: Path):
    method = get_method("naive", OUTCOMES)
    train(TINY, tmp_path / "run", method=method)
    rows = {label: dataclasses.replace(row, reward=-1.0) for label, row in method.rows.items()}
    with pytest.raises(InputError, match="table of the method"):
        train(TINY, tmp_path / "run", method=dataclasses.replace(method, rows=rows), resume=True)


def test_a_log_that_was_lost_is_started_again_and_never_padded(tmp_path: Path):
    folder = tmp_path / "run"
    train(tiny_with(updates=20), folder)
    (folder / "log.jsonl").unlink()
    train(tiny_with(updates=30), folder, resume=True)
    assert [entry["update"] for entry in read_log(folder / "log.jsonl")] == [30]
    (folder / "log.jsonl").write_bytes(b"{}\nno JSON\n{}\n")
    with pytest.raises(InputError, match="damaged"):
        read_log(folder / "log.jsonl")


def test_an_unfinished_extension_has_no_stale_results(tmp_path: Path, monkeypatch):
    folder = tmp_path / "run"
    train(TINY, folder)

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(training_module.Experiment, "update", stop)
    with pytest.raises(KeyboardInterrupt):
        train(tiny_with(updates=9), folder, resume=True)
    with pytest.raises(InputError, match="not finished"):
        load_policy(folder)


def test_the_configuration_tells_of_ones_own_world(tmp_path: Path):
    run = train(TINY, tmp_path / "run", world=DiamondGhostWorld(rows=2, cols=3, oversight=0.7))
    assert (run.config.rows, run.config.cols, run.config.oversight) == (2, 3, 0.7)
    assert {e.oversight for e in run.evaluations["training"].values()} == {0.7}


def test_a_lock_keeps_a_second_trainer_out(tmp_path: Path):
    folder = RunFolder(tmp_path / "run")
    with folder.locked(), pytest.raises(InputError, match="Another process"):
        train(TINY, folder.path)
    train(TINY, folder.path)


def test_a_failed_write_leaves_the_old_file_and_no_rubbish(tmp_path: Path, monkeypatch):
    path = tmp_path / "file"
    write_atomically(path, b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_two_processes_that_write_the_same_file_do_not_disturb_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path, synced = tmp_path / "file", os.fsync
    ours, theirs = os.getpid(), os.getpid() + 1

    def meanwhile(number: int) -> None:
        """While this process writes, the other one does so too, from beginning to end."""
        synced(number)
        if os.getpid() == ours:
            monkeypatch.setattr(os, "getpid", lambda: theirs)
            write_atomically(path, b"theirs")
            assert path.read_bytes() == b"theirs"

    monkeypatch.setattr(os, "fsync", meanwhile)
    write_atomically(path, b"ours")
    assert path.read_bytes() == b"ours"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_unfinished_and_damaged_runs_are_refused(tmp_path: Path):
    with pytest.raises(InputError, match="is no run"):
        load_run(tmp_path)
    train(TINY, tmp_path / "run")
    (tmp_path / "run" / "result.json").unlink()
    with pytest.raises(InputError, match=r"not finished.*--resume"):
        load_run(tmp_path / "run")
    (tmp_path / "run" / "result.json").write_text("[]")
    with pytest.raises(InputError, match="no JSON object"):
        load_run(tmp_path / "run")


def test_any_world_with_our_interface_and_any_method_train(tmp_path: Path):
    @dataclasses.dataclass(frozen=True)
    class Mine(DiamondGhostWorld):
        pass

    world = Mine(rows=2, cols=3, oversight=0.5)
    method = dataclasses.replace(get_method("naive", OUTCOMES), name="mine")
    run = train(TINY, tmp_path / "run", world=world, method=method)
    assert run.policy.experts == ("policy",)
    assert run.policy.world == world
    assert list(run.evaluations) == ["unwatched", "training", "watched"]
    other = Mine(rows=2, cols=4, oversight=0.5)
    with pytest.raises(InputError, match="cols: there 3, here 4"):
        train(TINY, tmp_path / "run", world=other, method=method, resume=True)


def test_a_torn_last_line_of_a_log_is_left_out(tmp_path: Path):
    path = tmp_path / "log.jsonl"
    path.write_text('{"update": 1}\n{"update": 2}\n{"upd')
    assert [entry["update"] for entry in read_log(path)] == [1, 2]


def test_tensorboard_repeats_the_log(tmp_path: Path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run = train(tiny_with(updates=20, evaluate_every=10), tmp_path / "run", tensorboard=True)
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


def test_a_missing_extra_is_named_before_any_work(tmp_path: Path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(InputError, match=r"routed-rl\[tensorboard\]"):
        train(TINY, tmp_path / "run", tensorboard=True)
    assert not (tmp_path / "run").exists()


def test_selection_keeps_the_best_policy_by_overseen_episodes_alone():
    network = torch.nn.Linear(1, 1, bias=False)
    selector = Selector(BestOverseen({"diamond": 1.0, "ghost": -1.0}, episodes=4), OUTCOMES)

    def see(value: float, *labels: int) -> None:
        torch.nn.init.constant_(network.weight, value)
        selector.observe(torch.tensor(labels), network)

    unknown, timeout = OUTCOMES.unknown, OUTCOMES.timeout
    see(1.0, 0, 0, unknown, timeout)
    assert selector.best is None, "two overseen episodes are too few"
    see(2.0, 0, 1)
    assert selector.best is not None
    assert selector.best["weight"].item() == 2.0
    see(3.0, 1, unknown)  # The last four: diamond, diamond, ghost, ghost; no better.
    assert selector.best["weight"].item() == 2.0
    restored = Selector(BestOverseen({"diamond": 1.0, "ghost": -1.0}, episodes=4), OUTCOMES)
    restored.load_state_dict(selector.state_dict())
    for one in (selector, restored):
        torch.nn.init.constant_(network.weight, 4.0)
        one.observe(torch.tensor([0, 0, 0, 0]), network)
        assert one.best is not None
        assert one.best["weight"].item() == 4.0


def test_a_run_deploys_the_selected_policy_and_resumes_its_selection(tmp_path: Path):
    method = dataclasses.replace(
        get_method("naive", OUTCOMES),
        name="best",
        select=BestOverseen({"diamond": 1.0, "ghost": -1.0}, episodes=3),
    )
    config = tiny_with(updates=8, oversight=1.0, max_steps=6)
    run = train(config, tmp_path / "whole", method=method)
    assert json.loads((run.folder / "result.json").read_text())["selected"]
    last = train(config, tmp_path / "last", method=dataclasses.replace(method, select=None))
    assert weights(run.folder) != weights(last.folder)
    train(dataclasses.replace(config, updates=5), tmp_path / "parts", method=method)
    extended = train(
        dataclasses.replace(config, updates=8), tmp_path / "parts", method=method, resume=True
    )
    assert extended.config.updates == 8
