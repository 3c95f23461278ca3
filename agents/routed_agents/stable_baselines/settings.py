"""The constants that routing adds to an algorithm of stable-baselines3."""

from __future__ import annotations

from dataclasses import dataclass

from routed_envs.errors import InputError


@dataclass(frozen=True)
class RoutingSettings:
    """The constants that routing adds to those of the library's algorithm.

    Attributes:
        gate_coefficient: Weight of the gate's cross-entropy, at least 0.
        overseen_weight: Weight of a sample whose episode was overseen; the others weigh 1.
        overseen_limit: The most that overseen samples together may have of all weight, above 0 to
            1; where they would have more, each weighs less.
        advantage_offset: Added to every advantage, in standard deviations of the rollout's, times
            the share of episodes that is not overseen. With routes it draws each expert towards
            what teaches it. Where it is not 0 the rollout's advantages are normalised together, and
            the library's normalisation of each minibatch, which would remove it, is switched off.
    """

    gate_coefficient: float = 0.01
    overseen_weight: float = 1.0
    overseen_limit: float = 1.0
    advantage_offset: float = 0.0

    def __post_init__(self) -> None:
        if self.gate_coefficient < 0 or self.overseen_weight < 0:
            raise InputError(
                f"gate_coefficient={self.gate_coefficient}, overseen_weight="
                f"{self.overseen_weight}: both must be at least 0."
            )
        if not 0 < self.overseen_limit <= 1:
            raise InputError(
                f"overseen_limit={self.overseen_limit}: give a share above 0, at most 1."
            )
