"""The constants that routing adds to an algorithm, whichever of ours learns.

Imports nothing heavy: some are defaults of a run's configuration, which a command's help shows.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

LEAST_WEIGHT = 0.1
"""The limit pushes the weight of overseen samples no lower than this: all may be overseen."""


@dataclass(frozen=True)
class RoutingSettings:
    """The constants that routing adds to those of the algorithm that learns.

    Attributes:
        gate_coefficient: Weight of the gate's cross-entropy, at least 0.
        overseen_weight: Weight of a sample whose episode was overseen; the others weigh 1. Of a
            method that infers endings, of a sample as far as its episode is held for one that ended
            on a target.
        overseen_limit: The most that overseen samples together may have of all weight, above 0 to
            1; where they would have more, each weighs less. What a method only infers is not
            counted, though it has the same weight.
        advantage_offset: Added to every advantage, in standard deviations of the rollout's, times
            the share of episodes that is not overseen. With routes it draws each expert towards
            what teaches it. Where it is not 0, `RoutedA2C` and `RoutedPPO` normalise the rollout's
            advantages together, and the library's normalisation of each minibatch, which would
            remove it, is switched off.
    """

    gate_coefficient: float = 0.01
    overseen_weight: float = 1.0
    overseen_limit: float = 1.0
    advantage_offset: float = 0.0

    def __post_init__(self) -> None:
        fault = None
        if self.gate_coefficient < 0 or self.overseen_weight < 0:
            fault = (
                f"gate_coefficient={self.gate_coefficient}, overseen_weight="
                f"{self.overseen_weight}: both must be at least 0."
            )
        elif not 0 < self.overseen_limit <= 1:
            fault = f"overseen_limit={self.overseen_limit}: give a share above 0, at most 1."
        if fault:
            from routed_envs.errors import InputError  # Brings Gymnasium, needed only here.

            raise InputError(fault)

    def at(self, overseen_share: float) -> RoutingSettings:
        """What the constants come to where a share of all samples is overseen.

        With routes, what is not overseen is what teaches every expert about every place; it must
        not be drowned out by labels, so the weight is limited. The fewer labels there are, the more
        each expert must be drawn to what teaches it; where nearly all is overseen, a push would
        only teach it to repeat itself, so the offset fades.

        Args:
            overseen_share: 0 to 1.

        Returns:
            The weight under its limit, and the offset times the share that is not overseen.
        """
        weight, others = self.overseen_weight, 1 - overseen_share
        if overseen_share > 0 and self.overseen_limit < 1:
            limit = self.overseen_limit / (1 - self.overseen_limit) * others / overseen_share
            weight = min(weight, max(LEAST_WEIGHT, limit))
        offset = self.advantage_offset * others
        return dataclasses.replace(self, overseen_weight=weight, advantage_offset=offset)
