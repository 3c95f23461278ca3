"""A run of the study `unlearn`: a language model that is to be deployed without a topic."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import nn

from routed_agents import Parts, Routes, ablate, without
from routed_envs import Labels
from routed_envs.errors import InputError
from routed_rl.runs.memory import RunSize
from routed_rl.runs.warning_signs import Noted
from routed_rl.studies.language.corpora import (
    Corpus,
    document_losses,
    files_of,
    load_corpus,
    token_loss,
)
from routed_rl.studies.language.language_task import LanguageTask, network_of
from routed_rl.studies.language.small_gpt import SmallGPT
from routed_rl.studies.study_state import StudyState
from routed_rl.studies.study_task import LABELS_SEED, Figures
from routed_rl.studies.unlearn.guessing import Threshold, token_weights, word_scores
from routed_rl.studies.unlearn.removal import scrambled
from routed_rl.studies.unlearn.unlearn_figures import (
    deployed_figures,
    monitor,
    profiles,
    summarised,
    topic_losses,
)
from routed_rl.studies.unlearn.unlearn_methods import OTHER, UNLEARN_METHODS
from routed_rl.studies.unlearn.unlearn_network import (
    added_units,
    hidden_units,
    make_network,
    topic_parts,
)
from routed_rl.study_configs.unlearn_config import UnlearnConfig

LEAST_WEIGHT, SPARSITY = -0.75, 1e-4
"""Of the published routes: the weight of a topic's own tokens, and of the hidden units' L1 norm."""


class UnlearnTask(LanguageTask[UnlearnConfig]):
    """A run of the study `unlearn` (Cloud et al., arXiv 2410.04332, section 4.2.2 and appendix C).

    Args:
        config: What decides the run.

    Raises:
        InputError: The documents cannot be had, or there cannot be such labels.
    """

    def __init__(self, config: UnlearnConfig) -> None:
        super().__init__(config)
        self.method = UNLEARN_METHODS[config.method]
        self.corpus: Corpus = load_corpus(config)
        # What the overseer says of each document, int64 [N]: a topic, another one, or nothing.
        self.labels = self._labels()

    @property
    def topics(self) -> int:
        """How many topics shall be forgotten; as a label it is the number of any other topic."""
        return len(self.config.topics)

    def _labels(self) -> torch.Tensor:
        if self.method.told == "the truth":
            return self.corpus.training.topics
        overseer = Labels(
            (*self.config.topics, OTHER),
            recall={OTHER: 0.0, **dict.fromkeys(self.config.topics, self.config.oversight)},
            precision=dict.fromkeys(self.config.topics, self.config.precision),
        )
        generator = torch.Generator().manual_seed(self.config.seed + LABELS_SEED)
        return overseer.seen(self.corpus.training.topics, generator)

    @property
    def unlabelled(self) -> int:
        """The number of the label that says nothing."""
        return self.topics + 1

    @cached_property
    def kept(self) -> torch.Tensor:
        """The documents that are learned from, int64 [M], by their number.

        Raises:
            InputError: All are left out.
        """
        kept = (self.classified >= self.topics) | (not self.method.left_out)
        if not kept.any():
            raise InputError(
                f"{self.config.method} leaves out all of the {len(kept)} documents. Give more "
                "documents, or fewer topics."
            )
        return kept.nonzero()[:, 0]

    @property
    def samples(self) -> int:
        """Documents of one step: `batch_size`, but where labels route at parameters.

        There those that teach parts alone come beside it, so that what is deployed learns from as
        many documents as where a topic is left out. At most they are as many again: where topics
        are more than half of all, what is deployed learns from fewer.
        """
        size, method = self.config.batch_size, self.method
        if not method.is_beside:
            return size
        others = float((self.classified >= self.topics).float().mean())
        if method.guesses != "nobody":
            others *= 1 - self.quieting
        return round(size / max(0.5, others))

    @property
    def quieting(self) -> float:
        """The share of documents held for no topic's that run with some of the parts on."""
        return 1 - (1 - self.config.kept_on) ** self.topics

    @cached_property
    def classified(self) -> torch.Tensor:
        """The labels, int64 [N], with a classifier's guesses where they say nothing, if it has one.

        What it holds for no topic's is of another one.
        """
        if self.method.guesses != "classifier":
            return self.labels
        tokens = self.corpus.training.tokens
        scores = word_scores(tokens, self.labels, self.topics, self.corpus.vocabulary)
        threshold = Threshold.of(self.topics)
        threshold.see(scores, self.labels, self.unlabelled)
        return torch.where(self.labels < self.topics, self.labels, threshold.guess(scores))

    def size(self) -> RunSize:
        """What decides the memory that the run takes."""
        config, corpus = self.config, self.corpus
        hidden = config.hidden + added_units(config) * self.topics
        kept = sum(map(len, (corpus.training, corpus.validation, corpus.spare)))
        return self.language_size(corpus.vocabulary, hidden, kept)

    @property
    def files(self) -> tuple[Path, ...]:
        """The text, if it is one of the user's own."""
        return files_of(self.config.data)

    @property
    def told(self) -> str:
        """What the row learns from beside the documents."""
        return self.method.told

    def noted(self) -> Noted:
        """How many documents have each label."""
        counts = {name: int((self.labels == i).sum()) for i, name in enumerate(self.config.topics)}
        return Noted(counts, dict.fromkeys(self.config.topics, 0))

    def describe(self) -> str:
        """The row of the study's table."""
        return self.method.describe(self.config.topics)

    def make(self) -> SmallGPT:
        """The network with fresh weights, the units of the topics among them."""
        return make_network(self.config, self.corpus.vocabulary)

    def routes(self, model: nn.Module) -> Routes | None:
        """Labels decide what a document teaches."""
        table = self.method.table(self.config.topics)
        if table is None:
            return None
        exact = self.method.routes == "parameters"
        return Routes(topic_parts(model, self.config), table, exact=exact)

    def start(self) -> StudyState:
        """A fresh network, and nothing guessed yet."""
        state = super().start()
        if self.method.guesses == "effect":
            parts = topic_parts(state.model, self.config)
            state.memory = Threshold.of(self.topics)
            # They share the weights that are learned.
            state.guarded = tuple(without(parts, topic) for topic in self.config.topics)
        return state

    def step(self, state: StudyState) -> dict[str, torch.Tensor]:
        """One gradient step."""
        chosen = self.kept[
            torch.randint(len(self.kept), (self.samples,), generator=state.generator)
        ]
        tokens = self.corpus.training.tokens[chosen].to(self.device)
        labels = self.classified[chosen].to(self.device)
        self.set_pace(state)
        state.optimizer.zero_grad(set_to_none=True)
        loss = self._learn(state, tokens, self._decided(state, tokens, labels))
        self.descend(state)
        return {"loss": loss.detach()}

    def _decided(
        self, state: StudyState, tokens: torch.Tensor, labels: torch.Tensor
    ) -> torch.Tensor:
        """The labels, with guesses in the place of those that say nothing."""
        if self.method.guesses == "nobody" or state.routes is None:
            return labels
        guessed = labels.cpu()
        if isinstance(state.memory, Threshold):
            with torch.no_grad():
                scores = self.effects(state, tokens).cpu()
            state.memory.see(scores, guessed, self.unlabelled)
            if state.update < self.config.warm_up * self.config.steps:
                return labels
            guesses = state.memory.guess(scores)
            guessed = torch.where(guessed == self.unlabelled, guesses, guessed)
        # Some others run while the parts act, else nothing keeps the parts quiet there.
        kept_on = torch.rand(len(guessed), generator=state.generator) < self.quieting
        guessed = torch.where((guessed == self.topics) & kept_on, self.unlabelled + 1, guessed)
        return guessed.to(self.device)

    def effects(self, state: StudyState, tokens: torch.Tensor) -> torch.Tensor:
        """How much each part helps with documents: the loss without it, less the loss, [B, K]."""
        whole = document_losses(state.model, tokens)
        return torch.stack([document_losses(one, tokens) - whole for one in state.guarded], 1)

    def _learn(self, state: StudyState, tokens: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """The gradient of the loss, where it may go."""
        routes = state.routes
        if routes is None:
            loss = token_loss(state.model, tokens)
            loss.backward()
            return loss
        given = labels
        if self.method.routes == "activations":
            given = self._graded(tokens, labels)
        off = self._off(state, labels) if self.method.routes == "parameters" else None
        with routes(given, off), hidden_units(state.model) as hidden:
            loss = token_loss(state.model, tokens)
            if self.method.routes == "activations":
                norms = torch.stack([units.abs().sum(-1).mean() for units in hidden])
                (loss + SPARSITY * norms.mean()).backward()
            else:
                loss.backward()
        return loss

    def _off(self, state: StudyState, labels: torch.Tensor) -> dict[str, torch.Tensor]:
        """Parts that are off for a document by chance, bool [B] each, by the topic.

        Of several parts every set may be in use. So a topic's part meets its documents, and all
        others, beside any of the other parts.
        """
        if self.topics == 1:
            return {}
        kinds, numbers = labels.cpu()[:, None], torch.arange(self.topics)
        # Others that met no part would teach nobody.
        fewest = (kinds >= self.topics).long()
        sets = torch.rand(kinds.shape, generator=state.generator) * (2**self.topics - fewest)
        sets = fewest + sets.long()
        is_on = (sets.bitwise_right_shift(numbers) % 2 == 1) | (kinds == numbers)
        off = ~(is_on | (kinds == self.unlabelled)).to(labels.device)
        return {topic: off[:, i] for i, topic in enumerate(self.config.topics)}

    @cached_property
    def _weights(self) -> torch.Tensor:
        """The published weight of each token for what is no part, float [K, vocabulary]."""
        tokens, vocabulary = self.corpus.training.tokens, self.corpus.vocabulary
        return token_weights(tokens, self.labels, self.topics, vocabulary, LEAST_WEIGHT)

    def _graded(
        self, tokens: torch.Tensor, labels: torch.Tensor
    ) -> Mapping[str, torch.Tensor | float]:
        """Weights for each part and token, float [B, T], by the token that is to be predicted."""
        table = torch.cat([self._weights, torch.ones_like(self._weights[:1])]).to(tokens.device)
        row = labels.clamp(max=self.topics)
        rest = table[row[:, None], tokens[:, 1:]]
        weights: dict[str, torch.Tensor | float] = {"rest": rest}
        for number, topic in enumerate(self.config.topics):
            mine = (labels == number) | (labels >= self.topics)
            weights[topic] = mine.float()[:, None].expand_as(rest)
        return weights

    def figures(self, state: StudyState, final: bool) -> Figures:
        """Losses on documents that nothing learned from, before and after the removal."""
        network, corpus = network_of(state), self._judging
        parts, topics = topic_parts(network, self.config), self.config.topics
        found: dict[str, Any] = {"before": topic_losses(network, corpus.validation, topics)}
        if self.method.parts != "none":
            found["monitor"] = monitor(parts, corpus, topics)
        if not final:
            return found
        removal = self.method.removal
        found |= deployed_figures(
            self.config, corpus, self._deployed(network, parts), removal != "nothing"
        )
        found["profiles"] = profiles(parts, corpus, topics) if removal == "deleted" else {}
        return found

    @cached_property
    def _judging(self) -> Corpus:
        """The corpus; the documents that judge are where the network is."""
        validation, spare = self.corpus.validation, self.corpus.spare
        there = {"validation": validation.to(self.device), "spare": spare.to(self.device)}
        return dataclasses.replace(self.corpus, **there)

    def _deployed(self, network: SmallGPT, parts: Parts) -> nn.Module:
        """The network without what is removed in the end."""
        if self.method.removal == "deleted":
            return ablate(parts, *self.config.topics).model
        if self.method.removal == "nothing":
            return network
        tokens = self.corpus.training.tokens.to(self.device)
        is_labelled = (self.labels < self.topics).to(self.device)
        generator = torch.Generator().manual_seed(self.config.seed)
        config, labelled, others = self.config, tokens[is_labelled], tokens[~is_labelled]
        rate, retain = config.scramble_rate, config.scramble_retain
        return scrambled(network, labelled, others, rate, retain, generator)

    def summary(self, figures: Figures) -> dict[str, float | None]:
        """The numbers by which rows are compared."""
        return summarised(figures, self.config.topics)
