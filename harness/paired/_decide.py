"""Whether a step takes longer on the head: restarts are drawn until the data can tell, with the chance of a false alarm fixed.

The unit is the restart: pairs of blocks within one share their two processes' layout of memory, so that more of them
make a false alarm more certain, not less likely (NOISE 2). Values are changes as logarithms.

- worse: the one-sided test over restarts is significant, and the estimate is beyond the margin
- better: the mirror image
- same: after three restarts all are within the margin, or after eight the one-sided 95 % bound is
- inconclusive: the restarts or the time ran out before either

The test is the exact signed-rank test, at two looks that have most of the error between them. It needs eight restarts or more
however large the change; what is plain after five, or when the time runs out, may be said by Student's t with what is left
of the error. Each look's part is shared among the metrics that are gated.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import median
from typing import Literal

from harness.stats import detectable_effect, summarise, t_interval

ALPHA = 0.01
"""Largest chance that a comparison of equal code calls any of its metrics worse."""
FIRST_LOOK = 3
"""Restarts after which a metric may be the same already."""
CERTAIN = 8
"""Restarts from which on the 95 % bound is one, and an improvement would have been found."""
MORE = 4
"""Restarts between the two looks at which it may be worse."""
PLAIN = 5
"""Restarts from which on Student's t may speak."""
RANK_SHARE, T_SHARE = 0.4, 0.1
"""Parts of the error: of each of the two looks of the signed-rank test, and of each of t's two: after PLAIN, and at the end."""
CONFIDENCE = 0.95
POWER = 0.9

Word = Literal["same", "worse", "better", "inconclusive"]


@dataclass(frozen=True)
class Decision:
    """One metric of one case after some restarts."""

    verdict: Word | None
    """None: more restarts are needed."""
    restarts: int
    estimate: float
    """Hodges–Lehmann estimate of the change, relative: 0.03 is 3 % more."""
    low: float
    """Two-sided 95 % interval."""
    high: float
    p: float
    """One-sided, in the direction of the estimate."""
    mde: float
    """Smallest true change for the worse that is found with 90 % power."""


def needed(family: int) -> tuple[int, int]:
    """Return the restarts of the two looks at which a metric of so many may be found worse.

    The smallest p of m restarts is 2^−m, which has to be below a look's part of the error over the family.

    Example:
        >>> needed(1), needed(2), needed(20)
        ((8, 12), (9, 13), (13, 17))
    """
    first = math.ceil(math.log2(family / (ALPHA * RANK_SHARE)))
    return first, first + MORE


def decide(values: Sequence[float], margin: float, family: int, over: bool = False) -> Decision:
    """Judge one metric by its restarts.

    Args:
        values: change in each restart, head against base, as logarithms.
        margin: change that is let pass, relative.
        family: metrics that share the error.
        over: whether no more restarts can be had.
    """
    low, high = interval(values)
    return Decision(
        verdict=word_of(values, margin, family, over),
        restarts=len(values),
        estimate=math.expm1(hodges_lehmann(values)),
        low=math.expm1(low),
        high=math.expm1(high),
        p=min(signed_rank_p(values), signed_rank_p([-value for value in values])),
        mde=detectable_change(values, margin, family),
    )


def word_of(values: Sequence[float], margin: float, family: int, over: bool = False) -> Word | None:
    """Return the verdict on one metric, None where more restarts are needed; arguments as of `decide`."""
    limit, estimate = math.log1p(margin), hodges_lehmann(values)
    if estimate > limit and _significant(values, family, over):
        return "worse"
    if estimate < -limit and _significant([-value for value in values], family, over):
        return "better"
    if _within(values, limit):
        return "same"
    return "inconclusive" if over or len(values) >= needed(family)[1] else None


def _significant(values: Sequence[float], family: int, over: bool) -> bool:
    """Return whether values lie above 0, at a look that their number makes."""
    count, looks = len(values), needed(family)
    if count in looks or (over and count >= looks[0]):
        return signed_rank_p(values) <= ALPHA * RANK_SHARE / family
    if count == PLAIN or (over and count > PLAIN):
        return t_p(values) <= ALPHA * T_SHARE / family
    return False


def detectable_change(values: Sequence[float], margin: float, family: int) -> float:
    """Return the change for the worse that is found with POWER, if these values' spread is the true one; relative, as margins.

    It is the one that Student's t would find at the first look of the rank test; the later look makes up for what the rank
    test and stopping early lose (`tests/paired/test_error_rates.py` holds the two against one another).
    """
    if len(values) < 2:
        return math.inf
    first, limit = needed(family)[0], math.log1p(margin)
    return math.expm1(detectable_effect(_spread(values), first, math.inf, ALPHA * RANK_SHARE / family, limit, POWER))


def t_p(values: Sequence[float]) -> float:
    """Return the one-sided p of "the mean is above 0" by Student's t; restarts without any spread leave no room for chance."""
    sample = summarise(values)
    if sample.sd == 0:
        return 0.0 if sample.mean > 0 else 1.0
    from scipy import special

    return float(special.stdtr(sample.n - 1, -sample.mean / (sample.sd / math.sqrt(sample.n))))


def _spread(values: Sequence[float]) -> float:
    return summarise(values).sd


def _within(values: Sequence[float], limit: float) -> bool:
    """Return whether the change is within the margin: in the first restarts, all of them in both directions, as an improvement
    is worth finding; later, the bound for the worse."""
    if len(values) < FIRST_LOOK:
        return False
    if all(abs(value) <= limit for value in values):
        return True
    return len(values) >= CERTAIN and upper_bound(values) <= limit


def upper_bound(values: Sequence[float]) -> float:
    """Return the one-sided upper bound of the median change: 95 %, or of fewer than five restarts their largest, which is one
    of 1 − 2^−m."""
    averages, count = walsh_averages(values), len(values)
    beyond = sum(1 for rank in range(len(averages)) if _at_most(rank, count) <= 1 - CONFIDENCE)
    return averages[len(averages) - max(beyond, 1)]


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Return the two-sided 95 % interval of the change: of Student's t, which restarts as few as these allow."""
    return t_interval(values, CONFIDENCE) if len(values) > 1 else (-math.inf, math.inf)


def hodges_lehmann(values: Sequence[float]) -> float:
    """Return the median of all means of two restarts, a restart with itself included.

    Source: Hodges and Lehmann, "Estimates of location based on rank tests", Ann. Math. Stat. 34 (1963).
    """
    return median(walsh_averages(values))


def walsh_averages(values: Sequence[float]) -> list[float]:
    """Return the means of all pairs of values, each with itself included, in order."""
    return sorted((one + other) / 2 for index, one in enumerate(values) for other in values[index:])


def signed_rank_p(values: Sequence[float]) -> float:
    """Return the exact one-sided p of "the values lie above 0", given their sizes: the share of the 2^m ways to give them signs
    whose sum of positive ranks is no smaller. Ties share a rank; a zero counts for neither side.

    Source: Wilcoxon, "Individual comparisons by ranking methods", Biometrics Bulletin 1 (1945); ties after Pratt 1959.
    """
    ranks = _doubled_ranks([abs(value) for value in values if value])
    signs = [value > 0 for value in values if value]
    found = sum(rank for rank, positive in zip(ranks, signs, strict=True) if positive)
    ways = [1]  # ways[s]: ways to choose ranks that sum to s
    for rank in ranks:
        longer = ways + [0] * rank
        for total, count in enumerate(ways):
            longer[total + rank] += count
        ways = longer
    return float(sum(ways[found:]) / 2 ** len(ranks))


def _doubled_ranks(sizes: Sequence[float]) -> list[int]:
    """Return twice the rank of each size, ties sharing the mean of theirs."""
    ordered = sorted(sizes)
    return [2 * ordered.index(size) + ordered.count(size) + 1 for size in sizes]


@lru_cache
def _at_most(total: int, count: int) -> float:
    """Return the chance that the ranks of those values which lie above their median sum to at most `total`."""
    ways = [1]
    for rank in range(1, count + 1):
        longer = ways + [0] * rank
        for held, number in enumerate(ways):
            longer[held + rank] += number
        ways = longer
    return float(sum(ways[: total + 1])) / 2.0**count
