"""A logarithmic axis that has room for zero: a place of its own, left of a break."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from matplotlib.axes import Axes

from routed_rl.charts.colours import MUTED

LABEL_INCHES = 0.4
"""A label on the axis needs so much width."""


@dataclass(frozen=True)
class BrokenLogScale:
    """Where values lie on an axis that is logarithmic for those above zero.

    Attributes:
        values: What the axis has to show, at least 0, ascending and distinct.
    """

    values: tuple[float, ...]

    @classmethod
    def of(cls, values: Iterable[float]) -> BrokenLogScale:
        """The scale for some values, in any order."""
        return cls(tuple(sorted(set(values))))

    @property
    def positive(self) -> tuple[float, ...]:
        """The values above zero."""
        return tuple(value for value in self.values if value > 0)

    def position(self, value: float) -> float:
        """Where a value lies: its decimal logarithm, or the place left of the break."""
        if value > 0:
            return math.log10(value)
        if not self.positive:
            return 0.0
        low, high = math.log10(self.positive[0]), math.log10(self.positive[-1])
        return low - max(0.3, 0.2 * (high - low))

    @property
    def limits(self) -> tuple[float, float]:
        """The ends of the axis."""
        low, high = self.position(self.values[0]), self.position(self.values[-1])
        margin = max(0.15, 0.06 * (high - low))
        return low - margin, high + margin

    def round_values(self) -> tuple[float, ...]:
        """Zero if it occurs, and round values on the axis above it.

        These are powers of ten; if there are fewer than two, also twice and five times such; and if
        there are still fewer than two, the values themselves.
        """
        if not self.positive:
            return self.values
        zero = self.values[: len(self.values) - len(self.positive)]
        for factors in ((1,), (1, 2, 5)):
            inside = self._multiples(factors)
            if len(inside) >= 2:
                return (*zero, *inside)
        return self.values

    def _multiples(self, factors: tuple[int, ...]) -> tuple[float, ...]:
        """The powers of ten on the axis, times each of some factors below ten."""
        low, high = self.limits
        if len(self.positive) < len(self.values):  # Nothing stands in the break beside zero.
            low = self.position(self.positive[0])
        powers = range(math.floor(low), math.ceil(high) + 1)
        places = (factor * 10.0**power for power in powers for factor in factors)
        return tuple(value for value in places if low <= math.log10(value) <= high)

    def dodge(self, index: int, count: int) -> float:
        """How far to move one of several series aside, so that marks do not hide each other."""
        places = [self.position(value) for value in self.values]
        gaps = [right - left for left, right in pairwise(places)]
        step = min([0.011 * (self.limits[1] - self.limits[0]), *(gap / 2 / count for gap in gaps)])
        return (index - (count - 1) / 2) * step

    def dress(self, axes: Axes, ticks: Sequence[float], text: Callable[[float], str]) -> None:
        """Give an axis its limits, its labels and its break.

        Args:
            axes: Of which the horizontal axis is dressed.
            ticks: The values to label; those that would touch the one before are left out.
            text: Writes a value.
        """
        low, high = self.limits
        apart = LABEL_INCHES * (high - low) / (axes.bbox.width / axes.figure.dpi)
        kept: list[float] = []
        for value in ticks:
            if not kept or self.position(value) - self.position(kept[-1]) >= apart:
                kept.append(value)
        axes.set_xlim(low, high)
        axes.set_xticks([self.position(value) for value in kept], [text(value) for value in kept])
        if self.positive and len(self.positive) < len(self.values):
            middle = (self.position(0) + self.position(self.positive[0])) / 2
            axes.plot(
                [middle - 0.004 * (high - low), middle + 0.004 * (high - low)],
                [0, 0],
                transform=axes.get_xaxis_transform(),
                clip_on=False,
                linestyle="none",
                marker=[(-0.4, -1), (0.4, 1)],
                markersize=8,
                color=MUTED,
            )
