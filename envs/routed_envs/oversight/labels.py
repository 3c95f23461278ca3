"""An overseer of data: what he says of it, which is some of the truth, and some of it wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch

from routed_envs.errors import InputError, check_names, check_probability

UNLABELLED = "unlabelled"
"""The name of the last label: nothing is said."""


@dataclass(frozen=True)
class Labels:
    """How an overseer labels data that is there as a whole, such as the documents of a corpus.

    The kinds of data are numbered from 0 in the order of their names. What he says is one of these
    numbers, or their count, which is `unlabelled`. Nothing that trains sees more than that.

    Attributes:
        names: The kinds of data that he tells apart.
        recall: Which share of a kind he labels as what it is, 0 to 1; for all kinds or for each by
            name, where a kind that is not named has 1.
        precision: Which share of a kind's labels is right, above 0 to 1; for all kinds or for each
            by name, where a kind that is not named has 1. The wrong ones are on data of other
            kinds that he did not label as what it is.
        by: Whether he labels whole documents, or token by token.
        hardness: How much he misses what is difficult, 0 to 1: 0, and difficulty does not matter;
            1, and he labels the easiest.

    Raises:
        InputError: A share is out of range, a name unknown, or a kind is called `unlabelled`.
    """

    names: tuple[str, ...]
    recall: float | Mapping[str, float] = 1.0
    precision: float | Mapping[str, float] = 1.0
    by: Literal["document", "token"] = "document"
    hardness: float = 0.0

    def __post_init__(self) -> None:
        if not self.names or UNLABELLED in self.names or len(set(self.names)) < len(self.names):
            raise InputError(
                f"names={self.names}: give the kinds of data, each once and none {UNLABELLED!r}."
            )
        if self.by not in ("document", "token"):
            raise InputError(f"by={self.by!r}: give 'document' or 'token'.")
        check_probability("hardness", self.hardness)
        for field in ("recall", "precision"):
            given = getattr(self, field)
            shares = given if isinstance(given, Mapping) else {self.names[0]: given}
            check_names(f"kind of data in {field}", shares, self.names)
            for name, share in shares.items():
                check_probability(f"{field} of {name}", share)
                if field == "precision" and not share:
                    raise InputError(
                        f"precision of {name}=0: every label would be wrong. Give a number above 0."
                    )

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of all labels, by number."""
        return (*self.names, UNLABELLED)

    def seen(
        self,
        truth: torch.Tensor,
        generator: torch.Generator,
        difficulty: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """What the overseer says of data.

        Args:
            truth: int64 [N], of each document, or [N, T], of each token: the number of its kind,
                or the count of kinds for what is of none. Where documents are labelled and tokens
                have kinds, a document is of the kind that its first labelled token has.
            generator: Draws what he labels, on the CPU.
            difficulty: float, a number for each document or each token, larger where it is harder
                to tell; only with `hardness`.

        Returns:
            int64 of the truth's shape, the number of a label.

        Raises:
            InputError: The truth holds other numbers, or difficulty does not fit.
        """
        self._check(truth, difficulty)
        kinds = self._units(truth)
        order = self._order(kinds, generator, difficulty)
        said = torch.full_like(kinds, len(self.names))
        for kind, name in enumerate(self.names):
            mine = order[kinds[order] == kind]
            said[mine[: round(_share(self.recall, name) * len(mine))]] = kind
        for kind, name in enumerate(self.names):
            self._err(kind, name, kinds, said, generator)
        if self.by == "token" or truth.dim() == 1:
            return said.view(truth.shape)
        right = said == kinds
        return torch.where(right[:, None], truth, said[:, None].expand_as(truth))

    def _err(
        self,
        kind: int,
        name: str,
        kinds: torch.Tensor,
        said: torch.Tensor,
        generator: torch.Generator,
    ) -> None:
        """Say a kind of so much of what is none of it that the precision holds."""
        precision, right = _share(self.precision, name), int((said == kind).sum())
        wrong = round(right * (1 - precision) / precision)
        others = ((said == len(self.names)) & (kinds != kind)).nonzero()[:, 0]
        if wrong > len(others):
            raise InputError(
                f"precision of {name}={precision}: {wrong} wrong labels are needed, and there are "
                f"{len(others)} others without a label. Give a larger precision or less recall."
            )
        chosen = torch.randperm(len(others), generator=generator)[:wrong]
        said[others[chosen]] = kind

    def _units(self, truth: torch.Tensor) -> torch.Tensor:
        """int64 [M], the kind of everything that may have a label."""
        if self.by == "token" or truth.dim() == 1:
            return truth.flatten()
        known = truth < len(self.names)
        first = known.int().argmax(1, keepdim=True)
        return truth.gather(1, first)[:, 0]

    def _order(
        self, kinds: torch.Tensor, generator: torch.Generator, difficulty: torch.Tensor | None
    ) -> torch.Tensor:
        """int64 [M], who is labelled first: at random, or by how easy it is, or in between."""
        chance = torch.rand(len(kinds), generator=generator)
        if difficulty is None:
            return chance.argsort()
        rank = difficulty.flatten().argsort(stable=True).argsort().double() / max(1, len(kinds))
        return ((1 - self.hardness) * chance + self.hardness * rank).argsort(stable=True)

    def _check(self, truth: torch.Tensor, difficulty: torch.Tensor | None) -> None:
        count = len(self.names)
        whole = not (truth.is_floating_point() or truth.dtype == torch.bool)
        if not whole or truth.dim() not in (1, 2) or not truth.numel():
            raise InputError(
                f"truth is {truth.dtype} {tuple(truth.shape)}: give int64 [N] or [N, T]."
            )
        if int(truth.min()) < 0 or int(truth.max()) > count:
            raise InputError(
                f"truth has numbers from {int(truth.min())} to {int(truth.max())}: give 0 to "
                f"{count}, of which {count} is of no kind."
            )
        if (difficulty is None) != (self.hardness == 0):
            raise InputError(
                f"hardness={self.hardness} and {'no' if difficulty is None else 'a'} difficulty: "
                "give both or none."
            )
        units = truth.shape if self.by == "token" else truth.shape[:1]
        if difficulty is not None and difficulty.shape != units:
            raise InputError(
                f"difficulty has shape {tuple(difficulty.shape)}: give one number for each "
                f"{self.by}, {tuple(units)}."
            )


def _share(given: float | Mapping[str, float], name: str) -> float:
    return given.get(name, 1.0) if isinstance(given, Mapping) else given
