"""Products of bfloat16: near those of float32, part of what a run is, refused where imitated."""

from __future__ import annotations

import copy
import dataclasses
from pathlib import Path

import pytest
import torch
from helpers import TINY, tiny_with

from routed_envs import InputError
from routed_rl import Experiment, TrainConfig, train
from routed_rl.sweeps.plan import run_name

NARROW = dataclasses.replace(TINY, precision="bfloat16")


@pytest.fixture(autouse=True)
def products_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let any processor pass for one that has them; PyTorch imitates what it lacks."""
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True}, raising=False)


@pytest.mark.parametrize("method", ["routed", "inferred", "naive"])
@pytest.mark.parametrize("listed", [True, False])
def test_an_update_is_near_that_of_float32_and_weights_stay_float32(
    method: str, listed: bool, monkeypatch: pytest.MonkeyPatch
):
    if not listed:
        monkeypatch.setattr("routed_rl.training.experiment.as_tables", lambda world, device: world)
    gradients = {}
    for precision in ("float32", "bfloat16"):
        experiment = Experiment.of(tiny_with(method=method, precision=precision))
        state = experiment.start()
        rollout, figures = experiment.update(state)
        assert (rollout.entries is not None) == listed
        assert {weight.dtype for weight in state.weights()} == {torch.float32}
        assert {figure.dtype for figure in figures.values()} == {torch.float32}
        found = [weight.grad for weight in state.weights()]
        gradients[precision] = torch.cat([one.flatten() for one in found if one is not None])
    wide, narrow = gradients.values()
    # Products of eight bits are not those of 24, and an action may differ now and then.
    assert not wide.equal(narrow)
    assert torch.cosine_similarity(wide, narrow, 0) > 0.95
    assert narrow.norm().item() == pytest.approx(wide.norm().item(), rel=0.05)


def test_a_closed_route_lets_nothing_through():
    """One update in which no sample may reach an expert leaves its weights without gradient."""
    experiment = Experiment.of(tiny_with(method="routed", precision="bfloat16", oversight=1.0))
    state = experiment.start()
    experiment.table.experts[:, 1] = 0
    experiment.update(state)
    for name, weight in state.policy.named_parameters():
        assert weight.grad is not None, name
        assert bool(weight.grad.any()) == (not name.startswith("experts.ghost")), name


def test_a_resumed_run_goes_on_as_the_uninterrupted_one():
    experiment = Experiment.of(NARROW)
    whole, resumed = experiment.start(), experiment.start()
    experiment.update(whole)
    resumed.load_state_dict(copy.deepcopy(whole.state_dict()))
    for state in (whole, resumed):
        experiment.update(state)
    for one, other in zip(whole.weights(), resumed.weights(), strict=True):
        assert one.equal(other)


def test_another_precision_is_another_run(tmp_path: Path):
    assert run_name(NARROW) != run_name(TINY)
    assert "precision" not in TINY.to_json(), "runs are recognised by what was there before"
    assert TrainConfig.from_json(NARROW.to_json()) == NARROW
    train(TINY, tmp_path / "run")
    with pytest.raises(InputError, match="precision: there not set, here 'bfloat16'"):
        train(NARROW, tmp_path / "run", resume=True)


@pytest.mark.parametrize("capable", [{}, {"avx512_f": True, "avx512_bf16": False}])
def test_a_processor_without_them_is_refused_in_words(
    capable: dict[str, bool], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capable)
    with pytest.raises(InputError, match=r"precision='bfloat16', .*device 'cpu'.* Give float32"):
        train(NARROW, tmp_path / "run")
    assert not (tmp_path / "run").exists()
    Experiment.of(TINY)


def test_a_gpu_is_asked_itself(monkeypatch: pytest.MonkeyPatch):
    from routed_rl.training.precision import check_precision

    asked = []
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **how: asked.append(how) or False)
    with pytest.raises(InputError, match="device 'cuda'"):
        check_precision("bfloat16", torch.device("cuda"))
    assert asked == [{"including_emulation": False}]
