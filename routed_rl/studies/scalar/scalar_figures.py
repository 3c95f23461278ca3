"""What is found out about a network whose dimension may be the dial of a word."""

from __future__ import annotations

import dataclasses
from typing import Any

import torch

from routed_envs.data.stories import FACTS, NUMBERS, VOCABULARY
from routed_rl.studies.language.corpora import PAD
from routed_rl.studies.language.small_gpt import SmallGPT
from routed_rl.studies.scalar.dials import Dial, mean_difference
from routed_rl.study_configs.scalar_config import ScalarConfig

AXIS = 0
"""The dimension that is to be the dial."""
RANDOM = 16
"""Random directions, of which the mean is told."""
TURNED = 100
"""Stories in which the dial is turned; the mean difference is of all that there are."""
TURNS = (-2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0)
"""How far the dial is turned for the picture, in mean norms of the stream."""
WORDS = {who: topic for topic, facts in FACTS.items() for who, _, _ in facts}
"""Whoever does something in stories, and the topic that is theirs."""
START = "one morning anna went to the"
"""Of the stories that the network tells."""


@torch.no_grad()
def row_figures(network: SmallGPT, word: int) -> dict[str, float]:
    """Where a word's row of the last layer points.

    `cosine` is its cosine with the dial, without its sign, which means nothing; `rank` its place
    among all words, 1 for the highest.
    """
    cosines = (network.rows[:, AXIS] / network.rows.norm(dim=1)).abs()
    others = cosines[[number for number in range(len(cosines)) if number != PAD]]
    return {"cosine": float(cosines[word]), "rank": float((others > cosines[word]).sum()) + 1}


def dial_figures(
    network: SmallGPT, config: ScalarConfig, tokens: torch.Tensor
) -> dict[str, dict[str, Any]]:
    """How likely words are when a direction is added to the stream after half of the blocks.

    Args:
        network: The trained network.
        config: Of its run.
        tokens: int64 [N, T], stories that nothing learned from.

    Returns:
        `dials`: how likely the word is as things are (`still`), with the dial (`axis`), with the
        best of all other dimensions, of the mean difference, and of random directions, all equally
        long and with the better sign; and by how much the dial lifts the word, the never-routed
        words of its topic (`relatives_lift`) and those of all other topics (`others_lift`).
        `turns`: the same three for every turn of the dial. `said`: stories told with it and
        without.
    """
    word, middle = NUMBERS[config.token], network.middle
    dial = Dial.of(network, middle, tokens[:TURNED], config.strength)
    axes = torch.eye(config.width, device=tokens.device)
    up, down = (dial.turned(sign * axes[AXIS], [word])[0] for sign in (1.0, -1.0))
    towards = axes[AXIS] if up >= down else -axes[AXIS]
    turns = {f"{turn:g}": _turned(dial, turn, towards, config.token) for turn in TURNS}
    still, turned = turns["0"], turns["1"]
    lifts = {name: turned[name] / still[name] for name in still}
    generator = torch.Generator().manual_seed(config.seed)
    drawn = torch.randn(RANDOM, config.width, generator=generator).to(tokens.device)
    dials = {
        "still": still["word"],
        "axis": turned["word"],
        "best_other_axis": max(dial.best_sign(axis, word) for axis in axes[AXIS + 1 :]),
        "difference": dial.best_sign(mean_difference(network, middle, tokens, word), word),
        "random": sum(dial.best_sign(one, word) for one in drawn) / RANDOM,
        "lift": lifts["word"],
        "relatives_lift": lifts["relatives"],
        "others_lift": lifts["others"],
    }
    said = {
        name: _told(dial, amount * dial.size * towards, config)
        for name, amount in {"still": 0.0, "turned": 1.0}.items()
    }
    return {"dials": dials, "turns": turns, "said": said}


def _turned(dial: Dial, turn: float, towards: torch.Tensor, token: str) -> dict[str, float]:
    """How likely a word, the others of its topic and those of other topics are, the means."""
    longer = dataclasses.replace(dial, size=abs(turn) * dial.size)
    own = [who for who, topic in WORDS.items() if topic == WORDS[token] and who != token]
    others = [who for who, topic in WORDS.items() if topic != WORDS[token]]
    kinds = {"word": [token], "relatives": own, "others": others}
    names = [name for kind in kinds.values() for name in kind]
    chances = longer.turned(towards * _sign(turn), [NUMBERS[name] for name in names])
    found = dict(zip(names, chances, strict=True))
    return {name: sum(found[who] for who in kind) / len(kind) for name, kind in kinds.items()}


def _sign(turn: float) -> float:
    return (turn > 0) - (turn < 0)


def _told(dial: Dial, added: torch.Tensor, config: ScalarConfig) -> str:
    """A story from the beginning that all have, drawn from the run's seed."""
    start = [NUMBERS[word] for word in START.split()]
    generator = torch.Generator().manual_seed(config.seed)
    told = dial.said(added, start, config.context, generator)
    return " ".join(VOCABULARY[token] for token in told)
