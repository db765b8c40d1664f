"""Fewer points for a curve, without hiding where it broke."""

from __future__ import annotations

import numpy as np
import pytest

from harness.report._decimate import POINTS, ends, quantiles, smooth, stretch


def test_short_curve_is_kept() -> None:
    """A curve with few points is drawn as it is."""
    np.testing.assert_array_equal(smooth(np.array([3.0, 2.0, 1.0]), 10), [3.0, 2.0, 1.0])


def test_long_curve_becomes_means_of_equal_stretches() -> None:
    """Worked by hand: five values in at most two points are the means of three and of two."""
    np.testing.assert_allclose(smooth(np.array([1.0, 2.0, 6.0, 5.0, 7.0]), 2), [3.0, 6.0])


def test_ends_are_the_last_of_each_stretch() -> None:
    """A mean is drawn where its stretch ends."""
    np.testing.assert_array_equal(ends(np.array([10, 20, 30, 40, 50]), 2), [30, 50])


@pytest.mark.parametrize("length", [0, 1, 2, POINTS - 1, POINTS, POINTS + 1, 9380])
def test_both_axes_have_equally_many_points(length: int) -> None:
    """Values and places match at every length, and there are never more than asked for."""
    values = np.arange(length, dtype=float)

    assert len(smooth(values)) == len(ends(values)) <= POINTS
    assert stretch(length) >= 1


def test_broken_training_breaks_the_line() -> None:
    """A stretch with a value that is no finite number is not a number itself."""
    broken = smooth(np.array([1.0, 1.0, np.nan, 1.0, np.inf, 1.0]), 3)

    np.testing.assert_array_equal(broken, [1.0, np.nan, np.nan])


def test_quantiles_hold_both_ends() -> None:
    """A distribution runs from its smallest to its largest value, as NumPy sorts them."""
    values, shares = quantiles(np.array([4.0, 1.0, 3.0, 2.0, np.nan]), 3)

    np.testing.assert_array_equal(values, [1.0, 2.5, 4.0])
    np.testing.assert_array_equal(shares, [0.0, 0.5, 1.0])


def test_quantiles_of_one_and_of_none() -> None:
    """One value is all of its distribution; none gives none."""
    assert [list(part) for part in quantiles(np.array([7.0]))] == [[7.0], [1.0]]
    assert [list(part) for part in quantiles(np.array([]))] == [[], []]
