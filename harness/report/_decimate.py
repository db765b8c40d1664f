"""Fewer points for a curve: the mean of equal stretches, so that nothing is drawn that the eye cannot see."""

from __future__ import annotations

import math

import numpy as np

from harness.observations import Array

POINTS = 120
"""Most points of a line."""


def stretch(length: int, points: int = POINTS) -> int:
    """Return how many neighbours one point stands for: 1000 values in at most 120 points -> 9."""
    return max(1, math.ceil(length / points))


def smooth(values: Array, points: int = POINTS) -> Array:
    """Return means of equal stretches, at most `points` of them: [1, 3, 5, 9] in 2 points -> [2, 7].

    A stretch that holds a value which is no finite number is NaN, so that a line breaks where training did.
    """
    size = stretch(len(values), points)
    if size == 1:
        return np.where(np.isfinite(values), values, np.nan)
    starts = np.arange(0, len(values), size)
    counts = np.diff(np.append(starts, len(values)))
    finite = np.isfinite(values)
    sums = np.add.reduceat(np.where(finite, values, 0.0), starts)
    broken = np.add.reduceat(~finite, starts) > 0
    return np.where(broken, np.nan, sums / counts)


def ends(values: Array, points: int = POINTS) -> Array:
    """Return the last of each stretch that `smooth` averages, for the other axis: [1, 2, 3, 4] in 2 points -> [2, 4]."""
    size = stretch(len(values), points)
    places = np.append(np.arange(size - 1, len(values) - 1, size), len(values) - 1) if len(values) else np.arange(0)
    return values[places]


def quantiles(values: Array, points: int = POINTS) -> tuple[Array, Array]:
    """Return (value, share at or below it) of a distribution, at most `points` pairs, the largest included."""
    ordered = np.sort(values[np.isfinite(values)])
    shares = np.linspace(0, 1, min(points, len(ordered))) if len(ordered) > 1 else np.ones(len(ordered))
    return (np.quantile(ordered, shares), shares) if len(ordered) else (ordered, shares)
