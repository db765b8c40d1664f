"""Baselines as tables for people: what one holds, and how a proposal differs from it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from harness.baseline._model import Baseline, StoredMetric
from harness.results import Series
from harness.stats import summarise
from harness.units import show

CLASSES = ("exact", "quality", "machine")


class Content(NamedTuple):
    """One metric of a baseline."""

    metric: str
    metric_class: str
    n: str
    value: str
    """Mean ± sd over all runs; for texts the one value, or how many there are."""


class Change(NamedTuple):
    """One metric of a baseline beside that of another which it replaces, or would."""

    case: str
    metric: str
    n: str
    before: str
    after: str


def contents(baseline: Baseline) -> Iterator[Content]:
    """Yield what a baseline holds, by class and then metric."""
    for name, metric in sorted(baseline.metrics.items(), key=lambda item: (CLASSES.index(item[1].metric_class), item[0])):
        yield Content(name, metric.metric_class, str(metric.n), _value(name, metric))


def changes(old: Baseline | None, new: Baseline | None) -> Iterator[Change]:
    """Yield each metric before and after, those that only one of the two holds included."""
    before, after = ({content.metric: content for content in contents(side)} if side else {} for side in (old, new))
    case = new.case if new else old.case if old else ""
    for metric in [*after, *(metric for metric in before if metric not in after)]:
        was, now = before.get(metric), after.get(metric)
        counts = f"{was.n if was else '0'} → {now.n if now else '0'}"
        yield Change(case, metric, counts, was.value if was else "none", now.value if now else "gone")


def _value(name: str, metric: StoredMetric) -> str:
    series = metric.series(name)
    texts = sorted({sample.value for sample in series.samples if isinstance(sample.value, str)})
    if texts:
        return _short(texts[0]) if len(texts) == 1 else f"{len(texts)} texts over {len(metric.samples)} seeds"
    return _mean(series) + _nulls(series)


def _short(text: str) -> str:
    return text if len(text) <= 12 else f"{text[:12]}…"


def _mean(series: Series) -> str:
    if not series.numbers:
        return "null"
    sample = summarise(series.numbers)
    mean = show(sample.mean, series.unit)
    alone = sample.n == 1 or (series.metric_class == "exact" and sample.sd == 0)
    return mean if alone else f"{mean} ± {show(sample.sd, series.unit)}"


def _nulls(series: Series) -> str:
    reasons = sorted({sample.null_reason for sample in series.nulls})
    if not reasons:
        return ""
    return f" ({', '.join(reasons)})" if not series.numbers else f", {len(series.nulls)} null ({', '.join(reasons)})"
