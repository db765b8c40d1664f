"""Any number of sides beside one another: what each holds of a metric, how far it is from the first, and which is best.

Nothing is decided here: no gate is asked, and no error is shared among the many differences, each of which has its own 95 %
interval. Of a quality metric that both sides have of the same seeds, it is the t interval of the differences seed by seed: what
a seed does to both falls out. Of other seeds, and of times and memory, it is that of a verdict's change
(`harness.stats.contrast`). What a verdict would call incomparable has no difference, and says why.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from harness.observations import Direction, MetricClass
from harness.results import Series, Side
from harness.stats import contrast, difference_interval, summarise, t_interval
from harness.suite import Gate
from harness.units import show
from harness.verdicts._comparable import check_comparable, not_finite
from harness.verdicts._exact import judge_exact, shorten
from harness.verdicts._question import Question, listed
from harness.verdicts._scale import choose_scale

SPREAD = 2
"""Samples from which on there is a spread, and so an interval."""


@dataclass(frozen=True)
class Holder:
    """What one run set, or one folder of baselines, holds."""

    name: str
    suite: str
    version: int
    """Of the suite, as it was run."""
    sides: Mapping[str, Side]
    """Case -> what is held of it, in the suite's order."""
    made_utc: str = ""
    commits: tuple[str, ...] = ()
    dirty: bool = False
    """Whether a tracked file differed from its commit."""
    left_out: tuple[str, ...] = ()
    """Cases of the suite that were not asked for."""
    is_run_set: bool = True
    """False for baselines, which hold no more than numbers."""


@dataclass(frozen=True)
class Entry:
    """One metric of one case, as one of the holders has it."""

    mean: float | None = None
    """Over the seeds of a quality metric, over the runs of others; None without a number."""
    low: float | None = None
    high: float | None = None
    """The 95 % t interval of the mean; None where the spread is not known, and for exact metrics."""
    n: int = 0
    """Seeds, or runs, that the mean is over."""
    text: str = ""
    """The first seed's value where it is a text, such as a digest."""
    difference: float | None = None
    """From the first holder: in the metric's unit, or relative to the first's value (0.1 = 10 % more) for machine metrics."""
    difference_low: float | None = None
    difference_high: float | None = None
    relation: str = ""
    """Of an exact metric: 'same' or 'differs', seed by seed."""
    best: bool = False
    reason: str = ""
    """Why there is no value, or no difference."""

    @property
    def held(self) -> bool:
        """Whether there is a value."""
        return self.mean is not None or bool(self.text)


@dataclass(frozen=True)
class Line:
    """One metric of one case, with an entry for each holder."""

    case: str
    metric: str
    unit: str
    direction: Direction
    metric_class: MetricClass
    entries: tuple[Entry, ...]

    @property
    def relative(self) -> bool:
        """Whether differences are relative to the first's value."""
        return self.metric_class == "machine"


def all_cases(holders: Sequence[Holder]) -> list[str]:
    """Return the cases that any of them holds: the first's in its order, and then what the others have besides."""
    return list(dict.fromkeys(case for holder in holders for case in holder.sides))


def beside(holders: Sequence[Holder], metrics: Mapping[str, Sequence[str]]) -> list[Line]:
    """Return a line for each metric wanted of each case that any of the holders measured.

    Args:
        holders: the first is what the others are compared with.
        metrics: case -> its metrics, in the order wanted.
    """
    found = (_line(holders, case, metric) for case, wanted in metrics.items() for metric in wanted)
    return [line for line in found if line is not None]


def _line(holders: Sequence[Holder], case: str, metric: str) -> Line | None:
    held = [holder.sides.get(case) for holder in holders]
    known = next((side.metrics[metric] for side in held if side and metric in side.metrics), None)
    if known is None:
        return None
    first = held[0]
    entries = [_value(held[0], metric)]
    for holder, side in zip(holders[1:], held[1:], strict=True):
        entry = _value(side, metric)
        if entry.held and side is not None:
            # versions count within one suite; whether cases of two suites are the same, their definitions tell
            base = first if first is None or holder.suite == holders[0].suite else _of_version(first, side.suite_version)
            entry = _compared(entry, entries[0], Question(case, metric, Gate(), side, base))
        entries.append(entry)
    marked = _marked(entries, known.direction)
    return Line(case, metric, known.unit, known.direction, known.metric_class, tuple(marked))


def _of_version(side: Side, version: int) -> Side:
    return replace(side, suite_version=version)


def _value(side: Side | None, metric: str) -> Entry:
    """Return what a side holds of a metric."""
    if side is None:
        return Entry(reason="no such case")
    series = side.metrics.get(metric)
    if series is None:
        failed = listed(str(run) for run in side.runs if run.status != "ok")
        return Entry(reason=failed or "not measured")
    if damage := [*series.problems, *not_finite(series)]:
        return Entry(reason=listed(damage))
    texts = [value for values in series.by_seed.values() for value in values if isinstance(value, str)]
    if texts:
        return Entry(text=shorten(texts[0]), n=len(texts))
    samples = _samples(series)
    if not samples:
        return Entry(reason=_nulls(series) or "not measured")
    spread = len(samples) >= SPREAD and series.metric_class != "exact"
    low, high = t_interval(samples) if spread else (None, None)
    return Entry(summarise(samples).mean, low, high, len(samples))


def _samples(series: Series) -> list[float]:
    return series.seed_means if series.metric_class == "quality" else series.numbers


def _nulls(series: Series) -> str:
    return listed(f"seed {null.seed}: null ({null.null_reason})" for null in series.nulls)


def _compared(entry: Entry, first: Entry, question: Question) -> Entry:
    """Return an entry with its difference from the first, or with why there is none."""
    here, there = question.here, question.there
    if not first.held or here is None or there is None:
        return replace(entry, reason=f"the first has no value ({first.reason or 'no such case'})")
    verdict = check_comparable(question)
    if why := (verdict.note if verdict else listed(_survivors(question)) or _nulls(here) or _nulls(there)):
        return replace(entry, reason=why)
    if question.metric_class == "exact":
        return _equal(entry, question)
    if pairs := _pairs(question):
        low, high = t_interval(pairs)
        return replace(entry, difference=summarise(pairs).mean, difference_low=low, difference_high=high)
    old, new = _samples(there), _samples(here)
    scale = choose_scale(question, old, new)
    old, new = [scale.forward(value) for value in old], [scale.forward(value) for value in new]
    if len(old) < SPREAD:
        moved = scale.change(summarise(new).mean - summarise(old).mean)
        return replace(entry, difference=moved, reason="" if moved is not None else "the first's mean is 0")
    test = contrast(old, new)
    low, high = difference_interval(test)
    changes = [scale.change(value) for value in (test.difference, low, high)]
    if changes[0] is None:
        return replace(entry, reason="the first's mean is 0")
    return replace(entry, difference=changes[0], difference_low=changes[1], difference_high=changes[2])


def _pairs(question: Question) -> list[float]:
    """Return the difference of each seed of a quality metric, where both sides have the same seeds and there are several."""
    if question.metric_class != "quality" or question.here is None or question.there is None:
        return []
    new, old = (dict(zip(series.by_seed, series.seed_means, strict=True)) for series in (question.here, question.there))
    return [new[seed] - old[seed] for seed in old] if new.keys() == old.keys() and len(old) >= SPREAD else []


def _survivors(question: Question) -> Iterator[str]:
    """Yield the runs that did not end well: without them the samples are those of the seeds that survived."""
    if question.head is not None and question.here is not None:
        passes = question.here.passes
        yield from (str(run) for run in question.head.runs if run.measures in passes and run.status != "ok")


def _equal(entry: Entry, question: Question) -> Entry:
    """Return an exact metric's entry with whether it is the same, seed by seed, as far as bits can be compared."""
    verdict = judge_exact(question)
    if verdict.verdict not in ("same", "better", "worse"):
        return replace(entry, reason=verdict.note)
    same = verdict.verdict == "same"
    return replace(
        entry,
        relation="same" if same else "differs",
        difference=None if entry.text else verdict.estimate,
        reason="" if same else verdict.note,
    )


def _marked(entries: Sequence[Entry], direction: Direction) -> list[Entry]:
    """Return the entries with the best of those that can be compared marked; none where all are alike."""
    means = [entry.mean for entry in entries if _contends(entry) and entry.mean is not None]
    if direction == "none" or len(set(means)) < 2:
        return list(entries)
    best = max(means) if direction == "higher" else min(means)
    return [replace(entry, best=True) if _contends(entry) and entry.mean == best else entry for entry in entries]


def _contends(entry: Entry) -> bool:
    return entry.mean is not None and (not entry.reason or bool(entry.relation))


def value_text(line: Line, entry: Entry) -> str:
    """Return an entry's value for people, 'n/a' without one; an asterisk marks the best."""
    shown = entry.text or show(entry.mean, line.unit)
    return f"{shown} *" if entry.best else shown


def interval_text(line: Line, entry: Entry) -> str:
    """Return the interval of an entry's mean: '0.9012 to 0.9134'; '' without one."""
    if entry.low is None or entry.high is None:
        return ""
    return f"{show(entry.low, line.unit)} to {show(entry.high, line.unit)}"


def difference_text(line: Line, entry: Entry) -> str:
    """Return an entry's difference for people: '+0.0120 [+0.0010, +0.0230]', 'same', or 'not comparable'."""
    if unchanged(entry):
        return "same"
    if entry.relation and entry.difference is None:
        return entry.relation
    if entry.difference is None:
        return "not comparable" if entry.held else ""
    shown = _signed(line, entry.difference)
    if entry.difference_low is None or entry.difference_high is None:
        return shown
    return f"{shown} [{_signed(line, entry.difference_low)}, {_signed(line, entry.difference_high)}]"


def unchanged(entry: Entry) -> bool:
    """Return whether an entry is the first's to the last digit: exact metrics that are the same, and scores that are seed by
    seed."""
    return entry.relation == "same" or entry.difference == entry.difference_low == entry.difference_high == 0


def _signed(line: Line, value: float) -> str:
    shown = show(100 * value, "%") if line.relative else show(value, line.unit)
    return f"+{shown}" if value > 0 else shown


def label(index: int) -> str:
    """Return a holder's letter: A, B, … Z, AA, …"""
    head = label(index // 26 - 1) if index >= 26 else ""
    return head + "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[index % 26]
