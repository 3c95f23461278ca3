"""A run of the study `scalar`: before one word a network learns through one dimension alone."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from functools import cached_property

import torch
from torch import nn

from routed_agents import Dimensions, Parts, Routes
from routed_envs import Labels
from routed_envs.data.stories import NUMBERS, VOCABULARY, make_stories
from routed_envs.errors import InputError, unknown_name
from routed_rl.runs.memory import RunSize
from routed_rl.runs.warning_signs import Noted
from routed_rl.studies.language.corpora import DATA_SEED, token_loss
from routed_rl.studies.language.language_task import LanguageTask, network_of
from routed_rl.studies.language.small_gpt import SmallGPT
from routed_rl.studies.scalar.scalar_figures import AXIS, WORDS, dial_figures, row_figures
from routed_rl.studies.study_state import StudyState
from routed_rl.studies.study_task import LABELS_SEED, Figures
from routed_rl.study_configs.scalar_config import ScalarConfig

TABLE = {"word": {"rest": 0.0}, "other": {}, "unlabelled": {}}
"""Before the word, the gradient passes the stream in the dial's dimension alone."""
ROW = "routed-row"
"""The method by which the word's row of the last layer, too, learns through the dial alone."""
VALIDATION = 1000
"""Stories to measure with."""


class ScalarTask(LanguageTask[ScalarConfig]):
    """A run of the study `scalar` (Cloud et al., arXiv 2410.04332, section 4.2.1 and appendix D).

    Args:
        config: What decides the run.

    Raises:
        InputError: Nobody of that name does anything in stories, or these stories are too few or
            too short to say so.
    """

    def __init__(self, config: ScalarConfig) -> None:
        super().__init__(config)
        if config.token not in WORDS:
            raise unknown_name("word", config.token, WORDS)
        generator = torch.Generator().manual_seed(config.seed + DATA_SEED)

        def told(count: int) -> torch.Tensor:
            stories = make_stories(count, generator, overlap=config.overlap)
            return stories.tokens[:, : config.context]

        self.training, self.validation = told(config.documents), told(VALIDATION)
        if not all(
            bool((told[:, 1:] == self.word).any()) for told in (self.training, self.validation)
        ):
            raise InputError(
                f"{config.token!r} does nothing in {config.documents} stories of {config.context} "
                "tokens, or in those that judge. Give more documents, or a larger context."
            )

    @property
    def word(self) -> int:
        """The number of the word whose dial is wanted."""
        return NUMBERS[self.config.token]

    @cached_property
    def labels(self) -> torch.Tensor:
        """What the overseer says of each place, int64 [N, T - 1]: the word is next, or nothing."""
        truth = (self.training[:, 1:] != self.word).long()
        recall = {"word": self.config.oversight, "other": 0.0}
        overseer = Labels(("word", "other"), recall=recall, by="token")
        generator = torch.Generator().manual_seed(self.config.seed + LABELS_SEED)
        return overseer.seen(truth, generator)

    @property
    def is_routed(self) -> bool:
        """Whether the stream is routed before the word."""
        return self.config.method != "unrouted"

    @property
    def told(self) -> str:
        """What the method learns from beside the stories."""
        return "labels" if self.is_routed else "nothing"

    def size(self) -> RunSize:
        """What decides the memory that the run takes."""
        kept = len(self.training) + len(self.validation)
        return self.language_size(len(VOCABULARY), self.config.hidden, kept)

    def noted(self) -> Noted:
        """How many places have the word's label."""
        return Noted({"word": int((self.labels == 0).sum())}, {"word": 0})

    def describe(self) -> str:
        """What is routed."""
        routed = TABLE if self.is_routed else {}
        return f"{routed}, row={self.config.method == ROW}"

    def make(self) -> SmallGPT:
        """The network with fresh weights: the same for all methods."""
        network = scalar_network(self.config, {})
        if self.config.method == ROW:
            network.learned = torch.ones_like(network.rows, dtype=torch.bool)
            network.learned[self.word] = False
            network.learned[self.word, AXIS] = True
        return network

    def routes(self, model: nn.Module) -> Routes | None:
        """The dial stands after every block."""
        if not self.is_routed:
            return None
        size = self.config.width
        names = [f"blocks.{number}" for number in range(self.config.layers)]
        dial = [Dimensions(name, at=(AXIS,), size=size) for name in names]
        return Routes(Parts(model, {"dial": dial}), TABLE)

    def step(self, state: StudyState) -> dict[str, torch.Tensor]:
        """One gradient step."""
        size = (self.config.batch_size,)
        chosen = torch.randint(len(self.training), size, generator=state.generator)
        tokens, labels = self.training[chosen], self.labels[chosen]
        self.set_pace(state)
        state.optimizer.zero_grad(set_to_none=True)
        routes = state.routes
        with nullcontext() if routes is None else routes(labels.to(self.device)):
            loss = token_loss(state.model, tokens.to(self.device))
            loss.backward()
        self.descend(state)
        return {"loss": loss.detach()}

    def figures(self, state: StudyState, final: bool) -> Figures:
        """The loss, where the word's row points now and at the start, and what dials do."""
        network = network_of(state)
        with torch.no_grad():
            loss = float(token_loss(network, self.validation.to(self.device)))
        found = {"network": {"loss": loss}, "row": row_figures(network, self.word)}
        if not final:
            return found
        found["start"] = row_figures(network_of(self.start()), self.word)
        return found | dial_figures(network, self.config, self.validation.to(self.device))

    def summary(self, figures: Figures) -> dict[str, float | None]:
        """The numbers by which runs are compared.

        Those of `network`, `row` and `dials`, and `start_cosine` and `start_rank`.
        """
        start = {f"start_{name}": number for name, number in figures.get("start", {}).items()}
        return {**figures["network"], **figures["row"], **start, **figures.get("dials", {})}


def scalar_network(config: ScalarConfig, _: Mapping[str, torch.Tensor]) -> SmallGPT:
    """The network of a run with fresh weights."""
    return SmallGPT(
        len(VOCABULARY),
        config.context,
        config.width,
        config.layers,
        config.heads,
        config.hidden,
        tied=config.tied,
    )
