"""From a rollout and a method to one gradient step's loss."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from routed_agents import losses
from routed_agents.methods.record import Method
from routed_agents.methods.table import Table
from routed_agents.policies.mixture import Routes
from routed_agents.policies.networks import PlaneNetwork, RoutedPolicyNetwork
from routed_agents.rollout import Collected, Rollout, spread_labels


@dataclass(frozen=True)
class LossSettings:
    """The constants of the loss; the defaults are the reference experiment's.

    Attributes:
        discount: 0 to 1.
        trace_decay: Lambda of the advantage estimates, 0 to 1; 1 is REINFORCE.
        bootstrap: Add the value of what follows the window to an unfinished episode's return.
        normalise_advantages: Scale the advantages of a batch to standard deviation 1.
        advantage_offset: Added to every advantage. A constant leaves the expected gradient of an
            unrouted policy as it is. With routes it draws each expert towards the episodes that
            teach it and away from those that do not, however good the baseline is.
        entropy_coefficient: Weight of the entropy bonus.
        value_coefficient: Weight of the value loss.
        gate_coefficient: Weight of the gate's cross-entropy.
    """

    discount: float = 0.97
    trace_decay: float = 1.0
    bootstrap: bool = False
    normalise_advantages: bool = False
    advantage_offset: float = 0.0
    entropy_coefficient: float = 0.1
    value_coefficient: float = 0.5
    gate_coefficient: float = 0.01


@dataclass(frozen=True)
class Batch:
    """What one gradient step learns from: T steps of N environments.

    Attributes:
        observations: int8 [T + 1, N, *observation_shape]; the last row only for bootstrapping.
        actions: int64 [T, N].
        rewards: float [T, N], as the method gives them.
        ended: bool [T, N].
        weights: float [T, N], the samples' weight.
        routes: Where the T x N samples' gradients may go.
        targets: int64 [T x N], the gate's target.
        has_target: float [T x N], 1 or 0.
    """

    observations: torch.Tensor
    actions: torch.Tensor
    rewards: torch.Tensor
    ended: torch.Tensor
    weights: torch.Tensor
    routes: Routes
    targets: torch.Tensor
    has_target: torch.Tensor


def method_labels(
    method: Method,
    collected: Collected,
    memory: dict[str, torch.Tensor],
    generator: torch.Generator,
) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """The labels from which a method learns, and what it remembers.

    Args:
        method: Its `relabel` says where the labels come from.
        collected: The rollout; the hidden outcomes are read only for `relabel="truth"`.
        memory: What `relabel` remembered at the last call.
        generator: The run's own.

    Returns:
        Labels, int64 [T, N], given where episodes ended; and the new memory.
    """
    if method.relabel == "overseer":
        return collected.rollout.labels, memory
    if method.relabel == "truth":
        return collected.hidden_outcomes, memory
    return method.relabel(collected.rollout, memory, generator)


def count_labels(method: Method, collected: Collected) -> int:
    """How many endings on a target a method was told of, by the overseer or by the truth.

    Args:
        method: Its `relabel` says by whom.
        collected: The rollout.
    """
    told = collected.hidden_outcomes if method.relabel == "truth" else collected.rollout.labels
    return int((told < len(collected.rollout.outcomes.targets)).sum())


def make_batch(rollout: Rollout, labels: torch.Tensor, table: Table) -> Batch:
    """Apply a method's table to a rollout.

    Args:
        rollout: T steps of N environments.
        labels: int64 [T, N], the method's labels where episodes ended.
        table: The method's rows.

    Returns:
        The batch for one gradient step.
    """
    labels = spread_labels(labels, rollout.ended, rollout.outcomes.unfinished)
    replaced = rollout.ended & table.replaces[labels]
    flat = labels.flatten()
    return Batch(
        observations=rollout.observations,
        actions=rollout.actions,
        rewards=torch.where(replaced, table.reward[labels], rollout.rewards),
        ended=rollout.ended,
        weights=table.weight[labels],
        routes=Routes(
            experts=table.experts[flat],
            gate=table.gate[flat],
            activations=None if table.activations is None else table.activations[flat],
        ),
        targets=table.target[flat],
        has_target=table.has_target[flat],
    )


def loss(
    policy: RoutedPolicyNetwork, baseline: PlaneNetwork, batch: Batch, settings: LossSettings
) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """The loss of one gradient step, and its terms.

    REINFORCE with a value baseline, an entropy bonus and the gate's cross-entropy (Cloud et al.,
    section 4.3). The gate's term is a mean over the samples with a target, the others over
    all samples.

    Args:
        policy: Its gradients are routed as the batch says.
        baseline: The value network; it learns from every sample.
        batch: What to learn from.
        settings: The constants.

    Returns:
        A scalar, and the terms by name as detached scalars.
    """
    observations = batch.observations.flatten(0, 1).float()
    values = baseline(observations).view(batch.ended.shape[0] + 1, -1)
    advantage, returns = _advantages(values.detach(), batch, settings)
    weights = batch.weights.flatten()
    logits, gate_logits = policy(observations[: len(weights)], batch.routes)
    log_probabilities = logits.log_softmax(1)
    terms = {
        "policy_loss": losses.policy_gradient_loss(
            log_probabilities, batch.actions.flatten(), advantage, weights
        ),
        "entropy": losses.entropy(log_probabilities, weights),
        "value_loss": losses.value_loss(values[:-1].flatten(), returns, weights),
        "gate_loss": losses.gate_loss(gate_logits, batch.targets, batch.has_target),
    }
    total = (
        terms["policy_loss"]
        - settings.entropy_coefficient * terms["entropy"]
        + settings.value_coefficient * terms["value_loss"]
        + settings.gate_coefficient * terms["gate_loss"]
    )
    return total, {name: term.detach() for name, term in terms.items()}


def _advantages(
    values: torch.Tensor, batch: Batch, settings: LossSettings
) -> tuple[torch.Tensor, torch.Tensor]:
    """Advantages as the settings want them, and the returns for the baseline, float [T x N]."""
    if not settings.bootstrap:
        values = torch.cat((values[:-1], torch.zeros_like(values[-1:])))
    advantage = losses.advantages(
        batch.rewards, batch.ended, values, settings.discount, settings.trace_decay
    )
    returns = (advantage + values[:-1]).flatten()
    advantage = advantage.flatten()
    if settings.normalise_advantages:
        advantage = losses.normalise(advantage, batch.weights.flatten())
    return advantage + settings.advantage_offset, returns


def gradient_step(
    optimizer: torch.optim.Optimizer, total: torch.Tensor, learning_rate: float
) -> None:
    """Take one step down the loss's gradient.

    Args:
        optimizer: Over the parameters of both networks.
        total: The scalar loss.
        learning_rate: Of this step.
    """
    for group in optimizer.param_groups:
        group["lr"] = learning_rate
    optimizer.zero_grad(set_to_none=True)
    total.backward()
    optimizer.step()
