"""Small-sample intervals, tests and corrections: what the gates decide with.

Legend: K old values with mean b and standard deviation s (the base), m new values with mean h (the head). A test asks
whether the m new values could have come from where the K old ones did. Everything here takes and returns plain
numbers; scipy.special is imported on first use, because a command that judges nothing must not pay for it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

QUADRATURE_NODES = 64
BISECTIONS = 48


class Summary(NamedTuple):
    """A sample's size, mean and standard deviation (n − 1 in the denominator; NaN for n = 1)."""

    n: int
    mean: float
    sd: float


def summarise(values: Sequence[float]) -> Summary:
    """Return size, mean and standard deviation. Equal values give exactly that mean and an sd of exactly 0.

    The exact zero matters: 0.1 three times has a computed mean of 0.10000000000000002 and an sd of 1e-17, and a
    constant history must not turn into noise.

    Example:
        >>> summarise([1.0, 2.0, 3.0])
        Summary(n=3, mean=2.0, sd=1.0)
        >>> summarise([0.1, 0.1, 0.1])
        Summary(n=3, mean=0.1, sd=0.0)

    Raises:
        ValueError: there are no values.
    """
    count = len(values)
    if not count:
        raise ValueError("no values to summarise")
    if count == 1:
        return Summary(1, float(values[0]), math.nan)
    if min(values) == max(values):
        return Summary(count, float(values[0]), 0.0)
    mean = math.fsum(values) / count
    squares = math.fsum((value - mean) ** 2 for value in values)
    return Summary(count, mean, math.sqrt(squares / (count - 1)))


def t_quantile(probability: float, df: int) -> float:
    """Return the quantile of Student's t distribution.

    Example:
        >>> round(t_quantile(0.975, 9), 3)
        2.262

    Source: Student, "The probable error of a mean", Biometrika 6 (1908); any table of t.
    """
    from scipy import special

    return float(special.stdtrit(df, probability))


def t_interval(values: Sequence[float], confidence: float = 0.95) -> tuple[float, float]:
    """Return the two-sided t interval of the mean: mean ± t(n − 1) · s / √n.

    Example: n = 3, mean 2, s = 1, t(.975, 2) = 4.303, so 2 ± 4.303 / √3.
        >>> low, high = t_interval([1.0, 2.0, 3.0])
        >>> round(low, 3), round(high, 3)
        (-0.484, 4.484)

    Raises:
        ValueError: fewer than two values have no interval.

    Source: Student 1908, as above.
    """
    sample = summarise(values)
    if sample.n < 2:
        raise ValueError("an interval needs at least two values")
    half = t_quantile((1 + confidence) / 2, sample.n - 1) * sample.sd / math.sqrt(sample.n)
    return sample.mean - half, sample.mean + half


class Contrast(NamedTuple):
    """The mean of m new values against K old ones."""

    difference: float
    """h − b."""
    error: float
    """Standard error of the difference, s · √(1/m + 1/K), from the old values' spread alone: what a test works with."""
    df: int
    """K − 1."""
    wider: float | None = None
    """The same from the spread of old and new values, where that is larger: what an interval works with."""

    @property
    def reach(self) -> float:
        """The standard error of an interval."""
        return self.error if self.wider is None else self.wider


def contrast(base: Sequence[float], head: Sequence[float]) -> Contrast:
    """Compare the mean of m = len(head) new values with K = len(base) old ones.

    The mean of m future values differs from the mean of K past ones with variance σ² (1/m + 1/K), if nothing has
    changed. The base alone estimates σ for a test, so that m may be 1 and one bad seed does not hide itself by its own
    spread. An interval is to hold the true difference, also where the base has not met what the head has: it takes the
    spread of all values, each about its own side's mean, where that is larger (of two-state noise, simulated, 95 %
    intervals then cover 95 % instead of 83 %).

    Example: base 1, 2, 3 (s = 1), one new value 0: error √(1 + 1/3).
        >>> contrast([1.0, 2.0, 3.0], [0.0])
        Contrast(difference=-2.0, error=1.1547005383792515, df=2, wider=None)
        >>> contrast([1.0, 2.0, 3.0], [0.0, 6.0]).wider > 2
        True

    Raises:
        ValueError: fewer than two old values, or no new one.

    Source: Hahn & Meeker, "Statistical Intervals", 1991, chapter 4: prediction interval for the mean of m future
    observations from a normal population.
    """
    old, new = summarise(base), summarise(head)
    if old.n < 2:
        raise ValueError("a prediction bound needs at least two old values")
    together = _pooled(old, new) if new.n > 1 else old.sd
    wider = _error(together, old.n, new.n) if together > old.sd else None
    return Contrast(new.mean - old.mean, _error(old.sd, old.n, new.n), old.n - 1, wider)


def _pooled(one: Summary, other: Summary) -> float:
    """Return the standard deviation of two samples, each about its own mean."""
    squares = (one.n - 1) * one.sd**2 + (other.n - 1) * other.sd**2
    return math.sqrt(squares / (one.n + other.n - 2))


def _error(sd: float, old: int, new: float) -> float:
    return sd * math.sqrt(1 / new + 1 / old)


def p_below(test: Contrast) -> float:
    """Return the one-sided p-value of "the new mean is lower": how often no change looks this low.

    A constant history (error 0) leaves no room for chance: any lower mean gives 0, any other 1.

    Example: t = −2 / 1.1547 = −1.732 on 2 degrees of freedom.
        >>> round(p_below(Contrast(-2.0, 1.1547005, 2)), 4)
        0.1127

    Source: Hahn & Meeker 1991, chapter 4, turned from a bound into a p-value.
    """
    if test.error == 0:
        return 0.0 if test.difference < 0 else 1.0
    from scipy import special

    return float(special.stdtr(test.df, test.difference / test.error))


def p_above(test: Contrast) -> float:
    """Return the one-sided p-value of "the new mean is higher"; the mirror image of `p_below`.

    Example:
        >>> round(p_above(Contrast(2.0, 1.1547005, 2)), 4)
        0.1127
    """
    return p_below(Contrast(-test.difference, test.error, test.df))


def critical_difference(sd: float, old: int, new: int, alpha: float) -> float:
    """Return the smallest drop of the mean of `new` values that is significant: t(1 − α, K − 1) · s · √(1/m + 1/K).

    Example: K = 10, m = 1, α = .01: 2.821 · √1.1 standard deviations.
        >>> round(critical_difference(1.0, 10, 1, 0.01), 2)
        2.96

    Source: Hahn & Meeker 1991, chapter 4.
    """
    return t_quantile(1 - alpha, old - 1) * _error(sd, old, new)


def difference_interval(test: Contrast, confidence: float = 0.95) -> tuple[float, float]:
    """Return the two-sided interval of the difference: h − b ± t(K − 1) · error.

    Example: −2 ± 4.303 · 1.1547.
        >>> low, high = difference_interval(Contrast(-2.0, 1.1547005, 2))
        >>> round(low, 3), round(high, 3)
        (-6.968, 2.968)

    Source: Hahn & Meeker 1991, chapter 4.
    """
    half = t_quantile((1 + confidence) / 2, test.df) * test.reach
    return test.difference - half, test.difference + half


def lower_bound(test: Contrast, confidence: float = 0.95) -> float:
    """Return the one-sided lower bound of the difference: non-inferiority is shown when it lies above −margin.

    Example: −2 − 2.920 · 1.1547.
        >>> round(lower_bound(Contrast(-2.0, 1.1547005, 2)), 3)
        -5.372

    Source: the one-sided half of difference_interval; its use for non-inferiority after Schuirmann, "A comparison of
    the two one-sided tests procedure", J. Pharmacokin. Biopharm. 15 (1987).
    """
    return test.difference - t_quantile(confidence, test.df) * test.reach


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted for being several, by Holm's step-down rule, in the order given.

    The smallest of n is multiplied by n, the next by n − 1, …; an adjusted value never lies below a smaller one's, nor
    above 1. Rejecting those below α keeps the chance of any false rejection below α, however the tests depend on
    each other.

    Example: .01 · 3 = .03; .03 · 2 = .06; .04 · 1 = .04, raised to .06.
        >>> [round(p, 2) for p in holm([0.01, 0.04, 0.03])]
        [0.03, 0.06, 0.06]

    Source: Holm, "A simple sequentially rejective multiple test procedure", Scand. J. Stat. 6 (1979).
    """
    adjusted = [1.0] * len(p_values)
    highest = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = highest
    return adjusted


def detectable_effect(sd: float, old: int, new: float, alpha: float, margin: float = 0.0, power: float = 0.9) -> float:
    """Return the smallest true drop that is found with probability `power`, if `sd` is the true spread.

    A drop is found when the test is significant (drop ≥ t(1 − α, K − 1) · s · c with c = √(1/m + 1/K)) and no smaller
    than the margin. Each of the two alone needs a true drop of

    - test: δ · σ · c, δ being the noncentrality at which a noncentral t exceeds t(1 − α, K − 1) with that probability;
    - margin: margin + z(power) · σ · c, since the observed drop is normal around the true one.

    Both at once need at least the larger of the two, and where they are close a little more, because either may
    fail; the power of both together is therefore integrated over the distribution of s and solved for the drop,
    starting from the larger. A constant history (sd 0) finds every drop of the margin's size.

    Example: K = 10, m = 1, α = .01, no margin: 4.281 · √1.1 standard deviations.
        >>> round(detectable_effect(1.0, 10, 1, 0.01), 2)
        4.49
        >>> detectable_effect(0.0, 10, 1, 0.01, margin=0.02)
        0.02

    Source: Owen, "A survey of properties and applications of the noncentral t-distribution", Technometrics 10 (1968).
    """
    error = _error(sd, old, new)
    if error == 0 or math.isinf(margin):
        return margin
    from scipy import special

    critical = t_quantile(1 - alpha, old - 1)
    test_alone = float(special.nctdtrinc(old - 1, 1 - power, critical)) * error
    chance = float(special.ndtri(power)) * error
    bars = [max(margin, critical * ratio * error) for ratio in _spread_ratios(old - 1)]

    def found(drop: float) -> float:
        return math.fsum(
            weight * float(hit)
            for weight, hit in zip(_weights(), special.ndtr([(drop - bar) / error for bar in bars]), strict=True)
        )

    largest = max(test_alone, margin + chance)
    return largest if margin <= 0 else _first_reaching(found, power, largest, margin + chance + test_alone)


def _first_reaching(rising: Callable[[float], float], level: float, low: float, high: float) -> float:
    """Return where a rising function reaches `level`, between low and high, by halving the gap."""
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        low, high = (low, middle) if rising(middle) >= level else (middle, high)
    return high


@lru_cache
def _nodes() -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return Gauss–Legendre nodes and weights on (0, 1)."""
    import numpy as np

    points, weights = np.polynomial.legendre.leggauss(QUADRATURE_NODES)
    return tuple((points + 1) / 2), tuple(weights / 2)


def _weights() -> tuple[float, ...]:
    return _nodes()[1]


@lru_cache
def _spread_ratios(df: int) -> tuple[float, ...]:
    """Return quantiles of s / σ at the quadrature's nodes: √(χ²(df) / df)."""
    from scipy import special

    return tuple(math.sqrt(2 * float(special.gammaincinv(df / 2, point)) / df) for point in _nodes()[0])


def fisher_p(old: int, old_lacking: int, new: int, new_lacking: int) -> float:
    """Return the one-sided p-value of "more of the new ones lack something", such as seeds that miss their target.

    Of old + new runs, old_lacking + new_lacking lack it. Were they dealt at random, the chance that at least
    new_lacking of them fall on the new side is a hypergeometric tail.

    Example: 0 of 8 old runs and 3 of 3 new ones: 1 way of C(11, 3) = 165.
        >>> round(fisher_p(8, 0, 3, 3), 5)
        0.00606

    Source: Fisher, "Statistical Methods for Research Workers", 5th ed. 1934.
    """
    lacking = old_lacking + new_lacking
    ways = sum(math.comb(new, k) * math.comb(old, lacking - k) for k in range(new_lacking, min(new, lacking) + 1))
    return ways / math.comb(old + new, lacking)
