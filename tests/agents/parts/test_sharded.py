"""Routes in a network that is sharded over two processes learn what one process learns."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from small_networks import gradients, tokens, transformer
from torch import distributed
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard

from routed_agents import Heads, Parts, Routes, Units

TABLE = {"sea": {"rest": 0.0}, "wood": {"sea": 0.0}, "any": {}}
LABELS = torch.tensor([0, 1, 2, 1])
WHERE = {
    "sea": [
        Units("blocks.*.mlp.down", last=3),
        Heads("blocks.*.attention.out", last=1, width=2),
    ]
}


def loss(model: torch.nn.Module, rows: slice) -> torch.Tensor:
    logits = model(tokens()[rows])[:, :-1].flatten(0, 1)
    return torch.nn.functional.cross_entropy(logits, tokens()[rows][:, 1:].flatten())


def learn(rank: int, exact: bool, folder: Path) -> None:
    """Half of the batch, in one of two processes."""
    distributed.init_process_group("gloo", f"file://{folder}/meet", rank=rank, world_size=2)
    model: Any = transformer()
    parts = Parts(model, WHERE)
    mesh = init_device_mesh("cpu", (2,))
    for block in model.blocks:
        fully_shard(block, mesh=mesh)
    fully_shard(model, mesh=mesh)
    routes = Routes(parts, TABLE, exact=exact)
    rows = slice(2 * rank, 2 * rank + 2)
    with routes(LABELS[rows]):
        loss(model, rows).backward()
    found = {name: value.grad.full_tensor() for name, value in model.named_parameters()}
    if rank == 0:
        torch.save(found, folder / "gradients.pt")
    distributed.barrier()
    os._exit(0)  # On a busy machine Gloo's threads may abort a process that tidies up.


@pytest.mark.slow
@pytest.mark.parametrize("exact", [False, True])
def test_two_processes_learn_what_one_learns(exact: bool, tmp_path: Path):
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=learn, args=(rank, exact, tmp_path)) for rank in (0, 1)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    model = transformer()
    with Routes(Parts(model, WHERE), TABLE, exact=exact)(LABELS):
        loss(model, slice(None)).backward()
    alone = gradients(model)
    for name, value in torch.load(tmp_path / "gradients.pt").items():
        assert torch.allclose(value, alone[name], atol=1e-12), name
