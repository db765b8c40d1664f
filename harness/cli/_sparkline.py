"""A curve on one line of text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

LEVELS = "▁▂▃▄▅▆▇█"
BROKEN = "×"
"""Stands where a value is no finite number."""
WIDTH = 24


def sparkline(values: Sequence[float], width: int = WIDTH) -> str:
    """Return values as bars of eight heights, at most `width` of them, each the mean of a stretch of neighbours.

    The lowest bar is the smallest mean and the highest the largest; a stretch with a value that is no finite number is a cross.

    Example:
        >>> sparkline([0, 1, 2, 3, 4, 5, 6, 7])
        '▁▂▃▄▅▆▇█'
        >>> sparkline([8, 8, 4, 4, 0, 0], width=3)
        '█▅▁'
        >>> sparkline([1.0, float("nan"), 3.0])
        '▁×█'
    """
    if not values:
        return ""
    count = min(width, len(values))
    edges = [index * len(values) // count for index in range(count + 1)]
    means = [sum(values[start:end]) / (end - start) for start, end in pairwise(edges)]
    finite = [mean for mean in means if math.isfinite(mean)]
    if not finite:
        return BROKEN * count
    low, high = min(finite), max(finite)
    return "".join(_bar(mean, low, high) if math.isfinite(mean) else BROKEN for mean in means)


def _bar(value: float, low: float, high: float) -> str:
    """Return the bar of a value; of values that are all alike, the middle one."""
    if low == high:
        return LEVELS[3]
    return LEVELS[round((value - low) / (high - low) * (len(LEVELS) - 1))]
