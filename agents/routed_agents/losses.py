"""The terms of the loss as pure functions; masks and weights instead of selections."""

from __future__ import annotations

import torch
from torch.nn import functional


def advantages(
    rewards: torch.Tensor,
    ended: torch.Tensor,
    values: torch.Tensor,
    discount: float,
    trace_decay: float,
) -> torch.Tensor:
    """Generalised advantage estimates (Schulman et al., arXiv 1506.02438, equation 16).

    With `trace_decay` 1 an advantage is the discounted sum of rewards inside the window, plus the
    discounted last value, minus the step's own value: REINFORCE with a baseline.

    Args:
        rewards: float [T, N].
        ended: bool [T, N]; nothing flows back across an episode's end.
        values: float [T + 1, N]; the last row is what an unfinished episode is still worth, 0
            for no bootstrapping.
        discount: 0 to 1.
        trace_decay: 0 to 1, the paper's lambda.

    Returns:
        float [T, N].
    """
    onward = discount * (~ended).to(rewards.dtype)
    errors = rewards + onward * values[1:] - values[:-1]
    estimate, estimates = torch.zeros_like(errors[0]), []
    for error, decay in zip(
        reversed(errors.unbind()), reversed((trace_decay * onward).unbind()), strict=True
    ):
        estimate = torch.addcmul(error, decay, estimate)
        estimates.append(estimate)
    return torch.stack(estimates[::-1])


def normalise(values: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Shift and scale to weighted mean 0 and standard deviation 1; finite for any input.

    Args:
        values: float [B].
        weights: float [B], at least 0.

    Returns:
        float [B].
    """
    total = weights.sum().clamp(min=1e-8)
    centred = values - (weights * values).sum() / total
    variance = (weights * centred.square()).sum() / total
    return centred / (variance.sqrt() + 1e-8)


def policy_gradient_loss(
    log_probabilities: torch.Tensor,
    actions: torch.Tensor,
    advantage: torch.Tensor,
    weights: torch.Tensor,
) -> torch.Tensor:
    """REINFORCE with a baseline (Williams 1992), as a mean over all samples.

    Args:
        log_probabilities: float [B, A].
        actions: int64 [B], the actions taken.
        advantage: float [B], taken as a constant.
        weights: float [B].

    Returns:
        A scalar.
    """
    taken = log_probabilities.gather(1, actions.unsqueeze(1)).squeeze(1)
    return -(weights * advantage.detach() * taken).mean()


def entropy(log_probabilities: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """The weighted mean over all samples of the policy's entropy in nats.

    Args:
        log_probabilities: float [B, A].
        weights: float [B].

    Returns:
        A scalar.
    """
    per_sample = -(log_probabilities.exp() * log_probabilities).sum(1)
    return (weights * per_sample).mean()


def value_loss(values: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """The weighted mean over all samples of the squared error.

    Args:
        values: float [B].
        targets: float [B], taken as constants.
        weights: float [B].

    Returns:
        A scalar.
    """
    return (weights * (values - targets.detach()).square()).mean()


def gate_loss(
    gate_logits: torch.Tensor, targets: torch.Tensor, has_target: torch.Tensor
) -> torch.Tensor:
    """The gate's cross-entropy, as a mean over the samples that have a target; 0 without any.

    Cloud et al., section 4.3: the gate learns to call on the expert of an overseen episode.

    Args:
        gate_logits: float [B, K].
        targets: int64 [B], an expert's index, any index where there is no target; or float [B, K],
            how likely each expert is the target.
        has_target: float or int [B], 1 or 0, or how likely there is a target.

    Returns:
        A scalar.
    """
    per_sample = functional.cross_entropy(gate_logits, targets, reduction="none")
    return (has_target * per_sample).sum() / has_target.sum().clamp(min=1)
