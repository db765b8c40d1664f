"""The statistics against scipy.stats, published tables and simulation."""

from __future__ import annotations

import doctest
import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats as oracle

from harness import stats


def test_the_worked_examples_are_true() -> None:
    """Every example in a docstring gives the result that it shows."""
    outcome = doctest.testmod(stats)

    assert outcome.failed == 0
    assert outcome.attempted >= 12


@pytest.mark.parametrize("value", [0.1, 1e-300, 0.9812, 3.0])
def test_equal_values_have_no_spread(value: float) -> None:
    """A constant sample has exactly that mean and an sd of exactly 0, whatever the rounding."""
    assert stats.summarise([value] * 7) == stats.Summary(7, value, 0.0)


def test_summary_agrees_with_numpy() -> None:
    """Mean and standard deviation are NumPy's, with n − 1."""
    values = np.random.default_rng(1).normal(5, 2, 11)

    summary = stats.summarise(list(values))

    assert summary.n == 11
    assert summary.mean == pytest.approx(values.mean(), rel=1e-14)
    assert summary.sd == pytest.approx(values.std(ddof=1), rel=1e-14)


def test_one_value_has_no_spread_to_know() -> None:
    """One value has a mean and an unknown spread; none has neither."""
    assert math.isnan(stats.summarise([3.0]).sd)
    with pytest.raises(ValueError, match="no values"):
        stats.summarise([])


@pytest.mark.parametrize(
    ("probability", "df", "expected"),
    [(0.975, 1, 12.706), (0.975, 9, 2.262), (0.99, 2, 6.965), (0.99, 9, 2.821), (0.95, 30, 1.697), (0.995, 120, 2.617)],
)
def test_t_quantiles_are_those_of_the_tables(probability: float, df: int, expected: float) -> None:
    """Quantiles agree with the printed tables of Student's t."""
    assert round(stats.t_quantile(probability, df), 3) == expected


@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
def test_t_interval_agrees_with_scipy(confidence: float) -> None:
    """The interval of a mean is scipy's."""
    values = list(np.random.default_rng(2).normal(size=6))

    expected = oracle.t.interval(confidence, 5, np.mean(values), oracle.sem(values))

    assert stats.t_interval(values, confidence) == pytest.approx(expected)


def test_an_interval_needs_two_values() -> None:
    """One value has no interval, and saying so is better than a number."""
    with pytest.raises(ValueError, match="two values"):
        stats.t_interval([1.0])
    with pytest.raises(ValueError, match="two old values"):
        stats.contrast([1.0], [2.0])


def test_prediction_p_value_agrees_with_scipy() -> None:
    """Lower and upper p-values are tails of t with K − 1 degrees of freedom, and add up to one."""
    base, head = [1.0, 1.2, 0.9, 1.1, 1.05], [0.8, 0.95]
    t = (np.mean(head) - np.mean(base)) / (np.std(base, ddof=1) * np.sqrt(1 / 2 + 1 / 5))

    test = stats.contrast(base, head)

    assert stats.p_below(test) == pytest.approx(oracle.t.cdf(t, 4))
    assert stats.p_above(test) == pytest.approx(oracle.t.sf(t, 4))


@pytest.mark.parametrize(("old", "expected"), [(3, 8.04), (5, 4.10), (10, 2.96)])
def test_critical_differences_are_the_published_ones(old: int, expected: float) -> None:
    """One new value at α = .01 must lie 8.0, 4.1 and 3.0 standard deviations off for K = 3, 5 and 10."""
    assert round(stats.critical_difference(1.0, old, 1, 0.01), 2) == expected


def test_critical_difference_is_where_p_is_alpha() -> None:
    """A drop of the critical difference has a p-value of exactly α."""
    drop = stats.critical_difference(0.3, 8, 3, 0.01)

    test = stats.Contrast(-drop, 0.3 * math.sqrt(1 / 3 + 1 / 8), 7)

    assert stats.p_below(test) == pytest.approx(0.01)


def test_difference_interval_agrees_with_scipy() -> None:
    """The two-sided interval is scipy's, and the lower bound is the lower end of the two-sided 90 % one."""
    test = stats.Contrast(-0.4, 0.2, 6)

    assert stats.difference_interval(test) == pytest.approx(oracle.t.interval(0.95, 6, -0.4, 0.2))
    assert stats.lower_bound(test) == pytest.approx(oracle.t.interval(0.90, 6, -0.4, 0.2)[0])


@pytest.mark.parametrize(("difference", "below", "above"), [(-1e-12, 0.0, 1.0), (0.0, 1.0, 1.0), (1e-12, 1.0, 0.0)])
def test_a_constant_history_leaves_no_chance(difference: float, below: float, above: float) -> None:
    """With no spread any difference decides, and none decides nothing."""
    test = stats.Contrast(difference, 0.0, 9)

    assert (stats.p_below(test), stats.p_above(test)) == (below, above)


def test_prediction_interval_covers_what_it_says() -> None:
    """The two-sided 95 % interval of the difference holds 0 in 95 % of simulated comparisons without a change, by the base's
    spread alone; where the larger of two spreads widens it, in no fewer."""
    rng = np.random.default_rng(3)
    tests = [stats.contrast(list(rng.normal(size=5)), list(rng.normal(size=3))) for _ in range(4000)]
    covered = [
        np.mean([low <= 0 <= high for low, high in map(stats.difference_interval, drawn)])
        for drawn in ([test._replace(wider=None) for test in tests], tests)
    ]

    assert covered[0] == pytest.approx(0.95, abs=3.3 * math.sqrt(0.95 * 0.05 / 4000))
    assert covered[0] <= covered[1]


def test_an_interval_takes_the_larger_spread_and_a_test_the_bases() -> None:
    """By hand: base 1, 2, 3 (s = 1); with 0 and 6 (s² = 18) pooled s² = (2 · 1 + 1 · 18) ÷ 3."""
    found = stats.contrast([1.0, 2.0, 3.0], [0.0, 6.0])
    shared = math.sqrt(1 / 2 + 1 / 3)

    assert shared == pytest.approx(found.error)
    assert math.sqrt(20 / 3) * shared == pytest.approx(found.reach)
    assert stats.contrast([1.0, 2.0, 3.0], [2.0, 2.0]).wider is None


@pytest.mark.parametrize(
    ("p_values", "expected"),
    [
        ([], []),
        ([0.04], [0.04]),
        ([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]),
        ([0.5, 0.9], [1.0, 1.0]),
        ([0.0, 0.0], [0.0, 0.0]),
    ],
)
def test_holm_is_the_published_rule(p_values: list[float], expected: list[float]) -> None:
    """Adjusted values are those computed by hand from Holm's rule."""
    assert stats.holm(p_values) == pytest.approx(expected)


def test_holm_decides_as_the_step_down_procedure() -> None:
    """Rejecting adjusted values below α rejects what stepping through the sorted ones rejects."""
    rng = np.random.default_rng(4)
    for _ in range(200):
        p_values = list(rng.beta(0.3, 2, 6))
        ranked = np.sort(p_values)
        stopped = next((rank for rank, p in enumerate(ranked) if p >= 0.05 / (6 - rank)), 6)

        assert [p < 0.05 for p in stats.holm(p_values)] == [p in ranked[:stopped] for p in p_values]


@pytest.mark.parametrize(("old", "new"), [(3, 1), (5, 2), (10, 1), (10, 3), (20, 20)])
def test_detectable_effect_has_the_power_that_scipy_says(old: int, new: int) -> None:
    """Without a margin the noncentral t of scipy gives the effect a power of 90 %."""
    effect = stats.detectable_effect(2.0, old, new, 0.01)
    error = 2.0 * math.sqrt(1 / old + 1 / new)

    power = oracle.nct.sf(oracle.t.ppf(0.99, old - 1), old - 1, effect / error)

    assert power == pytest.approx(0.9, abs=1e-5)


def test_detectable_effect_at_80_percent_is_the_published_one() -> None:
    """K = 10 and one new value at α = .01 find 3.9 standard deviations with 80 % power."""
    assert round(stats.detectable_effect(1.0, 10, 1, 0.01, power=0.8), 1) == 3.9


def _simulated_power(effect: float, margin: float, old: int, new: int) -> float:
    rng = np.random.default_rng(5)
    base, head = rng.normal(size=(200_000, old)), rng.normal(-effect, 1, size=(200_000, new))
    drop = base.mean(1) - head.mean(1)
    bar = oracle.t.ppf(0.99, old - 1) * base.std(1, ddof=1) * math.sqrt(1 / old + 1 / new)
    return float(np.mean((drop >= bar) & (drop >= margin)))


@pytest.mark.parametrize("margin", [0.0, 1.0, 2.0, 3.0, 8.0])
def test_detectable_effect_is_found_nine_times_in_ten(margin: float) -> None:
    """A drop of the minimum detectable effect is significant and beyond the margin in 90 % of simulated gates."""
    effect = stats.detectable_effect(1.0, 8, 3, 0.01, margin)

    assert _simulated_power(effect, margin, 8, 3) == pytest.approx(0.9, abs=0.003)


def test_detectable_effect_is_no_less_than_either_rule_needs() -> None:
    """The effect is at least the test's own and at least the margin's own, and no more than both together."""
    error = math.sqrt(1 / 8 + 1 / 3)
    test_alone = stats.detectable_effect(1.0, 8, 3, 0.01)
    for margin in (0.5, 1.9, 2.5, 6.0):
        margin_alone = margin + oracle.norm.ppf(0.9) * error

        effect = stats.detectable_effect(1.0, 8, 3, 0.01, margin)

        assert max(test_alone, margin_alone) <= effect <= test_alone + margin_alone


@pytest.mark.parametrize(("sd", "margin", "expected"), [(0.0, 0.02, 0.02), (0.0, 0.0, 0.0), (1.0, math.inf, math.inf)])
def test_detectable_effect_without_spread_is_the_margin(sd: float, margin: float, expected: float) -> None:
    """A constant history finds every drop of the margin's size; an endless margin is never passed."""
    assert stats.detectable_effect(sd, 5, 1, 0.01, margin) == expected


@pytest.mark.parametrize("table", [(8, 0, 3, 3), (10, 0, 3, 1), (10, 2, 4, 4), (5, 5, 3, 1), (6, 1, 6, 0)])
def test_fisher_agrees_with_scipy(table: tuple[int, int, int, int]) -> None:
    """The hypergeometric tail is scipy's one-sided Fisher test."""
    old, old_lacking, new, new_lacking = table
    expected = oracle.fisher_exact([[new_lacking, new - new_lacking], [old_lacking, old - old_lacking]], "greater")

    assert stats.fisher_p(*table) == pytest.approx(expected.pvalue)


@pytest.mark.parametrize("side", [stats.p_below, stats.p_above])
def test_false_alarms_come_as_often_as_alpha(side: Callable[[stats.Contrast], float]) -> None:
    """Without a change the one-sided p-value lies below .05 in 5 % of simulated comparisons."""
    rng = np.random.default_rng(6)
    p_values = [side(stats.contrast(list(rng.normal(size=8)), list(rng.normal(size=2)))) for _ in range(4000)]

    assert np.mean(np.array(p_values) < 0.05) == pytest.approx(0.05, abs=3.3 * math.sqrt(0.05 * 0.95 / 4000))
