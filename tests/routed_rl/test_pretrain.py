"""scripts/pretrain.py: two processes, of which one is killed, end where two that live end."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from routed_agents import Routes, load_ablated
from routed_envs import InputError
from scripts.pretrain import (
    PART,
    RECIPES,
    TABLE,
    LanguageModel,
    Tokens,
    keep_recipe,
    learned,
    pace,
    parts_of,
)

TINY = RECIPES["tiny"]
STEPS = 40


def write_tokens(folder: Path, routed: list[int], count: int = 2000) -> Path:
    """A folder of random tokens."""
    folder.mkdir()
    draw = np.random.default_rng(0)
    for name in ("train", "test"):
        np.save(folder / f"{name}.npy", draw.integers(TINY.vocabulary, size=count, dtype=np.int32))
    (folder / "routed.json").write_text(json.dumps(routed))
    return folder


def begin(out: Path, tokens: Path) -> subprocess.Popen[bytes]:
    """Two processes on this machine; torchrun starts them once more if one dies."""
    words = ["--nproc-per-node", "2", "--max-restarts", "1", "--standalone", "scripts/pretrain.py"]
    words += ["--recipe", "tiny", "--steps", str(STEPS), "--save-every", "4"]
    words += ["--out", str(out), "--tokens", str(tokens)]
    here = Path(__file__).parents[2]
    paths = os.pathsep.join(str(here / name) for name in (".", "envs", "agents"))
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": paths}
    command = [sys.executable, "-m", "torch.distributed.run", *words]
    return subprocess.Popen(command, cwd=here, env=environment, stderr=subprocess.DEVNULL)


def log_of(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="finds the processes in /proc")
def test_a_run_of_which_a_process_is_killed_ends_in_the_same_bits(tmp_path: Path):
    tokens = write_tokens(tmp_path / "tokens", list(range(100)))
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    processes = begin(whole, tokens), begin(killed, tokens)
    end = time.monotonic() + 120
    while not list(killed.glob("step-*")):
        assert time.monotonic() < end, "no checkpoint came"
        time.sleep(0.005)
    children = Path(f"/proc/{processes[1].pid}/task/{processes[1].pid}/children").read_text()
    os.kill(int(children.split()[-1]), signal.SIGKILL)
    assert [process.wait(timeout=120) for process in processes] == [0, 0]
    logs = log_of(whole), log_of(killed)
    steps = list(range(1, STEPS + 1))
    for log in logs:
        assert [entry["step"] for entry in log] == steps
    assert [entry["loss"] for entry in logs[0]] == [entry["loss"] for entry in logs[1]]
    name = "ablated.safetensors"
    assert (whole / name).read_bytes() == (killed / name).read_bytes()
    assert sorted(path.name for path in killed.glob("step-*")) == ["step-000036", "step-000040"]
    result = json.loads((killed / "result.json").read_text())
    assert set(result) == {"with the part", "without it"}
    small = load_ablated(parts_of(LanguageModel(TINY), TINY), killed / name).model
    down = dict(small.named_parameters())["llama.model.layers.0.mlp.down_proj.weight"]
    assert down.shape == (TINY.width, TINY.hidden - TINY.units)


def test_losses_in_chunks_are_the_networks_own(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("scripts.pretrain.CHUNK", 7)
    model = LanguageModel(TINY)
    tokens = torch.randint(TINY.vocabulary, (3, 9))
    logits = model.llama(tokens[:, :-1]).logits
    whole = torch.nn.functional.cross_entropy(
        logits.flatten(0, 1), tokens[:, 1:].flatten(), reduction="none"
    )
    torch.testing.assert_close(model(tokens), whole.view(3, 8))


def test_before_routed_tokens_the_part_alone_learns(tmp_path: Path):
    known = Tokens.read(write_tokens(tmp_path / "tokens", [5, 7]), TINY)
    tokens = torch.tensor([[1, 5, 2, 7, 7]])
    assert known.labels(tokens).tolist() == [[0, 1, 0, 0]]
    model = LanguageModel(TINY)
    routes = Routes(parts_of(model, TINY), TABLE)
    with routes(known.labels(torch.tensor([[1, 5, 5, 7]]))):
        model(torch.tensor([[1, 5, 5, 7]])).sum().backward()
    gate = dict(model.named_parameters())["llama.model.layers.0.mlp.gate_proj.weight"].grad
    assert gate is not None
    assert gate[: TINY.units].any()
    assert not gate[TINY.units :].any()


def test_sequences_that_take_turns_teach_the_same(tmp_path: Path):
    known = Tokens.read(write_tokens(tmp_path / "tokens", list(range(300))), TINY)
    model = LanguageModel(TINY)
    routes = Routes(parts_of(model, TINY), TABLE)
    tokens = torch.randint(TINY.vocabulary, (5, 9))
    found: list[list[torch.Tensor]] = []
    for at_once in (5, 2):
        loss = learned(model, routes, known, tokens, at_once)
        found.append(
            [loss, *(weight.grad for weight in model.parameters() if weight.grad is not None)]
        )
        model.zero_grad()
    for together, in_turns in zip(*found, strict=True):
        torch.testing.assert_close(in_turns, together, rtol=1e-4, atol=1e-6)


def test_a_folder_holds_one_run(tmp_path: Path):
    file = tmp_path / "recipe.json"
    keep_recipe(file, TINY, 0)
    keep_recipe(file, dataclasses.replace(TINY, steps=99), 0)
    with pytest.raises(InputError, match="another recipe or seed"):
        keep_recipe(file, TINY, 1)
    with pytest.raises(InputError, match="another recipe or seed"):
        keep_recipe(file, RECIPES["small"], 0)


def test_the_published_recipe_has_the_published_size():
    with torch.device("meta"):
        model = LanguageModel(RECIPES["paper"])
    weights = sum(weight.numel() for weight in model.parameters())
    assert weights == pytest.approx(0.72e9, rel=0.01)
    units = parts_of(model, RECIPES["paper"])
    assert units.names == (PART,)
    rates = [pace(RECIPES["paper"], step) for step in (0, 1999, 60_000)]
    assert rates == pytest.approx([1.8e-3 / 2000, 1.8e-3, 1.8e-4])


def test_tokens_that_do_not_fit_are_refused(tmp_path: Path):
    with pytest.raises(InputError, match="holds no tokens that can be read"):
        Tokens.read(tmp_path, TINY)
    with pytest.raises(InputError, match="Give at least one, each from 0 to 1023"):
        Tokens.read(write_tokens(tmp_path / "high", [4000]), TINY)
    with pytest.raises(InputError, match="needs more than 17"):
        Tokens.read(write_tokens(tmp_path / "short", [1], count=9), TINY)
