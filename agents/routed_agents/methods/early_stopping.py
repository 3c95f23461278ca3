"""Keeping the best policy, by what the overseer saw and by nothing else."""

from __future__ import annotations

import torch
from torch import nn

from routed_agents.methods.record import BestOverseen
from routed_envs.outcomes import Outcomes

Weights = dict[str, torch.Tensor]


class Selector:
    """Follows a run and keeps the weights with the best score over recent overseen episodes.

    Args:
        rule: What counts, and over how many overseen episodes.
        outcomes: Names and codes of the labels.

    Attributes:
        best: The best weights so far, on the CPU, so that what is pickled with them opens on any
            machine; None before enough episodes were overseen.
    """

    def __init__(self, rule: BestOverseen, outcomes: Outcomes) -> None:
        self._rule = rule
        self._scores = torch.tensor([rule.scores.get(name, 0.0) for name in outcomes.targets])
        self._recent = torch.empty(0, dtype=torch.int64)
        self._best_score = -float("inf")
        self.best: Weights | None = None

    def observe(self, labels: torch.Tensor, network: nn.Module) -> None:
        """Take in a rollout's labels, int64 codes; keep its policy's weights if they are best."""
        overseen = labels[labels < len(self._scores)].cpu()
        self._recent = torch.cat((self._recent, overseen))[-self._rule.episodes :]
        score = float(self._scores[self._recent].sum())
        if len(self._recent) == self._rule.episodes and score > self._best_score:
            self._best_score = score
            self.best = _on_cpu(network.state_dict())

    def state_dict(self) -> dict[str, torch.Tensor | float | Weights | None]:
        """The state, as tensors and numbers."""
        return {"recent": self._recent, "best_score": self._best_score, "best": self.best}

    def load_state_dict(self, state: dict[str, torch.Tensor | float | Weights | None]) -> None:
        """Take over what `state_dict` gave."""
        recent, score, best = state["recent"], state["best_score"], state["best"]
        assert isinstance(recent, torch.Tensor), "`state_dict` gives a tensor"
        assert isinstance(score, float), "`state_dict` gives a float"
        assert best is None or isinstance(best, dict), "`state_dict` gives weights by name"
        self._recent, self._best_score = recent.cpu(), score
        self.best = None if best is None else _on_cpu(best)


def _on_cpu(weights: Weights) -> Weights:
    """Copies of the weights, which may live on another device."""
    return {name: weight.detach().to("cpu", copy=True) for name, weight in weights.items()}
