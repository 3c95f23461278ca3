"""How an episode ended, and what the overseer may know of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from routed_envs.errors import InputError

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Outcomes:
    """The names of a world's outcomes, and their integer codes.

    Tensors carry outcomes and labels as int64 codes. With K targets, codes 0 to K - 1 are the
    targets in the order of `targets`; then follow `timeout`, `unknown` and `unfinished`. An outcome
    is a target, `timeout`, or `unfinished` while the episode runs. A label may also be `unknown`:
    the episode ended on a target that the overseer did not see.

    Attributes:
        targets: Names of the ways in which an episode can end on a target, at least one.
        good: The targets that we want; the others are unwanted.

    Raises:
        InputError: A name is repeated or reserved, or `good` is empty or names no target.
    """

    targets: tuple[str, ...]
    good: tuple[str, ...]

    def __post_init__(self) -> None:
        reserved = {"timeout", "unknown", "unfinished"} & set(self.targets)
        if not self.targets or len(set(self.targets)) < len(self.targets) or reserved:
            raise InputError(
                f"targets={self.targets!r}: give at least one name, all different, "
                "and none of 'timeout', 'unknown', 'unfinished'."
            )
        if not self.good or not set(self.good) <= set(self.targets):
            raise InputError(
                f"good={self.good!r}: name at least one of the targets {self.targets!r}."
            )

    @property
    def unwanted(self) -> tuple[str, ...]:
        """The targets that are not good."""
        return tuple(target for target in self.targets if target not in self.good)

    @property
    def timeout(self) -> int:
        """The code of an episode that ended without reaching a target."""
        return len(self.targets)

    @property
    def unknown(self) -> int:
        """The code of an episode that ended on a target which the overseer did not see."""
        return len(self.targets) + 1

    @property
    def unfinished(self) -> int:
        """The code of an episode that is still running."""
        return len(self.targets) + 2

    @property
    def labels(self) -> tuple[str, ...]:
        """The name of each code, in the order of the codes."""
        return (*self.targets, "timeout", "unknown", "unfinished")

    @property
    def scores(self) -> tuple[float, ...]:
        """What an ending is worth in evaluation, for each target: +1 if good, -1 otherwise."""
        return tuple(1.0 if target in self.good else -1.0 for target in self.targets)

    def label(self, outcome: torch.Tensor, overseen: torch.Tensor) -> torch.Tensor:
        """What the overseer knows of each episode.

        Args:
            outcome: int64 codes, any shape.
            overseen: bool, the same shape: the agent stands on a square with oversight.

        Returns:
            int64 codes: `unknown` for a target that was not overseen, else the outcome itself.
        """
        hidden = (outcome < len(self.targets)) & ~overseen
        return outcome.masked_fill(hidden, self.unknown)
