"""When restarts are enough, and what they say."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from harness.paired._decide import (
    ALPHA,
    RANK_SHARE,
    T_SHARE,
    decide,
    hodges_lehmann,
    interval,
    needed,
    signed_rank_p,
    t_p,
    upper_bound,
    walsh_averages,
)

MARGIN = 0.015


@pytest.mark.parametrize("count", [1, 3, 8, 13])
def test_the_p_value_is_the_exact_one_of_scipy(count: int) -> None:
    """Without ties, both count the same arrangements of signs."""
    values = np.random.default_rng(count).normal(0.4, 1.0, count)

    assert stats.wilcoxon(values, alternative="greater", method="exact").pvalue == pytest.approx(signed_rank_p(values.tolist()))


@pytest.mark.parametrize("values", [[1.0, 1.0, -1.0, 2.0], [0.0, 1.0, 2.0, 2.0, -2.0], [0.0, 0.0], [0.5, 0.5, 0.5]])
def test_ties_share_a_rank_and_zeros_count_for_neither_side(values: list[float]) -> None:
    """Every arrangement of signs is tried by hand."""
    moved = [value for value in values if value]
    ranks = stats.rankdata(np.abs(moved)) if moved else []
    found = sum(rank for rank, value in zip(ranks, moved, strict=True) if value > 0)
    ways = [sum(np.multiply(ranks, signs)) >= found for signs in itertools.product([0, 1], repeat=len(moved))]

    assert np.mean(ways) == pytest.approx(signed_rank_p(values))


def test_the_estimate_is_the_median_of_all_means_of_two() -> None:
    """Hodges and Lehmann's, by hand."""
    assert [1.0, 1.5, 2.0, 4.0, 4.5, 7.0] == walsh_averages([1.0, 2.0, 7.0])
    assert 3.0 == hodges_lehmann([1.0, 2.0, 7.0])


def test_an_interval_is_students_and_of_one_restart_there_is_none() -> None:
    """As scipy has it."""
    values = [0.01, 0.02, 0.04]
    expected = stats.t.interval(0.95, 2, np.mean(values), stats.sem(values))

    assert expected == pytest.approx(interval(values))
    assert (-math.inf, math.inf) == interval([0.01])


@pytest.mark.parametrize("count", [3, 5, 8, 12])
def test_the_upper_bound_holds_as_often_as_it_says(count: int) -> None:
    """Over 4,000 samples of symmetric noise: 95 %, or what so few can give (7 of 8 for three)."""
    draw = np.random.default_rng(7)
    held = np.mean([upper_bound(draw.laplace(0.0, 1.0, count).tolist()) >= 0.0 for _ in range(4000)])
    promised = min(0.95, 1 - 2.0**-count)

    assert promised - 0.015 <= held


def test_restarts_needed_follow_from_the_error_and_the_family() -> None:
    """So many restarts that all above zero are rarer than the error's part at one look."""
    for family in (1, 2, 5, 20):
        first, last = needed(family)
        assert 2.0**-first <= ALPHA * RANK_SHARE / family < 2.0 ** -(first - 1)
        assert last == first + 4


@pytest.mark.parametrize(
    ("values", "over", "verdict"),
    [
        ([0.001], False, None),
        ([0.001, -0.002], False, None),
        ([0.001, -0.002, 0.014], False, "same"),
        ([0.001, -0.002, 0.016], False, None),
        ([0.001, -0.002, 0.016], True, "inconclusive"),
        ([0.8, 0.82, 0.81, 0.8], False, None),  # four are too few for anything but the same
        ([0.8, 0.82, 0.81, 0.8, 0.83], False, "worse"),  # plain
        ([-0.8, -0.82, -0.81, -0.8, -0.83], False, "better"),
        ([0.0, 0.3, 0.6, 0.01, 0.5], False, None),  # not so plain
        ([0.2, 0.3, 0.6, 0.1, 0.5, 0.4], False, None),  # no look
        ([0.4, 0.42, 0.41, 0.4, 0.3, 0.43], True, "worse"),  # the time is over
        ([0.03, 0.02, 0.04, 0.03, 0.01, 0.05, 0.03, 0.04], False, None),  # of two metrics, nine are needed
        ([0.03, 0.031, 0.029, 0.028, 0.035, 0.04, 0.02, 0.03, 0.026], False, "worse"),
        ([-0.03, -0.031, -0.029], False, None),  # within the margin of worse, yet it may be better
        ([-0.03, -0.031, -0.029, -0.028, -0.035, -0.04, -0.02, -0.03, -0.026], False, "better"),
        ([-0.03, -0.031, 0.029, 0.0, -0.01, 0.01, 0.002, 0.003, -0.02], False, "same"),
        ([0.012, 0.016, 0.011, 0.009, 0.014, 0.01, 0.012, 0.013, 0.01], False, "same"),
        ([0.03, 0.031, 0.029, -0.028, 0.035, 0.04, 0.02, 0.03, 0.026], False, None),
        ([0.03, 0.031, 0.029, -0.028, 0.035, 0.04, 0.02, 0.03, 0.026, 0.03, 0.02, 0.04], False, None),  # between two looks
        ([0.03, 0.031, 0.029, -0.028, 0.035, 0.04, 0.02, 0.03, 0.026, 0.03, 0.02, 0.04, 0.03], False, "worse"),
        ([-0.02, 0.04] * 6 + [0.04], False, "inconclusive"),
    ],
)
def test_what_restarts_say(values: list[float], over: bool, verdict: str | None) -> None:
    """Same at once, worse at a look, nothing yet, or inconclusive at the end."""
    assert verdict == decide(values, MARGIN, 2, over).verdict


def test_numbers_are_relative() -> None:
    """A logarithm of .03 is a change of 3.05 %; the interval holds the estimate, and more restarts see less."""
    found = decide([0.03, 0.02, 0.04], MARGIN, 2)

    assert math.expm1(0.03) == pytest.approx(found.estimate)
    assert found.low < found.estimate < found.high
    assert MARGIN < found.mde
    assert math.isinf(decide([0.03], MARGIN, 2).mde)


def test_students_p_is_scipys_and_no_spread_leaves_no_chance() -> None:
    """Equal restarts are as sure as restarts can be."""
    values = [0.01, 0.02, 0.04, 0.01]

    assert stats.ttest_1samp(values, 0.0, alternative="greater").pvalue == pytest.approx(t_p(values))
    assert [0.0, 1.0, 1.0] == [t_p([0.1] * 3), t_p([0.0] * 3), t_p([-0.1] * 3)]


def test_the_looks_share_the_whole_error() -> None:
    """Two of each test."""
    assert 1.0 == pytest.approx(2 * RANK_SHARE + 2 * T_SHARE)
