"""From a rollout and a method to one gradient step's loss."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from routed_agents import losses
from routed_agents.methods.gate_memory import GateBatch
from routed_agents.methods.routing_settings import RoutingSettings
from routed_agents.methods.table import Lesson, Table
from routed_agents.policies.mixture import Mixture
from routed_agents.policies.networks import PlaneNetwork
from routed_agents.rollout import Rollout, spread_labels
from routed_envs.entries import is_listed


@dataclass(frozen=True)
class LossSettings:
    """The constants of the loss.

    Attributes:
        discount: 0 to 1.
        trace_decay: Lambda of the advantage estimates, 0 to 1; 1 is REINFORCE.
        bootstrap: Add the value of what follows the window to an unfinished episode's return.
        normalise_advantages: Scale the advantages of a batch to standard deviation 1.
        entropy_coefficient: Weight of the entropy bonus.
        value_coefficient: Weight of the value loss.
        routing: What routing adds. Its offset, a constant, leaves the expected gradient of an
            unrouted policy as it is. With routes it draws each expert towards the episodes that
            teach it and away from those that do not, however good the baseline is.
    """

    discount: float
    trace_decay: float
    bootstrap: bool
    normalise_advantages: bool
    entropy_coefficient: float
    value_coefficient: float
    routing: RoutingSettings


@dataclass(frozen=True)
class Batch:
    """What one gradient step learns from: T steps of N environments.

    Attributes:
        observations: int8 [T + 1, N, *observation_shape], or their entries, int64 [T + 1, N, M];
            the last row only for bootstrapping.
        actions: int64 [T, N].
        rewards: float [T, N], as the method gives them.
        ended: bool [T, N].
        lesson: What the T x N samples may teach.
        actors: int64 [N], the expert that acted alone in each environment; None if the mixture did.
        gate: What the gate learns from; None for the samples that have a target.
    """

    observations: torch.Tensor
    actions: torch.Tensor
    rewards: torch.Tensor
    ended: torch.Tensor
    lesson: Lesson
    actors: torch.Tensor | None = None
    gate: GateBatch | None = None


def make_batch(
    rollout: Rollout, labels: torch.Tensor, table: Table, gate: GateBatch | None = None
) -> Batch:
    """Apply a method's table to a rollout.

    Args:
        rollout: T steps of N environments.
        labels: int64 [T, N], or probabilities float [T, N, L]; read where episodes ended.
        table: The method's.
        gate: What the gate learns from; None for the rollout.
    """
    spread = spread_labels(labels, rollout.ended, rollout.outcomes.unfinished)
    return Batch(
        observations=rollout.shown,
        actions=rollout.actions,
        rewards=table.rewards(rollout.rewards, rollout.ended, spread, rollout.actors),
        ended=rollout.ended,
        lesson=table.lesson(spread.flatten(0, 1)),
        actors=rollout.actors,
        gate=gate,
    )


def loss(
    policy: Mixture, baseline: PlaneNetwork, batch: Batch, settings: LossSettings
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
    observations = batch.observations
    if not is_listed(observations):
        observations = observations.float()
    values = _own_values(baseline, observations, batch.actors)
    advantage, returns = _advantages(values.detach(), batch, settings)
    weights = batch.lesson.weights
    logits, gate_loss = _policy_terms(policy, observations[:-1], batch)
    log_probabilities = logits.log_softmax(1)
    terms = {
        "policy_loss": losses.policy_gradient_loss(
            log_probabilities, batch.actions.flatten(), advantage, weights
        ),
        "entropy": losses.entropy(log_probabilities, weights),
        "value_loss": losses.value_loss(values[:-1].flatten(), returns, weights),
        "gate_loss": gate_loss,
    }
    total = (
        terms["policy_loss"]
        - settings.entropy_coefficient * terms["entropy"]
        + settings.value_coefficient * terms["value_loss"]
        + settings.routing.gate_coefficient * terms["gate_loss"]
    )
    return total, {name: term.detach() for name, term in terms.items()}


def _own_values(
    baseline: PlaneNetwork, observations: torch.Tensor, actors: torch.Tensor | None
) -> torch.Tensor:
    """The value of each observation to whoever acts there, float [T + 1, N]."""
    values = baseline(observations.flatten(0, 1)).unflatten(0, observations.shape[:2])
    if actors is None:
        return values.squeeze(2)
    return values.gather(2, actors.expand(len(values), -1).unsqueeze(2)).squeeze(2)


def _policy_terms(
    policy: Mixture, observations: torch.Tensor, batch: Batch
) -> tuple[torch.Tensor, torch.Tensor]:
    """The logits of whoever acted, float [T x N, A], and the gate's loss."""
    lesson, samples = batch.lesson, observations.flatten(0, 1)
    gate_logits = None
    if batch.actors is None:
        logits, gate_logits = policy(samples, lesson.routes)
    else:
        logits = policy.solo_logits(observations, lesson.routes).flatten(0, 1)
    if batch.gate is not None:
        gate_logits, targets = policy.gate_logits(batch.gate.observations), batch.gate.targets
        return logits, losses.gate_loss(gate_logits, targets, torch.ones_like(targets))
    if gate_logits is None:
        gate_logits = policy.gate_logits(samples)
    return logits, losses.gate_loss(gate_logits, lesson.targets, lesson.has_target)


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
        advantage = losses.normalise(advantage, batch.lesson.weights)
    return advantage + settings.routing.advantage_offset, returns


def gradient_step(
    optimizer: torch.optim.Optimizer, total: torch.Tensor, learning_rate: float
) -> None:
    """Take one step down the loss's gradient."""
    for group in optimizer.param_groups:
        group["lr"] = learning_rate
        for parameter in group["params"]:
            parameter.grad = None  # As `zero_grad`, whose hooks take as long as a small layer.
    total.backward()
    optimizer.step()
