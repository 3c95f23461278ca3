"""The statistics of reports, by hand-worked numbers and by what must hold of any scores."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from routed_rl.charts.statistics import (
    Interval,
    bootstrap_interval,
    interquartile_mean,
    mean,
    mean_bands,
    summarise,
)
from routed_rl.report.sections import INTERVALS

COVERAGE = re.compile(r"(\d+)% (?:of cases )?with (\d+)")
SCORES = st.lists(st.floats(-1, 1), min_size=3, max_size=12)


def test_means_by_hand() -> None:
    assert mean([1.0, 2.0, 6.0]) == 3.0
    assert interquartile_mean([5.0]) == 5.0
    assert interquartile_mean([1.0, 2.0, 6.0]) == 3.0  # a quarter of three is nothing whole
    assert interquartile_mean([9.0, 1.0, 2.0, 4.0]) == 3.0
    assert interquartile_mean([100.0, 3.0, 1.0, 2.0, -50.0]) == 2.0
    np.testing.assert_allclose(interquartile_mean([[0, 1, 3, 9], [4, 4, 4, 4]]), [2.0, 4.0])


def test_intervals_overlap_when_they_share_a_point() -> None:
    assert Interval(0.0, 1.0).overlaps(Interval(1.0, 2.0))
    assert Interval(0.0, 3.0).overlaps(Interval(1.0, 2.0))
    assert not Interval(0.0, 1.0).overlaps(Interval(1.1, 2.0))


def test_an_interval_of_two_values_by_hand() -> None:
    # Of 0 and 1, a quarter of the resamples has mean 0 and a quarter 1: both ends are reached.
    assert bootstrap_interval([[0.0, 1.0]], mean, np.random.default_rng(0)) == Interval(0.0, 1.0)


def test_strata_are_resampled_apart() -> None:
    # Equal scores in each stratum leave nothing to vary, however far apart the strata are.
    generator = np.random.default_rng(0)
    assert bootstrap_interval([[0.0] * 3, [1.0] * 3], mean, generator) == Interval(0.5, 0.5)
    pooled = bootstrap_interval([[0.0] * 3 + [1.0] * 3], mean, generator)
    assert pooled.high - pooled.low > 0.5


def test_fewer_than_three_scores_have_no_interval() -> None:
    assert summarise([0.25, 0.75]).interval is None
    assert summarise([0.25, 0.75]).mean == 0.5
    assert summarise([0.5] * 4).interval == Interval(0.5, 0.5)


@given(SCORES)
def test_the_interval_lies_within_the_scores_and_holds_their_mean(scores: list[float]) -> None:
    summary = summarise(scores)
    assert summary.interval is not None
    assert min(scores) - 1e-12 <= summary.interval.low <= summary.mean + 1e-12
    assert summary.mean - 1e-12 <= summary.interval.high <= max(scores) + 1e-12
    assert summary == summarise(scores[::-1])


@given(SCORES, st.floats(-5, 5))
def test_the_interval_moves_with_the_scores(scores: list[float], shift: float) -> None:
    interval = summarise(scores).interval
    moved = summarise([score + shift for score in scores]).interval
    assert interval is not None
    assert moved is not None
    assert moved.low == pytest.approx(interval.low + shift, abs=1e-9)
    assert moved.high == pytest.approx(interval.high + shift, abs=1e-9)


def test_coverage_is_near_the_nominal_for_twenty_normal_scores() -> None:
    generator = np.random.default_rng(0)
    trials = 600
    hits = 0
    for scores in generator.normal(size=(trials, 20)):
        interval = bootstrap_interval([scores], mean, generator, resamples=400)
        hits += interval.low <= 0 <= interval.high
    assert 0.90 <= hits / trials <= 0.97


def test_intervals_hold_the_mean_as_often_as_the_page_says() -> None:
    said = {int(seeds): int(share) for share, seeds in COVERAGE.findall(INTERVALS)}
    assert set(said) == {3, 5, 10}
    generator = np.random.default_rng(0)
    for seeds, share in said.items():
        held = []
        for _ in range(4):  # Few at a time, for memory; new resamples each time.
            low, high = mean_bands(generator.normal(size=(seeds, 1500)), generator)
            held.append(np.mean((low <= 0) & (high >= 0)))
        assert 100 * np.mean(held) == pytest.approx(share, abs=1.6)


def test_strata_count_the_same_however_many_scores_they_have() -> None:
    generator = np.random.default_rng(0)
    strata = [[0.0] * 12, [1.0] * 3]
    assert bootstrap_interval(strata, interquartile_mean, generator) == Interval(0.5, 0.5)


def test_bands_agree_with_the_intervals_of_single_columns() -> None:
    scores = np.random.default_rng(1).normal(size=(6, 3))
    low, high = mean_bands(scores, np.random.default_rng(2))
    for column, ends in enumerate(zip(low, high, strict=True)):
        interval = bootstrap_interval([scores[:, column]], mean, np.random.default_rng(3))
        assert ends == pytest.approx((interval.low, interval.high), abs=0.1)
    flat = mean_bands(np.full((4, 2), 0.5), np.random.default_rng(0))
    np.testing.assert_allclose(flat, 0.5)
