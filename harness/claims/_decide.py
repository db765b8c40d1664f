"""Decides one test: what was measured in, supported, refuted or inconclusive out.

Each test has one thing that it may come to: where the estimate lies on the claim's side, support, else refutation. Its p-value
is that of this one thing, two-sided, so that a choice by the estimate costs nothing; all of a block are then adjusted together.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import singledispatch
from itertools import product
from typing import Literal

from harness.claims._samples import Samples, Value
from harness.claims._statistics import (
    bound_p,
    line_slope,
    mean_interval,
    prediction_interval,
    prediction_p,
    sign_flip_p,
    tost_p,
    trend_p,
)
from harness.stats import summarise
from harness.suite import SINGLE_SEEDS, Difference, Equivalent, Fact, Published, Question, Slope, Threshold, Trend

Outcome = Literal["supported", "refuted", "inconclusive", "not run"]

ALPHA = 0.05
"""Chance of error of a test alone, and share of false discoveries of a block."""
TOST_CONFIDENCE = 0.90
"""Two one-sided tests at .05 each are an interval of 90 %."""

RELATIONS: dict[str, Callable[[Value, Value], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True)
class Finding:
    """What one test came to."""

    outcome: Outcome
    estimate: float | None = None
    """Of what the test is about: a difference for the better, a mean, a slope."""
    low: float | None = None
    high: float | None = None
    confidence: float = 0.95
    """Of the interval."""
    p: float | None = None
    """Before it is adjusted; None where nothing is left to chance, or too little is known."""
    by_p: bool = True
    """Whether the outcome rests on a small p: a published value is supported by a large one."""
    reason: str = ""
    """Why it is inconclusive, or what refutes it, where the numbers alone do not tell."""


def decide(question: Question, samples: Samples) -> Finding:
    """Return what a test comes to, before its p-value is adjusted for those beside it.

    Args:
        question: the test.
        samples: what was measured of its series, in their order.
    """
    if isinstance(question, Fact):
        return _fact(question, samples)
    count, least = len(samples.seeds), 1 if samples.constant else question.least_seeds
    if count < least:
        return Finding("inconclusive", reason=f"{count or 'no'} common seed{'s' * (count != 1)}, where {least} are needed")
    try:
        return _decide(question, samples)
    except ValueError as error:
        return Finding("inconclusive", reason=str(error))


@singledispatch
def _decide(question: Question, samples: Samples) -> Finding:
    raise TypeError(f"no test of kind {question.kind!r}")


@_decide.register
def _(question: Difference, samples: Samples) -> Finding:
    value, against = samples.rows
    if not question.relative:
        return _against_margin(_gains(value, against, question.better), question.margin, samples.constant)
    if min(*value, *against) <= 0:
        raise ValueError("a ratio needs values above 0")
    gains = _gains([math.log(each) for each in value], [math.log(each) for each in against], question.better)
    found = _against_margin(gains, math.log1p(question.margin), samples.constant)
    estimate, low, high = (math.expm1(each or 0.0) for each in (found.estimate, found.low, found.high))
    return replace(found, estimate=estimate, low=low, high=high)


def _gains(value: Sequence[float], against: Sequence[float], better: str) -> list[float]:
    """Return for each seed how much better `value` is."""
    sign = 1 if better == "higher" else -1
    return [sign * (one - other) for one, other in zip(value, against, strict=True)]


def _against_margin(gains: Sequence[float], margin: float, constant: bool) -> Finding:
    """Support a gain of `margin` or more that is none of chance's; refute one whose interval stays below the margin."""
    mean, (low, high) = summarise(gains).mean, mean_interval(gains)
    if constant:
        return Finding("supported" if mean >= margin and mean > 0 else "refuted", mean, low, high)
    if mean >= margin:
        p = sign_flip_p(gains)
        if low <= 0:
            return Finding("inconclusive", mean, low, high, p=p, reason="the interval holds 0")
        if p >= ALPHA:
            return Finding("inconclusive", mean, low, high, p=p, reason="as many seeds might show it by chance")
        return Finding("supported", mean, low, high, p=p)
    p = bound_p(gains, margin)
    if high < margin:
        return Finding("refuted", mean, low, high, p=p)
    return Finding("inconclusive", mean, low, high, p=p, reason="the interval holds the margin")


@_decide.register
def _(question: Threshold, samples: Samples) -> Finding:
    limits = (question.bound, None) if question.kind == "above" else (None, question.bound)
    return _within(samples.rows[0], limits, samples.constant)


def _within(values: Sequence[float], limits: tuple[float | None, float | None], constant: bool) -> Finding:
    """Support a mean whose interval lies between limits, and refute one whose interval lies outside of them."""
    floor, ceiling = limits
    least, most = -math.inf if floor is None else floor, math.inf if ceiling is None else ceiling
    mean, (low, high) = summarise(values).mean, mean_interval(values)
    p = None if constant else max(bound_p(values, limit) for limit in limits if limit is not None)
    if least < low and high < most:
        return Finding("supported", mean, low, high, p=p)
    if constant or high < least or most < low:
        return Finding("refuted", mean, low, high, p=p)
    return Finding("inconclusive", mean, low, high, p=p, reason="the interval holds a bound")


@_decide.register
def _(question: Equivalent, samples: Samples) -> Finding:
    value, against = samples.rows
    d, margin = _gains(value, against, "higher"), question.margin
    mean = summarise(d).mean
    if abs(mean) < margin:
        low, high = mean_interval(d, TOST_CONFIDENCE)
        within = -margin < low and high < margin
        return Finding(
            "supported" if within else "inconclusive",
            mean,
            low,
            high,
            confidence=TOST_CONFIDENCE,
            p=None if samples.constant else tost_p(d, margin),
            reason="" if within else "the interval reaches beyond the margin",
        )
    low, high = mean_interval(d)
    p = None if samples.constant else bound_p(d, math.copysign(margin, mean))
    if low > margin or high < -margin:
        return Finding("refuted", mean, low, high, p=p)
    return Finding("inconclusive", mean, low, high, p=p, reason="the interval holds the margin")


@_decide.register
def _(question: Trend, samples: Samples) -> Finding:
    first, *_, last = samples.rows
    ends = _against_margin(_gains(last, first, question.better), question.margin, samples.constant)
    if worse := _turns_back(question, samples):
        p, level = worse
        smaller = min(p, ends.p or 0.0) if ends.outcome == "refuted" else p
        reason = f"the last level is worse than level {level}"
        return replace(ends, outcome="refuted", p=None if samples.constant else smaller, reason=reason)
    if ends.outcome != "supported" or samples.constant:
        return ends
    sign = 1 if question.better == "higher" else -1
    rising = trend_p([[sign * value for value in levels] for levels in zip(*samples.rows, strict=True)])
    p = max(rising, ends.p or 0.0)  # both must hold, so that the weaker of the two decides
    if rising >= ALPHA:
        return replace(ends, outcome="inconclusive", p=p, reason="no trend over the levels between (Page's L)")
    return replace(ends, p=p)


def _turns_back(question: Trend, samples: Samples) -> tuple[float, int] | None:
    """Return by what p the last level is worse than which earlier one, from 1; None where it is not, or nobody can tell.

    There are several earlier levels: the smallest p is multiplied by their number (Bonferroni).
    """
    *earlier, last = samples.rows
    found: list[tuple[float, int]] = []
    for level, row in enumerate(earlier, start=1):
        losses = _gains(row, last, question.better)
        if mean_interval(losses)[0] > 0:
            found.append((0.0 if samples.constant else sign_flip_p(losses) * len(earlier), level))
    return min(found) if found and min(found)[0] < ALPHA else None


@_decide.register
def _(question: Slope, samples: Samples) -> Finding:
    count = len(question.levels)
    heights = list(zip(*samples.rows[:count], strict=True))
    places = [question.x] * len(heights) if question.x else list(zip(*samples.rows[count:], strict=True))
    if question.log and min(value for rows in (heights, places) for row in rows for value in row) <= 0:
        raise ValueError("a logarithm needs values above 0")
    scale = math.log if question.log else float
    slopes = [
        line_slope([scale(value) for value in place], [scale(value) for value in height])
        for place, height in zip(places, heights, strict=True)
    ]
    return _within(slopes, question.limits, samples.constant)


@_decide.register
def _(question: Published, samples: Samples) -> Finding:
    (values,) = samples.rows
    mean = summarise(values).mean
    if samples.constant:
        return Finding("supported" if mean == question.published else "refuted", mean, mean, mean)
    low, high = prediction_interval(values)
    p = prediction_p(values, question.published)
    if low <= question.published <= high:
        return Finding("supported", mean, low, high, p=p, by_p=False)
    return Finding("refuted", mean, low, high, p=p)


def _fact(question: Fact, samples: Samples) -> Finding:
    """Refute by one counter-example; support only where every run has a value and, unless that is exact, seeds suffice."""
    value = samples.series[0].values
    other = samples.series[1].values if question.against else dict.fromkeys(value, (question.bound or 0.0,))
    holds = RELATIONS[question.relation]
    common = sorted(value.keys() & other.keys())
    for seed in common:
        for one, against in product(value[seed], other[seed]):
            texts = isinstance(one, str) + isinstance(against, str)
            if texts == 1 or (texts and question.relation not in ("==", "!=")):
                return Finding(
                    "inconclusive", reason="a text is equal to another text or it is not; nothing else can be asked of it"
                )
            if not holds(one, against):
                return Finding("refuted", reason=f"not so at seed {seed}")
    if doubt := _doubt(samples, len(common)):
        return Finding("inconclusive", reason=doubt)
    return Finding("supported")


def _doubt(samples: Samples, common: int) -> str:
    """Return why what holds at some seeds may not hold at every seed; '' where nothing says so."""
    if not common:
        return "no value"
    if samples.lacking:
        return "not every run gave a value"
    if any(len(one.values) > common for one in samples.series):
        return "not every seed has its counterpart"
    exact = all(one.metric_class == "exact" for one in samples.series)
    enough = exact or common >= SINGLE_SEEDS
    return "" if enough else f"{common} seed{'s' * (common != 1)}, where {SINGLE_SEEDS} are needed"
