"""What a test asks and what it found, in words: '0.9410 against 0.8740: +0.0670 [+0.0520, +0.0810], 10 seeds'."""

from __future__ import annotations

from collections.abc import Sequence
from functools import singledispatch

from harness.claims._decide import Finding
from harness.claims._samples import Samples
from harness.suite import Difference, Equivalent, Fact, Published, Question, SeriesRef, Slope, Threshold, Trend
from harness.units import show

LONGEST = 6
"""Levels that are all written out; of more, the first three and the last two."""


def p_words(p: float | None) -> str:
    """Return a p-value: 'p 0.002'; '' for none."""
    if p is None:
        return ""
    return "p < 0.001" if p < 0.001 else f"p {p:.3f}"


def seeds_words(count: int) -> str:
    """Return '1 seed', '10 seeds'."""
    return f"{count} seed{'s' * (count != 1)}"


@singledispatch
def asked(question: Question, unit: str) -> str:
    """Return what a test asks.

    Args:
        question: the test.
        unit: of its series.
    """
    raise TypeError(f"no words for {question.kind!r}")


@asked.register
def _(question: Difference, unit: str) -> str:
    least = f"{100 * question.margin:g} %" if question.relative else written(question.margin, unit)
    by = f" by at least {least}" if question.margin else ""
    return f"{question.value} is {question.better} than {_other(question.value, question.against)}{by}"


@asked.register
def _(question: Threshold, unit: str) -> str:
    return f"{question.value} is {question.kind} {written(question.bound, unit)}"


@asked.register
def _(question: Equivalent, unit: str) -> str:
    other = _other(question.value, question.against)
    return f"{question.value} differs from {other} by less than {written(question.margin, unit)}"


@asked.register
def _(question: Trend, unit: str) -> str:
    of, ends = _levels(question.levels)
    by = f", by at least {written(question.margin, unit)}" if question.margin else ""
    return f"{of} gets {question.better} over {len(question.levels)} levels {ends}{by}"


@asked.register
def _(question: Slope, unit: str) -> str:
    of, span = _levels(question.levels)
    floor, ceiling = question.limits
    ends = [_minus(f"{end:g}") for end in (floor, ceiling) if end is not None]
    where = f"between {' and '.join(ends)}" if len(ends) > 1 else f"{'below' if floor is None else 'above'} {ends[0]}"
    over = question.x_metric or ", ".join(
        show(place, "1") if place >= 10 else _minus(f"{place:g}") for place in question.x or ()
    )
    scale = "log-log slope" if question.log else "slope"
    return f"the {scale} of {of} over {over}, {span}, is {where}"


@asked.register
def _(question: Published, unit: str) -> str:
    return f"a further run might give the published {question.value}, {written(question.published, unit)}"


@asked.register
def _(question: Fact, unit: str) -> str:
    other = str(_other(question.value, question.against)) if question.against else written(question.bound, unit)
    return f"{question.value} {question.relation} {other}, at every seed"


def _levels(levels: Sequence[SeriesRef]) -> tuple[str, str]:
    """Return what levels have in common, and their ends by what they have not: ('accuracy', 'from w1 to w64')."""
    first, *_, last = levels
    if first.case == last.case:
        return first.case, f"from {first.metric} to {last.metric}"
    return first.metric, f"from {first.case} to {last.case}"


def _other(value: SeriesRef, against: SeriesRef) -> str:
    """Return the second series of a sentence without what it shares with the first: 'that of a', 'its loss'."""
    if value.metric == against.metric:
        return f"that of {against.case}"
    return f"its {against.metric}" if value.case == against.case else str(against)


def found(question: Question, finding: Finding, samples: Samples) -> str:
    """Return what a test found, without its p-value; '' where nothing could be computed."""
    count = len(samples.seeds)
    if isinstance(question, Fact):
        return _fact(question, finding, samples)
    if finding.estimate is None or finding.low is None or finding.high is None:
        return ""
    seeds = seeds_words(count) if not samples.constant else "the same at every seed"
    return f"{_numbers(question, finding, samples)}, {seeds}"


@singledispatch
def _numbers(question: Question, finding: Finding, samples: Samples) -> str:
    raise TypeError(f"no words for {question.kind!r}")


@_numbers.register
def _(question: Difference, finding: Finding, samples: Samples) -> str:
    if not question.relative:
        return _against(finding, samples, 1 if question.better == "higher" else -1)
    value, against = _shown(samples)
    ratio, low, high = (f"{1 + (each or 0.0):.3g}" for each in (finding.estimate, finding.low, finding.high))
    return f"{value} against {against}: a ratio of {ratio} in favour [{low}, {high}]"


@_numbers.register
def _(question: Equivalent, finding: Finding, samples: Samples) -> str:
    return _against(finding, samples, 1)


def _against(finding: Finding, samples: Samples, sign: int) -> str:
    """Return two means and their difference as the reader would subtract them, whichever way is better."""
    value, against = _shown(samples)
    unit = samples.series[0].unit
    ends = sorted(sign * (each or 0.0) for each in (finding.low, finding.high))
    low, high = (signed(end, unit) for end in ends)
    return f"{value} against {against}: {signed(sign * (finding.estimate or 0.0), unit)} [{low}, {high}]"


@_numbers.register
def _(question: Trend, finding: Finding, samples: Samples) -> str:
    sign = 1 if question.better == "higher" else -1
    unit = samples.series[0].unit
    low, high = (signed(each, unit) for each in sorted(sign * (each or 0.0) for each in (finding.low, finding.high)))
    return f"{_chain(_shown(samples))}: {signed(sign * (finding.estimate or 0.0), unit)} [{low}, {high}] from end to end"


@_numbers.register
def _(question: Slope, finding: Finding, samples: Samples) -> str:
    levels = _chain(_shown(samples)[: len(question.levels)])
    slope, low, high = (_minus(f"{each:.3g}") for each in (finding.estimate, finding.low, finding.high))
    return f"{levels}: slope {slope} [{low}, {high}]"


@_numbers.register
def _(question: Threshold, finding: Finding, samples: Samples) -> str:
    unit = samples.series[0].unit
    return f"{written(finding.estimate, unit)} {_between(finding, unit)} against the bound {written(question.bound, unit)}"


@_numbers.register
def _(question: Published, finding: Finding, samples: Samples) -> str:
    unit = samples.series[0].unit
    published = written(question.published, unit)
    return f"{written(finding.estimate, unit)}, a further run within {_between(finding, unit)}; published {published}"


def _fact(question: Fact, finding: Finding, samples: Samples) -> str:
    """Return the smallest and the largest of both sides; texts are only said to be alike or not."""
    sides = [_extent([value for found in one.values.values() for value in found], one.unit) for one in samples.series]
    if not all(sides):
        return ""
    held = sides[1] if question.against else written(question.bound, samples.series[0].unit)
    common = set.intersection(*(set(one.values) for one in samples.series))
    relation = question.relation if finding.outcome == "supported" else "against"
    return f"{sides[0]} {relation} {held}, {seeds_words(len(common))}"


def _extent(values: Sequence[float | str], unit: str) -> str:
    numbers = [value for value in values if isinstance(value, float)]
    if len(numbers) < len(values):
        texts = sorted({str(value)[:12] for value in values})
        return texts[0] if len(texts) == 1 else f"{len(texts)} texts"
    if not numbers:
        return ""
    least, most = written(min(numbers), unit), written(max(numbers), unit)
    return least if least == most else f"{least} to {most}"


def _shown(samples: Samples) -> list[str]:
    return [written(mean, one.unit) for mean, one in zip(samples.means, samples.series, strict=True)]


def _chain(texts: Sequence[str]) -> str:
    """Return levels in a row: '0.28 → 0.62 → … → 0.98'."""
    shown = list(texts) if len(texts) <= LONGEST else [*texts[:3], "…", *texts[-2:]]
    return " → ".join(shown)


def _between(finding: Finding, unit: str) -> str:
    return f"[{written(finding.low, unit)}, {written(finding.high, unit)}]"


def signed(value: float, unit: str) -> str:
    """Return a difference with its sign: '+0.0670', '−1.20 ms'."""
    return f"{'+' if value > 0 else ''}{written(value, unit)}"


def written(value: float | None, unit: str) -> str:
    """Return a number in its unit, below zero with a minus sign."""
    return _minus(show(value, unit))


def _minus(number: str) -> str:
    """Return a number as printed with the minus sign of a text; the hyphen of an exponent is left."""
    return f"−{number[1:]}" if number.startswith("-") else number
