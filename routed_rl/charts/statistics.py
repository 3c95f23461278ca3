"""Statistics of scores over seeds: means, interquartile means and bootstrap intervals.

Source: Agarwal et al., "Deep Reinforcement Learning at the Edge of the Statistical Precipice",
arXiv 2108.13264, section 4. Departures: the interquartile mean drops whole scores only, as many as
a quarter of them rounded down, at each end; and several levels are averaged, not pooled, because
they may have different numbers of seeds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Scores = NDArray[np.float64]
Statistic = Callable[[Scores], Scores]
"""It maps scores [..., n] to one value for each row [...]."""

RESAMPLES = 2000
CONFIDENCE = 0.95
FEWEST = 3
"""With fewer scores than this no interval is given."""
SEED = 20260101
"""Reports resample with a generator of this seed."""


class Interval(NamedTuple):
    """Where a statistic lies, with 95% confidence.

    Attributes:
        low: The lower end.
        high: The upper end, at least `low`.
    """

    low: float
    high: float

    def overlaps(self, other: Interval) -> bool:
        """Whether the two have a point in common."""
        return self.low <= other.high and other.low <= self.high


@dataclass(frozen=True)
class Summary:
    """What the seeds of one method at one level say together.

    Attributes:
        scores: One for each seed, ascending.
        mean: Their mean.
        interquartile_mean: The mean of their middle half.
        interval: Of the mean; None with fewer than three scores.
    """

    scores: tuple[float, ...]
    mean: float
    interquartile_mean: float
    interval: Interval | None


def mean(scores: ArrayLike) -> Scores:
    """The mean over the last axis of scores [..., n], at least one."""
    return np.asarray(scores, dtype=np.float64).mean(axis=-1)


def interquartile_mean(scores: ArrayLike) -> Scores:
    """The mean over the last axis without the lowest and the highest quarter.

    Args:
        scores: [..., n], at least one; floor(n / 4) of them are dropped at each end.
    """
    ordered = np.sort(np.asarray(scores, dtype=np.float64), axis=-1)
    dropped = ordered.shape[-1] // 4
    return ordered[..., dropped : ordered.shape[-1] - dropped].mean(axis=-1)


def bootstrap_interval(
    strata: Sequence[ArrayLike],
    statistic: Statistic,
    generator: np.random.Generator,
    resamples: int = RESAMPLES,
) -> Interval:
    """The stratified percentile bootstrap's 95% interval of a statistic's mean over the strata.

    Scores are drawn with replacement within each stratum, as many as it has. The order of the
    scores does not matter.

    Args:
        strata: The scores of each stratum [n], at least one score in each.
        statistic: Of the scores of one stratum. Every stratum counts the same, however many
            scores it has.
        generator: Draws the resamples.
        resamples: How many to draw.
    """
    values = []
    for stratum in strata:
        scores = np.sort(np.asarray(stratum, dtype=np.float64))
        drawn = scores[generator.integers(0, len(scores), (resamples, len(scores)))]
        values.append(statistic(drawn))
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(np.mean(values, axis=0), (tail, 1 - tail))
    return Interval(float(low), float(high))


def summarise(scores: ArrayLike) -> Summary:
    """Everything that a report says of the scores of one method at one level.

    Args:
        scores: [n], at least one. Equal scores always get equal intervals.
    """
    ordered = np.sort(np.asarray(scores, dtype=np.float64))
    interval = None
    if len(ordered) >= FEWEST:
        interval = bootstrap_interval([ordered], mean, np.random.default_rng(SEED))
    return Summary(
        scores=tuple(ordered.tolist()),
        mean=float(mean(ordered)),
        interquartile_mean=float(interquartile_mean(ordered)),
        interval=interval,
    )


def mean_bands(scores: ArrayLike, generator: np.random.Generator) -> tuple[Scores, Scores]:
    """The 95% bootstrap intervals of P means at once, lower and upper ends [P] each.

    Scores are [n, P], a row for each seed; the same seeds are resampled in each column.
    """
    values = np.asarray(scores, dtype=np.float64)
    seeds = len(values)
    counts = generator.multinomial(seeds, np.full(seeds, 1 / seeds), RESAMPLES)
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(counts @ values / seeds, (tail, 1 - tail), axis=0)
    return low, high
