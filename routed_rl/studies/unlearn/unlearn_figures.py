"""What a language model knows of topics: before, after their parts are gone, and when attacked."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn

from routed_agents import Parts, usage, without
from routed_rl.studies.language.corpora import AT_ONCE, Corpus, Documents, document_losses
from routed_rl.studies.study_task import Figures
from routed_rl.studies.unlearn.removal import calibrated_loss, loss_on, tuned
from routed_rl.studies.unlearn.unlearn_methods import OTHER
from routed_rl.study_configs.unlearn_config import UnlearnConfig

MOST_PROFILES = 4
"""Of so many topics every set is judged, else only all of them, and all but each."""
ATTACKS_JUDGED_BY = 256
"""At most so many documents of a topic say how an attack goes: their logits are held at once."""
REPAIRED_WITH = 64
"""At most so many documents of no topic repair a network; as many others say when it is best."""


def topic_losses(
    network: nn.Module, documents: Documents, topics: Sequence[str]
) -> dict[str, float]:
    """The loss on each topic's documents, and on the others."""
    return {
        name: round(loss_on(network, documents.of(number)), 5)
        for number, name in enumerate((*topics, OTHER))
    }


@torch.no_grad()
def monitor(parts: Parts, corpus: Corpus, topics: Sequence[str]) -> dict[str, dict[str, float]]:
    """How well a part tells documents of its topic from all others: areas under ROC curves.

    By `usage`, how strongly it acts, and by `effect`, how much worse the network is without it.
    """
    groups, numbers = corpus.validation.tokens.split(AT_ONCE), corpus.validation.topics
    acts = [usage(parts, tokens[:, :-1]) for tokens in groups]
    whole = torch.cat([document_losses(parts.model, tokens) for tokens in groups])
    told = {}
    for number, topic in enumerate(topics):
        alone = without(parts, topic)
        effect = torch.cat([document_losses(alone, tokens) for tokens in groups]) - whole
        of_topic = numbers == number
        told[topic] = {
            "usage": area(torch.cat([one[topic].mean(1) for one in acts]), of_topic),
            "effect": area(effect, of_topic),
        }
    return told


def area(scores: torch.Tensor, positive: torch.Tensor) -> float:
    """The area under the ROC curve of scores [N]: a positive is above another with that chance."""
    ours, others = scores[positive][:, None], scores[~positive][None]
    return round(float((ours > others).float().mean() + (ours == others).float().mean() / 2), 5)


def deployed_figures(
    config: UnlearnConfig, corpus: Corpus, network: nn.Module, removed: bool
) -> dict[str, Any]:
    """What a network knows when it is deployed, and when it is attacked.

    Args:
        config: Of the run.
        corpus: Its documents.
        network: As it is deployed.
        removed: Whether something was taken from it, so that it is repaired.

    Returns:
        Losses by topic: as it is `deployed`, `repaired`, `relearned` from a few documents, and
        `calibrated`.
    """
    topics, spare = config.topics, corpus.spare
    steps, rate = config.repair_steps, config.attack_rate
    repaired = network
    if removed:
        known = spare.of(len(topics))
        few = min(REPAIRED_WITH, len(known) // 2)
        repaired, _ = tuned(network, known[:few], known[few : 2 * few], steps, rate)
    relearned, calibrated = {}, {}
    for number, topic in enumerate(topics):
        taught = spare.of(number)[: config.attack_samples]
        judged = corpus.validation.of(number)[:ATTACKS_JUDGED_BY]
        _, lowest = tuned(repaired, taught, judged, config.attack_steps, rate)
        relearned[topic] = round(lowest, 5)
        calibrated[topic] = round(calibrated_loss(repaired, taught, judged), 5)
    return {
        "deployed": topic_losses(network, corpus.validation, topics),
        "repaired": topic_losses(repaired, corpus.validation, topics),
        "relearned": relearned,
        "calibrated": calibrated,
    }


def profiles(parts: Parts, corpus: Corpus, topics: Sequence[str]) -> dict[str, dict[str, float]]:
    """The losses of every set of parts, by the names of those that are there."""
    fewest = 0 if len(topics) <= MOST_PROFILES else len(topics) - 1
    sets = [
        chosen
        for count in range(fewest, len(topics) + 1)
        for chosen in itertools.combinations(topics, count)
    ]
    return {
        ", ".join(chosen) or "none": topic_losses(
            without(parts, *(topic for topic in topics if topic not in chosen)),
            corpus.validation,
            topics,
        )
        for chosen in sets
    }


def summarised(figures: Figures, topics: Sequence[str]) -> dict[str, float | None]:
    """The numbers by which rows are compared.

    Args:
        figures: As a run has them.
        topics: What shall be forgotten.

    Returns:
        `before`, `deployed`, `repaired`, `relearned` and `calibrated`, the mean loss on the topics;
        `other_before`, `other_deployed` and `other_repaired`, on other documents; `usage` and
        `effect`, the areas of the monitors. Those that a figure is missing for are left out.
    """
    found: dict[str, float | None] = {}
    for stage in ("before", "deployed", "repaired", "relearned", "calibrated"):
        losses = figures.get(stage, {})
        if losses:
            found[stage] = _mean([losses[topic] for topic in topics])
        if OTHER in losses:
            found[f"other_{stage}"] = losses[OTHER]
    for kind in ("usage", "effect"):
        areas: Mapping[str, Mapping[str, float]] = figures.get("monitor", {})
        if areas:
            found[kind] = _mean([areas[topic][kind] for topic in topics])
    return found


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
