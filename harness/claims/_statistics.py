"""The statistics of claims: exact tests of paired samples, p-values of bounds, false discoveries.

Legend: d is one number a seed, such as the difference of two models trained with that seed; n is how many there are. A sample
whose values are all equal has no spread, and nothing is left to chance: p is 0 or 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from harness.stats import Contrast, p_above, p_below, summarise, t_interval, t_quantile

ALL_PATTERNS = 16
"""Values up to which every pattern of signs is tried: 2¹⁶."""
DRAWN_PATTERNS = 99_999
DRAW_SEED = 20_240_229
"""Of the patterns that are drawn where there are too many to try all; fixed, so that equal data gives an equal p."""
TIE = 1e-12
"""Relative rounding below which two sums count as equal."""


def sign_flip_p(d: Sequence[float]) -> float:
    """Return the two-sided p-value of "d is symmetric about 0": the share of sign patterns whose sum is as far from 0.

    If the two sides of each pair could be exchanged, every pattern of signs is as likely as the one seen. The smallest p is
    2 / 2ⁿ, so that five pairs are never significant at .05. Beyond 16 values patterns are drawn, and the seen one counts as
    one of them.

    Example: of the 8 patterns of (1, 2, 3) only +++ and −−− sum to 6 or −6.
        >>> sign_flip_p([1.0, 2.0, 3.0])
        0.25
        >>> sign_flip_p([1.0, -1.0])
        1.0

    Raises:
        ValueError: there are no values.

    Source: Fisher, "The Design of Experiments", 1935, section 21; Phipson & Smyth, "Permutation p-values should never be
    zero", Stat. Appl. Genet. Mol. Biol. 9 (2010), for drawn patterns.
    """
    import numpy as np

    if not d:
        raise ValueError("no values to flip the signs of")
    values = np.asarray(d, np.float64)
    seen = abs(math.fsum(d)) - TIE * float(np.abs(values).sum())
    if len(d) <= ALL_PATTERNS:
        patterns = np.arange(2 ** len(d))[:, None] >> np.arange(len(d)) & 1
        return float((np.abs((1 - 2 * patterns) @ values) >= seen).mean())
    draw = np.random.default_rng(DRAW_SEED)
    signs = draw.integers(0, 2, (DRAWN_PATTERNS, len(d)), dtype=np.int8)
    hits = int((np.abs((1 - 2 * signs) @ values) >= seen).sum())
    return (hits + 1) / (DRAWN_PATTERNS + 1)


def bound_p(values: Sequence[float], bound: float) -> float:
    """Return the two-sided p-value of "the mean is `bound`", by Student's t; below .05 where the 95 % interval leaves it out.

    Example: mean 2, s / √3 = .577, t = 3.46 on 2 degrees of freedom.
        >>> round(bound_p([1.0, 2.0, 3.0], 0.0), 4)
        0.0742

    Raises:
        ValueError: fewer than two values have no spread.

    Source: Student, "The probable error of a mean", Biometrika 6 (1908).
    """
    return min(1.0, 2 * min(mean_p(values, bound, "above"), mean_p(values, bound, "below")))


def mean_p(values: Sequence[float], bound: float, side: str) -> float:
    """Return the one-sided p-value of "the mean is not above `bound`", or with side "below", "not below".

    Example:
        >>> round(mean_p([1.0, 2.0, 3.0], 0.0, "above"), 4)
        0.0371

    Of equal values, which say nothing of their spread, it is a sign test's: by chance they lie beyond the bound once in 2ⁿ.
        >>> mean_p([1.0, 1.0, 1.0], 0.0, "above")
        0.125

    Raises:
        ValueError: fewer than two values have no spread.

    Source: Student 1908, as above.
    """
    sample = summarise(values)
    if sample.n < 2:
        raise ValueError("a test of a mean needs at least two values")
    if sample.sd == 0:
        beyond = sample.mean > bound if side == "above" else sample.mean < bound
        return 0.5**sample.n if beyond else 1.0
    test = Contrast(sample.mean - bound, sample.sd / math.sqrt(sample.n), sample.n - 1)
    return p_above(test) if side == "above" else p_below(test)


def tost_p(d: Sequence[float], margin: float) -> float:
    """Return the p-value of "d differs from 0 by `margin` or more": the larger of two one-sided tests.

    It is below .05 where the 90 % interval lies between −margin and margin.

    Example: a constant difference of .1 is within .2, as far as three values can tell, and not within .1.
        >>> tost_p([0.1, 0.1, 0.1], 0.2), tost_p([0.1, 0.1, 0.1], 0.1)
        (0.125, 1.0)

    Source: Schuirmann, "A comparison of the two one-sided tests procedure", J. Pharmacokin. Biopharm. 15 (1987).
    """
    return max(mean_p(d, -margin, "above"), mean_p(d, margin, "below"))


def trend_p(rows: Sequence[Sequence[float]]) -> float:
    """Return the one-sided p-value of Page's L: no trend over the levels, against one upwards.

    Each row, the levels of one seed, is ranked by itself; L sums rank times level. The p-value is exact for up to eight levels
    and twelve seeds, normal beyond; ties make it larger than it need be.

    Example: the exact chance that three levels rise in each of four rows is 1 / 6⁴.
        >>> round(trend_p([[1.0, 2.0, 3.0]] * 4) * 6**4, 6)
        1.0

    Raises:
        ValueError: fewer than two rows, or fewer than three levels.

    Source: Page, "Ordered hypotheses for multiple treatments", J. Am. Stat. Assoc. 58 (1963); scipy.stats.page_trend_test.
    """
    from scipy.stats import page_trend_test

    return float(page_trend_test([list(row) for row in rows]).pvalue)


def prediction_interval(values: Sequence[float], confidence: float = 0.95) -> tuple[float, float]:
    """Return the interval in which one further value lies: mean ± t(n − 1) · s · √(1 + 1/n).

    Example: 2 ± 4.303 · √(4/3).
        >>> low, high = prediction_interval([1.0, 2.0, 3.0])
        >>> round(low, 2), round(high, 2)
        (-2.97, 6.97)

    Raises:
        ValueError: fewer than two values have no spread.

    Source: Hahn & Meeker, "Statistical Intervals", 1991, chapter 4.
    """
    sample = summarise(values)
    if sample.n < 2:
        raise ValueError("a prediction interval needs at least two values")
    half = t_quantile((1 + confidence) / 2, sample.n - 1) * sample.sd * math.sqrt(1 + 1 / sample.n)
    return sample.mean - half, sample.mean + half


def prediction_p(values: Sequence[float], further: float) -> float:
    """Return the two-sided p-value of "`further` is one more such value"; below .05 outside the 95 % prediction interval.

    Example: (2 − 2) / s is in the middle.
        >>> prediction_p([1.0, 2.0, 3.0], 2.0)
        1.0

    Source: Hahn & Meeker 1991, as above.
    """
    sample = summarise(values)
    if sample.n < 2:
        raise ValueError("a prediction needs at least two values")
    test = Contrast(sample.mean - further, sample.sd * math.sqrt(1 + 1 / sample.n), sample.n - 1)
    return min(1.0, 2 * min(p_above(test), p_below(test)))


def line_slope(x: Sequence[float], y: Sequence[float]) -> float:
    """Return the slope of the least-squares line through points.

    Example:
        >>> line_slope([0.0, 1.0, 2.0], [1.0, 3.0, 5.0])
        2.0

    Raises:
        ValueError: all points have one x.

    Source: any text on linear regression: Σ(x − x̄)(y − ȳ) / Σ(x − x̄)².
    """
    centre, level = summarise(x).mean, summarise(y).mean
    spread = math.fsum((place - centre) ** 2 for place in x)
    if spread == 0:
        raise ValueError("all points stand at one place")
    return math.fsum((place - centre) * (value - level) for place, value in zip(x, y, strict=True)) / spread


def mean_interval(values: Sequence[float], confidence: float = 0.95) -> tuple[float, float]:
    """Return the t interval of the mean; of equal values, even of one, that value twice.

    Example:
        >>> mean_interval([0.25])
        (0.25, 0.25)
    """
    return (float(values[0]), float(values[0])) if len(set(values)) == 1 else t_interval(values, confidence)


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted for being several, in the order given.

    The k-th smallest of n is multiplied by n / k, and none exceeds a larger one's. Of those below q, a share of at most q is
    false on average, if the tests are independent or depend on one another positively.

    Example: .01 · 3 / 1, .02 · 3 / 2 and .5 · 3 / 3.
        >>> [round(p, 3) for p in benjamini_hochberg([0.02, 0.5, 0.01])]
        [0.03, 0.5, 0.03]

    Source: Benjamini & Hochberg, "Controlling the false discovery rate", J. R. Stat. Soc. B 57 (1995).
    """
    adjusted = [1.0] * len(p_values)
    lowest = 1.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda i: -p_values[i])):
        lowest = min(lowest, p_values[index] * len(p_values) / (len(p_values) - rank))
        adjusted[index] = lowest
    return adjusted
