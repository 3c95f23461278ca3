"""Responsibilities: how likely each expert is to be the one that an unseen episode belongs to.

In a mixture of experts that is fitted by expectation-maximisation (Jordan and Jacobs 1994, Neural
Computation 6) the responsibility of an expert for a sample is the posterior probability that it
produced the sample. Of an overseen episode it is known; of the others it is believed, by the policy
itself or by a model of endings.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional

from routed_agents.methods.ending_model import EndingModel
from routed_agents.methods.record import Memory
from routed_agents.rollout import Rollout
from routed_envs.errors import check_count
from routed_envs.outcomes import Outcomes

Belief = Callable[[Rollout, torch.Tensor, Memory, torch.Generator], tuple[torch.Tensor, Memory]]
"""How likely each target is, float [M, targets], at the M steps of a rollout where bool [T, N] is
True; and what to remember. It is asked of overseen endings too, before it learns from them."""
WORTHS = (0, 1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2, 1)
"""The powers to which the experts' likelihood is tried."""
WRONG = (0.001, 0.01, 0.03, 0.1, 0.2, 0.3)
"""The shares of labels that are tried to be wrong."""
TRIED_ON = 500
"""So many of the last overseen endings say which power is best."""


def policy_belief(
    rollout: Rollout, where: torch.Tensor, memory: Memory, generator: torch.Generator
) -> tuple[torch.Tensor, Memory]:
    """The policy's own belief: its gate as the prior, its experts' actions as the likelihood.

    Bayes' rule with nothing but the gate and the experts, which are in the order of the targets:
    the probability of target k is proportional to gate_k(s) x expert_k(a | s)^worth.

    As experts narrow, whoever acted is sure to have been the likelier one, whatever came of it, and
    the belief would confirm itself: most of all where an action is a density, and where the last
    action has little to do with the ending. So the likelihood's power is of `WORTHS` the one with
    which the belief would have foretold the last overseen endings best, if some share of their
    labels is wrong, of `WRONG` whichever is likeliest.

    Args:
        rollout: T steps of N environments, with the policy that acted.
        where: bool [T, N], the steps at which episodes ended on a target, M of them.
        memory: Of the last overseen endings their `evidence`, the logarithms of prior and
            likelihood, float [`TRIED_ON`, 2, K]; and the `verdicts`, int64.
        generator: Not used.

    Returns:
        float [M, K], and the memory.
    """
    assert rollout.policy is not None, "whoever collects a rollout hands the policy along"
    with torch.no_grad():
        prior = rollout.policy.gate_logits(rollout.shown[:-1][where]).log_softmax(1)
    likelihood = log_likelihoods(rollout, where)
    evidence, labels = torch.stack((prior, likelihood), 1), rollout.labels[where]
    told = labels < prior.shape[1]
    new = {"evidence": evidence[told], "verdicts": labels[told]}
    before = {name: memory.get(name, values[:0]) for name, values in new.items()}
    kept = {name: torch.cat((before[name], new[name]))[-TRIED_ON:] for name in new}
    return (prior + _worth(**before) * likelihood).softmax(1), memory | kept


def _worth(evidence: torch.Tensor, verdicts: torch.Tensor) -> float:
    """The power of the likelihood with which the verdicts are likeliest; 1 if there is none.

    Some share of the verdicts may be wrong. Without that, a belief that is right of endings whose
    labels are not would count as one that is too sure.
    """
    if not len(verdicts):
        return 1.0
    worths, wrong = evidence.new_tensor(WORTHS), evidence.new_tensor(WRONG)
    beliefs = (evidence[:, 0, :, None] + evidence[:, 1, :, None] * worths).softmax(1)
    right = beliefs[torch.arange(len(verdicts), device=verdicts.device), verdicts, :, None]
    foretold = right * (1 - wrong) + (1 - right) * wrong / (evidence.shape[2] - 1)
    return WORTHS[int(foretold.log().mean(0).amax(1).argmax())]


def log_likelihoods(rollout: Rollout, where: torch.Tensor) -> torch.Tensor:
    """How likely each expert would have acted so, float [M, K] in logarithms, at bool `where`."""
    assert rollout.policy is not None, "whoever collects a rollout hands the policy along"
    with torch.no_grad():
        shown, taken = rollout.shown[:-1][where], rollout.actions[where]
        return rollout.policy.each_log_probability(shown, taken)


@dataclass(frozen=True)
class ModelBelief:
    """The belief of a model of overseen endings, in probabilities rather than best guesses.

    Attributes:
        model: What it sees and how it learns.
    """

    model: EndingModel

    def __call__(
        self, rollout: Rollout, where: torch.Tensor, memory: Memory, generator: torch.Generator
    ) -> tuple[torch.Tensor, Memory]:
        """The probability of each target, float [M, targets], before and after learning.

        Args:
            rollout: T steps of N environments; with `final_observations` if the model sees those.
            where: bool [T, N], the steps at which episodes ended on a target, M of them.
            memory: The model and its endings, if there are any already.
            generator: Draws the first weights and the batches.
        """
        memory = self.model.started(rollout, memory, generator)
        scores = self.model.scores(rollout, where, memory)
        return scores.softmax(1), self.model.learn(rollout, memory, generator)


@dataclass(frozen=True)
class Responsibilities:
    """Says of each ending on a target how likely each expert is responsible for it.

    Overseen endings belong to the expert of their label, the others are shared out by a belief. A
    belief that has never had a label of some target would see the other ones everywhere. Until
    every target has had one, the experts' actions alone decide: the labels that there are part the
    experts, and then an expert owns what it is likelier than the others to have done.

    Attributes:
        belief: Asked of every ending on a target.
        window: So many overseen endings are remembered with what the belief said of them before it
            learnt from them, for `belief_figures`; at least 1.

    Raises:
        InputError: The window is smaller.
    """

    belief: Belief = policy_belief
    window: int = 2000

    def __post_init__(self) -> None:
        check_count("window", self.window)

    def __call__(
        self, rollout: Rollout, memory: Memory, generator: torch.Generator
    ) -> tuple[torch.Tensor, Memory]:
        """The labels' probabilities, float [T, N, L], and what is remembered.

        Args:
            rollout: T steps of N environments.
            memory: What the belief remembers; `labels_seen`, int64 [targets]; and `judged`, float
                [window, 3], an overseen ending's label, the belief's best guess and how sure it is.
            generator: Handed to the belief.
        """
        labels, outcomes = rollout.labels, rollout.outcomes
        targets = len(outcomes.targets)
        unseen = labels == outcomes.unknown
        where = (labels < targets) | unseen
        beliefs, memory = self.belief(rollout, where, memory, generator)
        seen = memory.get("labels_seen", labels.new_zeros(targets))
        if bool((seen == 0).any()):
            beliefs = log_likelihoods(rollout, where).softmax(1)
        memory = memory | self._noted(labels[where], beliefs, seen, memory)
        shares = functional.one_hot(labels, len(outcomes.labels)).to(beliefs.dtype)
        padding = (0, len(outcomes.labels) - targets)
        shares[unseen] = functional.pad(beliefs, padding)[unseen[where]]
        return shares, memory

    def _noted(
        self, labels: torch.Tensor, beliefs: torch.Tensor, seen: torch.Tensor, memory: Memory
    ) -> Memory:
        """The labels that arrived, counted, and what was believed of their episodes before."""
        targets = beliefs.shape[1]
        known = labels < targets
        told, (sureness, guesses) = labels[known], beliefs[known].max(1)
        judged = torch.stack((told.to(sureness.dtype), guesses.to(sureness.dtype), sureness), 1)
        judged = torch.cat((memory.get("judged", judged[:0]), judged))[-self.window :]
        return {"labels_seen": seen + torch.bincount(told, minlength=targets), "judged": judged}


def belief_figures(memory: Memory) -> dict[str, float] | None:
    """What the overseer can check of a belief by himself, over the overseen endings remembered.

    Args:
        memory: Of a method's `relabel`.

    Returns:
        `agreement`, how often the belief's best guess was the label that arrived; `sureness`, how
        likely it held its guesses; `labels`, over how many labels; and `without_label`, how many
        targets never had one. None if the method has no belief, or no label arrived.
    """
    if "judged" not in memory or len(memory["judged"]) == 0:
        return None
    told, guessed, sureness = memory["judged"].unbind(1)
    return {
        "agreement": float((told == guessed).double().mean()),
        "sureness": float(sureness.double().mean()),
        "labels": float(len(told)),
        "without_label": float((memory["labels_seen"] == 0).sum()),
    }


OVERCONFIDENT = 0.25
"""A belief that is surer of its guesses than they are right, by so much, has lost touch."""
FEWEST_LABELS = 50
"""Over fewer labels a belief is not judged."""


def lost_touch(figures: Mapping[str, float]) -> bool:
    """Whether a belief is sure of what the labels contradict: it confirms itself, or they lie.

    Args:
        figures: As `belief_figures` gives them.
    """
    gap = figures["sureness"] - figures["agreement"]
    return figures["labels"] >= FEWEST_LABELS and gap > OVERCONFIDENT


def described_belief(memory: Memory, outcomes: Outcomes) -> dict[str, Any] | None:
    """What the overseer can check of a belief at a run's end, and what he is to be told of it.

    Args:
        memory: Of a method's `relabel`.
        outcomes: The names of the targets.

    Returns:
        The figures of `belief_figures`, with the names of the targets that never had a label and
        whether the belief has lost touch; None if the method has none, or no label arrived.
    """
    figures = belief_figures(memory)
    if figures is None:
        return None
    seen = zip(outcomes.targets, memory["labels_seen"].tolist(), strict=True)
    without = [name for name, count in seen if not count]
    return figures | {"without_label": without, "lost_touch": lost_touch(figures)}
