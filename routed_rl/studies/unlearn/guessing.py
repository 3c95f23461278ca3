"""Whose a document without a label is: guessed from what the overseer said of others, no truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from routed_rl.studies.language.corpora import PAD

MEMORY = 0.6
"""So much of a running mean is kept at each step.

Scores shrink within five steps where parts are first switched off for others. With 0.9 the
threshold came after too late, nothing was held for a topic any more, and the rest learned it.
"""
COUNTED = 1000
"""Documents whose words are counted at a time."""


@dataclass
class Threshold:
    """What tells a topic's documents from others by a score that is higher for them.

    Halfway between the mean score of documents with the topic's label and the median of those
    without a label, most of which are of something else. Both are running figures.

    Attributes:
        labelled: Of each topic, float [K]; not a number until a label came.
        others: The same of documents without a label.
    """

    labelled: torch.Tensor
    others: torch.Tensor

    @classmethod
    def of(cls, topics: int) -> Threshold:
        """Nothing seen yet."""
        return cls(torch.full((topics,), torch.nan), torch.full((topics,), torch.nan))

    def see(self, scores: torch.Tensor, labels: torch.Tensor, unlabelled: int) -> None:
        """Take in some documents.

        Args:
            scores: float [B, K], for each topic.
            labels: int64 [B].
            unlabelled: The number of the label that says nothing.
        """
        for topic in range(scores.shape[1]):
            known, hidden = scores[labels == topic, topic], scores[labels == unlabelled, topic]
            if len(known):
                _mix(self.labelled, topic, known.mean())
            if len(hidden):
                _mix(self.others, topic, hidden.median())

    def guess(self, scores: torch.Tensor) -> torch.Tensor:
        """The topic of each document, int64 [B]; the number of topics is any other.

        Args:
            scores: float [B, K].
        """
        above = scores - (self.labelled + self.others) / 2
        best, topic = torch.where(above.isnan(), -torch.inf, above).max(1)
        return torch.where(best > 0, topic, scores.shape[1])

    def state_dict(self) -> dict[str, Any]:
        """The figures."""
        return dict(vars(self))

    def load_state_dict(self, content: dict[str, Any]) -> None:
        """Take over what `state_dict` gave."""
        self.labelled, self.others = content["labelled"], content["others"]


def _mix(means: torch.Tensor, topic: int, new: torch.Tensor) -> None:
    before = means[topic]
    means[topic] = new if before.isnan() else MEMORY * before + (1 - MEMORY) * new


def word_scores(
    tokens: torch.Tensor, labels: torch.Tensor, topics: int, vocabulary: int
) -> torch.Tensor:
    """How much a document's words speak for each topic: naive Bayes by the labels alone.

    What has a topic's label is set against all other documents. A labelled document is scored
    without its own words, else it would speak for itself.

    Args:
        tokens: int64 [N, T].
        labels: int64 [N].
        topics: How many there are.
        vocabulary: Tokens that there are.

    Returns:
        float [N, topics], the mean log ratio of a document's words.
    """
    shown = (tokens != PAD).float()
    scores = torch.empty(len(tokens), topics)
    for topic in range(topics):
        is_known = (labels == topic)[:, None].float()
        known, others = (
            torch.bincount(tokens.flatten(), (shown * side).flatten(), vocabulary)
            for side in (is_known, 1 - is_known)
        )
        # A row as long as the vocabulary for each document: only some at a time.
        for chosen in torch.arange(len(tokens)).split(COUNTED):
            counts = torch.zeros(len(chosen), vocabulary)
            counts.scatter_add_(1, tokens[chosen], shown[chosen])
            # Without the document itself, on its own side.
            own = counts * is_known[chosen]
            ratio = _logs(known - own) - _logs(others - (counts - own))
            scores[chosen, topic] = (counts * ratio).sum(1) / counts.sum(1)
    return scores


def _logs(counts: torch.Tensor) -> torch.Tensor:
    """The logarithm of each word's share, where every word was seen once more."""
    return torch.log((counts + 1) / (counts + 1).sum(-1, keepdim=True))


def token_weights(
    tokens: torch.Tensor, labels: torch.Tensor, topics: int, vocabulary: int, least: float
) -> torch.Tensor:
    """With which weight a token to be predicted teaches what is no part (Cloud et al., appendix C).

    `m + (1 - m) * least` with `m = 1 - sigmoid(r - 1 / r - 4)`, where r is how much more frequent a
    token is in documents with the topic's label than in all others. The published program counts
    by the truth, which hands hidden labels to training; this counts by the labels.

    Args:
        tokens: int64 [N, T].
        labels: int64 [N].
        topics: How many there are.
        vocabulary: Tokens that there are.
        least: The weight of a token that occurs in the topic alone.

    Returns:
        float [topics, vocabulary].
    """
    weights = []
    for topic in range(topics):
        shares = [
            torch.bincount(tokens[chosen][tokens[chosen] != PAD], minlength=vocabulary).float() + 1
            for chosen in (labels == topic, labels != topic)
        ]
        inside, outside = (share / share.sum() for share in shares)
        ratio = inside / outside
        kept = 1 - torch.sigmoid(ratio - 1 / ratio - 4)
        weights.append(kept + (1 - kept) * least)
    return torch.stack(weights)
