"""What happens to a network after it was trained: repair, forgetting afterwards, and attacks."""

from __future__ import annotations

import copy
import math

import torch
from torch import nn

from routed_rl.studies.language.corpora import AT_ONCE, PAD, losses, token_loss
from routed_rl.studies.language.small_gpt import SmallGPT

CALIBRATION_STEPS, CALIBRATION_RATE = 100, 0.05
SCRAMBLE_STEPS, SCRAMBLE_BATCH = 100, 16
SCRAMBLE_NORM = 10.0
"""RMU: the target's norm beside that of the residual stream."""


@torch.no_grad()
def loss_on(network: nn.Module, tokens: torch.Tensor) -> float:
    """The mean loss over all tokens of documents."""
    total = sum(float(losses(network, some).sum()) for some in tokens.split(AT_ONCE))
    return total / int((tokens[:, 1:] != PAD).sum())


def tuned(
    network: nn.Module, tokens: torch.Tensor, judged: torch.Tensor, steps: int, rate: float
) -> tuple[nn.Module, float]:
    """A copy of a network that learned from a few documents, as it was when it was best.

    Args:
        network: It stays as it is.
        tokens: The documents, all in each step.
        judged: By the loss on these it is judged before every step.
        steps: Gradient steps.
        rate: AdamW's learning rate.

    Returns:
        The copy, and the lowest loss.
    """
    network = copy.deepcopy(network)
    optimizer = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=0.0)
    best, kept = loss_on(network, judged), copy.deepcopy(network.state_dict())
    for _ in range(steps):
        optimizer.zero_grad()
        token_loss(network, tokens).backward()
        optimizer.step()
        found = loss_on(network, judged)
        if found < best:
            best, kept = found, copy.deepcopy(network.state_dict())
    network.load_state_dict(kept)
    return network, best


def calibrated_loss(network: nn.Module, tokens: torch.Tensor, judged: torch.Tensor) -> float:
    """The lowest loss after a bias on the logits has learned from some documents.

    A network that merely never says a word any more has not forgotten it: the bias gives it back
    (SGTM, arXiv 2512.05648).
    """
    with torch.no_grad():
        logits, found = network(tokens[:, :-1]), network(judged[:, :-1])
    bias = torch.zeros(logits.shape[-1], device=logits.device, requires_grad=True)
    optimizer = torch.optim.Adam([bias], lr=CALIBRATION_RATE)

    def loss(of: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
        return nn.functional.cross_entropy(
            (of + bias).flatten(0, 1), seen[:, 1:].flatten(), ignore_index=PAD
        )

    lowest = math.inf
    for _ in range(CALIBRATION_STEPS):
        with torch.no_grad():
            lowest = min(lowest, float(loss(found, judged)))
        optimizer.zero_grad()
        loss(logits, tokens).backward()
        optimizer.step()
    return lowest


def scrambled(
    network: SmallGPT,
    labelled: torch.Tensor,
    others: torch.Tensor,
    rate: float,
    retain: float,
    generator: torch.Generator,
) -> SmallGPT:
    """A copy of a network whose activations on labelled documents were driven to one direction.

    Representation misdirection for unlearning (RMU, arXiv 2403.03218): in the middle of the network
    the residual stream goes to a random vector on labelled documents, and stays as it was on the
    others.

    Args:
        network: It stays as it is.
        labelled: Documents to be forgotten, int64 [N, T].
        others: Documents on which nothing shall change, int64 [M, T].
        rate: AdamW's learning rate.
        retain: The weight of what shall stay, beside that of what shall go.
        generator: Draws the vector and the documents, on the CPU.
    """
    changed = copy.deepcopy(network)
    if not len(labelled):
        return changed
    middle = network.middle
    weights = [
        weight
        for name, weight in changed.blocks[:middle].named_parameters()
        if name.endswith("down.weight")
    ]
    optimizer = torch.optim.AdamW(weights, lr=rate, weight_decay=0.0)
    vector = torch.rand(network.tokens.weight.shape[1], generator=generator).to(labelled.device)
    with torch.no_grad():
        size = network.stream(others[:SCRAMBLE_BATCH, :-1], middle).norm(dim=-1).mean()
    target = SCRAMBLE_NORM * size * vector / vector.norm()
    for _ in range(SCRAMBLE_STEPS):
        bad, good = (_drawn(tokens, generator) for tokens in (labelled, others))
        with torch.no_grad():
            before = network.stream(good, middle)
        lost = (changed.stream(bad, middle) - target).square().mean()
        kept = (changed.stream(good, middle) - before).square().mean()
        optimizer.zero_grad()
        (lost + retain * kept).backward()
        optimizer.step()
    return changed


def _drawn(tokens: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Some documents without their last token, int64 [SCRAMBLE_BATCH, T - 1]."""
    return tokens[torch.randint(len(tokens), (SCRAMBLE_BATCH,), generator=generator), :-1]
