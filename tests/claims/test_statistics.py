"""The statistics of claims against scipy, enumeration and closed forms."""

from __future__ import annotations

import doctest
import itertools

import numpy as np
import pytest
from scipy import stats as oracle

from harness.claims import _statistics as statistics
from tests.claims.support import spread


def test_the_worked_examples_are_true() -> None:
    """Every example in a docstring gives the result that it shows."""
    outcome = doctest.testmod(statistics)

    assert outcome.failed == 0
    assert outcome.attempted >= 10


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_sign_flips_agree_with_scipys_permutation_test(seed: int) -> None:
    """Up to 16 pairs the p-value is exact: that of all sign patterns."""
    d = np.random.default_rng(seed).normal(0.4, 1.0, 9)

    expected = oracle.permutation_test((d,), np.mean, permutation_type="samples", n_resamples=np.inf)

    assert statistics.sign_flip_p(list(d)) == pytest.approx(expected.pvalue, abs=1e-12)


def test_fewer_than_six_pairs_are_never_significant() -> None:
    """The smallest p of n pairs is 2/2ⁿ: five cannot show anything at .05, six can."""
    assert statistics.sign_flip_p([1.0] * 5) == 2 / 32
    assert statistics.sign_flip_p([1.0] * 6) == 2 / 64
    assert statistics.sign_flip_p([0.1, 0.2, 0.3, 0.4, 0.5, 0.6]) == 2 / 64  # whose sums round differently


def test_many_pairs_are_drawn_the_same_each_time_and_near_the_truth() -> None:
    """Beyond 16 pairs the p-value is drawn, with a fixed seed, and never 0."""
    d = spread(0.5, 1.0, 20)

    drawn = statistics.sign_flip_p(d)

    assert drawn == statistics.sign_flip_p(d)
    assert drawn == pytest.approx(oracle.ttest_1samp(d, 0).pvalue, abs=0.005)
    assert statistics.sign_flip_p([1.0] * 40) == 1 / 100_000


@pytest.mark.parametrize("bound", [-1.0, 0.0, 0.3, 2.0])
def test_p_of_a_bound_is_that_of_the_t_test(bound: float) -> None:
    """Two-sided and one-sided p-values are scipy's, and .05 is where the interval ends."""
    values = spread(0.5, 1.0, 8)

    assert statistics.bound_p(values, bound) == pytest.approx(oracle.ttest_1samp(values, bound).pvalue)
    above = oracle.ttest_1samp(values, bound, alternative="greater").pvalue
    assert statistics.mean_p(values, bound, "above") == pytest.approx(above)
    low, high = statistics.mean_interval(values)
    assert statistics.bound_p(values, low) == pytest.approx(0.05)
    assert statistics.bound_p(values, high) == pytest.approx(0.05)


def test_equivalence_is_two_one_sided_tests() -> None:
    """The p-value is the larger of scipy's two, and .05 is where the 90 % interval touches the margin."""
    d = spread(0.01, 0.02, 12)
    low = oracle.ttest_1samp(d, -0.03, alternative="greater").pvalue
    high = oracle.ttest_1samp(d, 0.03, alternative="less").pvalue

    assert statistics.tost_p(d, 0.03) == pytest.approx(max(low, high))
    assert statistics.tost_p(d, statistics.mean_interval(d, 0.90)[1]) == pytest.approx(0.05)


def test_pages_p_is_the_share_of_all_rankings() -> None:
    """Enumerated: of the (3!)⁴ ways to rank three levels in four rows, so many have as large an L."""
    rows = [[1.0, 2.0, 3.0], [1.0, 3.0, 2.0], [2.0, 1.0, 3.0], [1.0, 2.0, 3.0]]
    seen = sum(place * value for row in rows for place, value in enumerate(row, start=1))
    weights = [sum(place * rank for place, rank in enumerate(way, start=1)) for way in itertools.permutations((1, 2, 3))]
    ways = [sum(chosen) for chosen in itertools.product(weights, repeat=4)]

    assert statistics.trend_p(rows) == pytest.approx(sum(way >= seen for way in ways) / len(ways))


def test_a_falling_trend_has_no_small_p() -> None:
    """Page's test is one-sided: a trend downwards is none upwards; ties are no trend."""
    assert statistics.trend_p([[3.0, 2.0, 1.0]] * 8) > 0.99
    assert statistics.trend_p([[1.0, 1.0, 1.0]] * 8) > 0.4


def test_prediction_interval_is_where_p_is_a_twentieth() -> None:
    """One further normal value lies in it 95 times of a hundred: mean ± t · s · √(1 + 1/n)."""
    values = spread(10.0, 2.0, 5)

    low, high = statistics.prediction_interval(values)

    half = oracle.t.ppf(0.975, 4) * 2.0 * np.sqrt(1.2)
    assert (low, high) == pytest.approx((10 - half, 10 + half))
    assert statistics.prediction_p(values, high) == pytest.approx(0.05)


def test_slope_agrees_with_scipy() -> None:
    """The slope is that of linear regression; points at one place have none."""
    x, y = [1.0, 2.0, 4.0, 8.0], [0.3, 0.1, 0.9, 2.0]

    assert statistics.line_slope(x, y) == pytest.approx(oracle.linregress(x, y).slope)
    with pytest.raises(ValueError, match="one place"):
        statistics.line_slope([2.0, 2.0], [1.0, 3.0])


@pytest.mark.parametrize("p_values", [[0.01, 0.04, 0.03, 0.2], [0.5], [], [0.02] * 5, [1.0, 0.0, 0.049, 0.05]])
def test_false_discoveries_agree_with_scipy(p_values: list[float]) -> None:
    """Adjusted p-values are scipy's, in the order given."""
    expected = list(oracle.false_discovery_control(p_values, method="bh")) if p_values else []

    assert statistics.benjamini_hochberg(p_values) == pytest.approx(expected)


def test_too_little_is_refused() -> None:
    """What needs a spread says so when there is none."""
    for function in (statistics.prediction_interval, lambda one: statistics.prediction_p(one, 1.0)):
        with pytest.raises(ValueError, match="at least two values"):
            function([1.0])
    with pytest.raises(ValueError, match="at least two values"):
        statistics.bound_p([1.0], 0.0)
    with pytest.raises(ValueError, match="no values"):
        statistics.sign_flip_p([])
