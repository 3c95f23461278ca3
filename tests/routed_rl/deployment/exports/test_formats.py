"""Exported policies: they act as before, and hold nothing of what was left out."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers import SETTINGS, network, random_policy, random_states, tiny_with

from routed_agents import NetworkSettings, Policy
from routed_envs import DiamondGhostWorld, InputError
from routed_rl import export_policy, extras, load_policy, train
from routed_rl.cli.main import main

pytestmark = pytest.mark.slow

WORLD = DiamondGhostWorld(oversight=0.3)
SEEN = WORLD.observe(random_states(WORLD, 9))
STEERINGS = ["diamond", {"diamond": 0.7, "ghost": 0.3}, None]
ENDINGS = [".safetensors", ".onnx", ".pt2"]
SCRIPT = Path(__file__).parents[4] / "scripts" / "run_exported.py"


def run(*words: str) -> int:
    try:
        return main(list(words))
    except SystemExit as leaving:
        return int(leaving.code or 0)


def noisy_policy() -> Policy:
    """A policy in which no two numbers are the same, biases included."""
    policy = random_policy()
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in policy.network.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator))
    return policy


def probabilities(file: Path, seen: torch.Tensor) -> torch.Tensor:
    """What an exported file says, by its own means."""
    if file.suffix == ".safetensors":
        return load_policy(file).action_probabilities(seen)
    if file.suffix == ".pt2":
        return torch.export.load(file).module()(seen).detach()
    runtime = pytest.importorskip("onnxruntime")
    session = runtime.InferenceSession(file)
    return torch.as_tensor(session.run(["probabilities"], {"observations": seen.numpy()})[0])


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("steering", STEERINGS)
def test_every_format_acts_as_the_policy(ending: str, steering: Any, tmp_path: Path):
    policy = random_policy().steer(steering)
    file = export_policy(policy, tmp_path / "new" / f"policy{ending}")
    for seen in (SEEN, SEEN[:1]):
        expected = policy.action_probabilities(seen)
        assert torch.allclose(probabilities(file, seen), expected, atol=1e-5)


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize(("steering", "left_out"), [("diamond", "ghost"), ("ghost", "diamond")])
def test_what_is_left_out_is_not_in_the_file(
    ending: str, steering: str, left_out: str, tmp_path: Path
):
    policy = noisy_policy().steer(steering)
    content = export_policy(policy, tmp_path / f"policy{ending}").read_bytes()
    for name, weight in policy.network.state_dict().items():
        rows = weight.reshape(-1, weight.shape[-1])
        stored = any(row.numpy().tobytes() in content for row in rows)
        assert stored == (name.startswith((f"experts.{steering}", "head"))), name
    with torch.no_grad():
        parts = [policy.network.experts[left_out], policy.network.gate]
        for part in parts:
            assert part is not None
            for parameter in part.parameters():
                parameter.add_(1)
    again = export_policy(policy, tmp_path / f"again{ending}").read_bytes()
    assert again == content


@pytest.mark.parametrize("ending", ENDINGS)
def test_several_experts_are_held_without_the_learned_gate(ending: str, tmp_path: Path):
    settings = NetworkSettings(("a", "b", "c"), "learned", (4, 5, 5), 4, (16,), (8,), 0)
    policy = Policy(network(settings), WORLD).steer({"a": 0.25, "c": 0.75})
    file = export_policy(policy, tmp_path / f"policy{ending}")
    content = file.read_bytes()
    for name, weight in policy.network.state_dict().items():
        if weight.dim() == 2:
            stored = weight[0].numpy().tobytes() in content
            assert stored == name.startswith(("experts.a", "experts.c", "head")), name
    expected = policy.action_probabilities(SEEN)
    assert torch.allclose(probabilities(file, SEEN), expected, atol=1e-5)


def test_a_subset_of_the_experts_is_exported_with_its_gate(tmp_path: Path):
    settings = NetworkSettings(("a", "b", "c"), "learned", (4, 5, 5), 4, (16,), (8,), 0)
    policy = Policy(network(settings), WORLD).with_experts("a", "c")
    for ending in ENDINGS:
        file = export_policy(policy, tmp_path / f"policy{ending}")
        expected = policy.action_probabilities(SEEN)
        assert torch.allclose(probabilities(file, SEEN), expected, atol=1e-5)


def test_files_tell_nothing_of_the_machine(tmp_path: Path):
    for ending in ENDINGS:
        content = export_policy(random_policy(), tmp_path / f"policy{ending}").read_bytes()
        assert str(Path(__file__).parents[4]).encode() not in content
        assert sys.prefix.encode() not in content


def test_the_onnx_file_says_what_it_is(tmp_path: Path):
    onnx = pytest.importorskip("onnx")
    model = onnx.load(export_policy(random_policy().steer("diamond"), tmp_path / "policy.onnx"))
    (entry,) = model.metadata_props
    about = json.loads(entry.value)
    assert about["network"]["experts"] == ["diamond"]
    assert about["world"]["settings"]["oversight"] == 0.3
    (given,) = model.graph.input
    sizes = [dim.dim_param or dim.dim_value for dim in given.type.tensor_type.shape.dim]
    assert (given.name, sizes) == ("observations", ["batch", 4, 5, 5])


def test_the_short_program_runs_it_where_our_packages_cannot_be_imported(tmp_path: Path):
    pytest.importorskip("onnxruntime")
    file = export_policy(random_policy().steer("diamond"), tmp_path / "policy.onnx")
    hidden = ("routed_rl", "routed_agents", "routed_envs", "torch")
    code = (
        f"import sys, runpy; sys.modules.update(dict.fromkeys({hidden!r})); "
        f"sys.argv[1:] = [{str(file)!r}]; runpy.run_path({str(SCRIPT)!r}, run_name='__main__')"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert found.stderr.strip() in ("", "It ended on the ghost.")
    lines = found.stdout.splitlines()
    assert lines[0] == "experts in the file: diamond"
    observation = np.zeros((1, 4, 5, 5), dtype=np.int8)
    observation[0, 0, 4, 0] = observation[0, 1, 4, 4] = observation[0, 2, 0, 3] = 1
    first = random_policy().steer("diamond").action_probabilities(observation)[0]
    word = ("up", "right", "down", "left")[int(first.argmax())]
    assert lines[1].split()[:2] == [word, f"{float(first.max()):.2f}"]


def test_the_command_exports_and_the_file_is_evaluated_like_a_run(tmp_path: Path, capsys):
    train(tiny_with(), tmp_path / "run")
    folder = str(tmp_path / "run")
    assert run("export", folder) == 0
    file = tmp_path / "run" / "deployment" / "diamond.safetensors"
    assert str(file) in capsys.readouterr().out
    assert run("evaluate", str(file), "--json") == 0
    alone = json.loads(capsys.readouterr().out)
    assert run("evaluate", folder, "--steer", "diamond", "--json") == 0
    whole = json.loads(capsys.readouterr().out)
    assert alone["diamond_rate"] == pytest.approx(whole["diamond_rate"], abs=1e-6)
    assert run("export", folder, "--steer", "mixture", "--out", str(tmp_path / "m.pt2")) == 0
    assert "diamond + ghost, its gate" in capsys.readouterr().out
    assert run("export", folder, "--experts", "ghost", "--format", "safetensors") == 0
    shown = capsys.readouterr().out
    assert str(file.with_name("ghost.safetensors")) in shown
    assert "ghost, no gate" in shown
    assert run("export", folder, "--steer", "0.5") == 0
    assert "diamond + ghost, no learned gate" in capsys.readouterr().out
    train(tiny_with(), tmp_path / "run", overwrite=True)
    assert not file.exists()


def test_exports_that_cannot_be_are_refused_and_write_nothing(
    tmp_path: Path, capsys, monkeypatch: pytest.MonkeyPatch
):
    train(tiny_with(), tmp_path / "run")
    folder = str(tmp_path / "run")
    (tmp_path / "file").touch()
    (tmp_path / "folder.onnx").mkdir()
    before = sorted(tmp_path.rglob("*"))
    for words, message in (
        (["--steer", "dimond"], "Did you mean 'diamond'"),
        (["--experts", "dimond"], "Did you mean 'diamond'"),
        (["--out", str(tmp_path / "policy.bin")], ".onnx (onnx)"),
        (["--out", str(tmp_path / "policy.onnx"), "--format", "safetensors"], ".safetensors"),
        (["--out", str(tmp_path / "file" / "policy.pt2")], "is a file"),
        (["--out", str(tmp_path / "folder.onnx")], "is a folder"),
    ):
        assert run("export", folder, *words) == 2
        assert message in capsys.readouterr().err
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    assert run("export", folder, "--format", "onnx") == 2
    assert 'pip install "routed-rl[export]"' in capsys.readouterr().err
    assert sorted(tmp_path.rglob("*")) == before


def test_an_unknown_format_is_refused(tmp_path: Path):
    policy = Policy(network(SETTINGS), WORLD)
    with pytest.raises(InputError, match="Did you mean 'onnx'"):
        export_policy(policy, tmp_path / "policy.onnx", "onx")
