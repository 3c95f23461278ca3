"""Documents with topics, as numbers of tokens, for studies of language models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch

from routed_envs.data.passages import BIBLE, load_passages, topic_numbers
from routed_envs.data.stories import TOPICS, VOCABULARY, make_stories
from routed_envs.errors import InputError, check_names
from routed_rl.extras import need
from routed_rl.study_configs.unlearn_config import UnlearnConfig

STORIES = "stories"
PAD = 0
"""This token fills the ends of documents."""
DATA_SEED = 3_000_017
"""Added to the run's seed: stories are no part of what weights are drawn from."""
DIVIDING_SEED = 20_260_101
"""A text is divided the same way for every seed."""
VALIDATION, SPARE = 1000, 600
"""Documents that measure, and those from which a network is repaired or attacked."""
TEXT_SHARE = 0.1
"""The share of a text's passages for each of the two."""
AT_ONCE = 32
"""Documents that are judged side by side."""


@dataclass(frozen=True)
class Documents:
    """Documents and their topics.

    Attributes:
        tokens: int64 [N, T]; `PAD` fills their ends.
        topics: int64 [N], the number of the topic; that of one more than there are is any other.
    """

    tokens: torch.Tensor
    topics: torch.Tensor

    def __len__(self) -> int:
        return len(self.topics)

    def of(self, topic: int) -> torch.Tensor:
        """The documents of a topic, int64 [M, T]."""
        return self.tokens[self.topics == topic]

    def to(self, device: torch.device) -> Documents:
        """The same on a device."""
        return Documents(self.tokens.to(device), self.topics.to(device))


@dataclass(frozen=True)
class Corpus:
    """What a network learns from, and what it is judged with.

    Attributes:
        vocabulary: How many tokens there are.
        training: To learn from; their topics are the truth, which only the overseer sees.
        validation: To measure losses on.
        spare: To repair, to relearn and to calibrate with.
    """

    vocabulary: int
    training: Documents
    validation: Documents
    spare: Documents


def load_corpus(config: UnlearnConfig) -> Corpus:
    """The documents that a configuration asks for.

    Raises:
        InputError: There is no such data or topic, a package is missing, or too few documents are
            of a topic to judge with.
    """
    corpus = _stories(config) if config.data == STORIES else _text(config)
    for number, topic in enumerate((*config.topics, "nothing to be forgotten")):
        there = min(len(corpus.spare.of(number)), len(corpus.validation.of(number)))
        if there < config.attack_samples:
            raise InputError(
                f"{config.data} has only {there} documents of {topic} to judge and relearn with. "
                f"Give fewer attack_samples than {config.attack_samples}, or another topic."
            )
    return corpus


def _stories(config: UnlearnConfig) -> Corpus:
    check_names("topic", config.topics, TOPICS)
    generator = torch.Generator().manual_seed(config.seed + DATA_SEED)
    numbers = torch.full((len(TOPICS),), len(config.topics))
    for number, topic in enumerate(config.topics):
        numbers[TOPICS.index(topic)] = number

    def tell(count: int) -> Documents:
        told = make_stories(count, generator, overlap=config.overlap)
        return Documents(told.tokens[:, : config.context], numbers[told.topics])

    spare = max(SPARE, 8 * config.attack_samples)
    return Corpus(len(VOCABULARY), tell(config.documents), tell(VALIDATION), tell(spare))


def files_of(data: str) -> tuple[Path, ...]:
    """The file that a corpus is read from; none where the data comes with a package."""
    return () if data in (STORIES, BIBLE) else (Path(data),)


def _text(config: UnlearnConfig) -> Corpus:
    need("studies", f"data={config.data!r}", ("tokenizers",))
    stamps = [path.stat() for path in files_of(config.data) if path.is_file()]
    state = tuple((stamp.st_mtime_ns, stamp.st_size) for stamp in stamps)
    sizes = (config.documents, config.context, config.vocabulary)
    return _encoded(config.data, state, config.topics, *sizes)


@lru_cache(maxsize=1)  # Seconds to make, and the same for every run of most sweeps.
def _encoded(
    data: str,
    state: tuple[tuple[int, int], ...],
    topics: tuple[str, ...],
    documents: int,
    context: int,
    vocabulary: int,
) -> Corpus:
    """The corpus of a text, whose file is in a state that is known."""
    passages = load_passages(data)
    numbers = topic_numbers(passages, [topic.split("+") for topic in topics])
    order = torch.randperm(
        len(passages), generator=torch.Generator().manual_seed(DIVIDING_SEED)
    ).tolist()
    held = max(1, round(TEXT_SHARE * len(passages)))
    groups = (order[2 * held :][:documents], order[:held], order[held : 2 * held])
    training, validation, spare = ([passages[i] for i in group] for group in groups)
    encoded = _encode(context, vocabulary, training, (training, validation, spare))
    parts = [
        _usable(Documents(tokens, torch.tensor([numbers[i] for i in group])))
        for tokens, group in zip(encoded, groups, strict=True)
    ]
    return Corpus(vocabulary, *parts)


def _usable(documents: Documents) -> Documents:
    """Those documents in which a token follows another: of the others nothing can be judged."""
    follows = (documents.tokens[:, 1:] != PAD).any(1)
    return Documents(documents.tokens[follows], documents.topics[follows])


def _encode(
    context: int, vocabulary: int, learned: Sequence[str], texts: Sequence[Sequence[str]]
) -> list[torch.Tensor]:
    """Texts by a byte-pair encoding of some of them, int64 [N, context] each."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=["<pad>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(learned, trainer)
    tokenizer.enable_truncation(context)
    tokenizer.enable_padding(pad_id=PAD, length=context)
    return [torch.tensor([one.ids for one in tokenizer.encode_batch(list(text))]) for text in texts]


def losses(network: torch.nn.Module, tokens: torch.Tensor) -> torch.Tensor:
    """The loss of each next token, float [B, T - 1]; 0 where a document has ended."""
    logits, targets = network(tokens[:, :-1]), tokens[:, 1:]
    found = torch.nn.functional.cross_entropy(
        logits.flatten(0, 1), targets.flatten(), reduction="none"
    )
    return found.view(targets.shape) * (targets != PAD)


def document_losses(network: torch.nn.Module, tokens: torch.Tensor) -> torch.Tensor:
    """The mean loss of each document's tokens, float [B]."""
    return losses(network, tokens).sum(1) / (tokens[:, 1:] != PAD).sum(1)


def token_loss(network: torch.nn.Module, tokens: torch.Tensor) -> torch.Tensor:
    """The mean loss over all tokens of documents, int64 [B, T]."""
    return losses(network, tokens).sum() / (tokens[:, 1:] != PAD).sum()
