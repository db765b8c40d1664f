"""One metric of one case over all run sets of its suite: where it changed, and how far it has drifted from an anchor.

A point is a run set: the mean of its runs; of a quality metric, of the seeds that the last run set has, because other seeds
give other scores and nothing has changed. Points that cannot be compared with the last one (another machine class for a machine
metric, seeds that are lacking, another definition of the case) are shown and take no part. An exact metric has no noise: every
difference is a change.

Change points are the best segmentation, found exactly: segments of three points or more, each with a mean of its own, that
minimise the squared errors over σ² plus a penalty of 3 ln n for each change. σ is robust, from the differences of neighbours,
which a change touches once. A change is told only where the two means differ by two per cent, and significantly by a t test
that is corrected for the places where a cut might have been.

Source: Jackson et al., "An algorithm for optimal partitioning of data on an interval", IEEE Signal Processing Letters 12
(2005); the penalised cost as in Killick, Fearnhead & Eckley, "Optimal detection of changepoints with a linear computational
cost", JASA 107 (2012), whose pruning so few points do not need.

Drift is the mean of the last points against an anchor that stays where it was put: many changes, each below every margin,
add up in it. Its error counts the anchor as one session more, with the spread between sessions that the history itself shows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from harness.errors import ResultsError
from harness.observations import Direction
from harness.results import RunSet, Series, Side, agree, sides
from harness.stats import Contrast, difference_interval, p_above, p_below, summarise, t_interval

LEAST_POINTS = 3
"""Points of a segment, and points that drift is the mean of."""
LEAST_CHANGE = 0.02
"""Relative change below which nothing is told."""
ALPHA = 0.005
"""Of a change; with the choice among segmentations, about one steady history in a hundred is said to have changed."""
CONFIDENCE = 0.95
DRIFT_CONFIDENCE = 0.99
PENALTY = 3.0
"""Of a change point, in units of ln n."""
LEAST_NOISE = LEAST_CHANGE / 10
"""Relative σ below which points count as equal: a change that would not be told needs no segment of its own."""
NORMAL_MEDIAN = 1.4826
"""Standard deviation of a normal distribution over its median absolute deviation."""


@dataclass(frozen=True)
class Point:
    """One run set's value of the metric."""

    run_set: str
    started_utc: str
    commit: str
    dirty: bool
    values: tuple[float, ...]
    """One a run."""
    apart: str = ""
    """Why it cannot be compared with the last point; '' where it can."""

    @property
    def mean(self) -> float:
        """The mean over the runs."""
        return summarise(self.values).mean

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % t interval of the mean; None for a single run."""
        return t_interval(self.values, CONFIDENCE) if len(self.values) > 1 else None


@dataclass(frozen=True)
class Change:
    """The metric changed between two points."""

    at: int
    """Index of the first point after the change."""
    change: float
    """Relative to the mean before it: 0.1 = 10 % more."""
    p: float
    """Two-sided, corrected for the number of places where it might have been."""

    @property
    def told(self) -> bool:
        """Whether it is two per cent or more, and significant."""
        return abs(self.change) >= LEAST_CHANGE and self.p < ALPHA


@dataclass(frozen=True)
class Drift:
    """How far the last points are from the anchor."""

    anchor: str
    change: float
    """Relative to the anchor."""
    low: float | None
    """The ends of the 99 % interval; None where the history is too short to know its spread."""
    high: float | None
    least: float = LEAST_CHANGE
    """Below it nothing is told."""

    @property
    def shown(self) -> bool:
        """Whether it is two per cent or more (of an exact metric, anything), and its interval leaves out zero."""
        sure = self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)
        return sure and abs(self.change) >= self.least


@dataclass(frozen=True)
class History:
    """One metric of one case over time, oldest first."""

    case: str
    metric: str
    unit: str
    direction: Direction
    points: tuple[Point, ...]
    changes: tuple[Change, ...]
    drift: Drift | None
    """None without an anchor that can be compared."""

    def worse(self, change: float) -> bool:
        """Whether a change is for the worse."""
        return change < 0 if self.direction == "higher" else change > 0 and self.direction == "lower"


@dataclass(frozen=True)
class Anchor:
    """What drift is measured from: a baseline, or a run set."""

    name: str
    side: Side
    sessions: int = 1
    """Run sets that it holds."""


Held = tuple[RunSet, Mapping[str, Side]]
"""A run set and its cases."""


def read_sides(run_sets: Iterable[RunSet], tell: Callable[[str], None]) -> list[Held]:
    """Return what run sets hold. One that cannot be read is told and left out: a history outlives a damaged file."""
    held = list[Held]()
    for run_set in run_sets:
        try:
            held.append((run_set, sides(run_set)))
        except ResultsError as error:
            tell(f"left out: {error}")
    return held


def read_history(held: Sequence[Held], case: str, metric: str, anchor: Anchor | None = None) -> History | None:
    """Return a metric's history over run sets; None where none of them holds a number of it."""
    found = [
        (run_set, cases[case], cases[case].metrics[metric])
        for run_set, cases in held
        if case in cases and metric in cases[case].metrics and cases[case].metrics[metric].numbers
    ]
    found.sort(key=lambda entry: _moment(entry[1]))
    if not found:
        return None
    last, series = found[-1][1], found[-1][2]
    points = tuple(_point(run_set, side, own, _apart(side, own, last, series)) for run_set, side, own in found)
    compared = [index for index, point in enumerate(points) if not point.apart]
    means = [_mean(found[index][2], series) for index in compared]
    finding = exact_changes if series.metric_class == "exact" else find_changes
    changes = tuple(Change(compared[one.at], one.change, one.p) for one in finding(means))
    drift = _drift_from(anchor, last, series, means) if anchor else None
    return History(case, metric, series.unit, series.direction, points, changes, drift)


def _mean(own: Series, last: Series) -> float:
    """Return the mean of a point's runs; of a quality metric, of the last point's seeds, each once."""
    if last.metric_class != "quality":
        return summarise(own.numbers).mean
    return summarise([summarise(_numbers(own, seed)).mean for seed in sorted(last.by_seed) if _numbers(last, seed)]).mean


def _numbers(series: Series, seed: int) -> list[float]:
    return [value for value in series.by_seed.get(seed, ()) if isinstance(value, float) and math.isfinite(value)]


def _moment(side: Side) -> str:
    return min((run.started_utc for run in side.runs if run.started_utc), default="")


def _point(run_set: RunSet, side: Side, series: Series, apart: str) -> Point:
    commits = sorted({run.commit for run in side.runs if run.commit})
    return Point(
        run_set=run_set.name,
        started_utc=_moment(side),
        commit=", ".join(commit[:12] for commit in commits),
        dirty=any(run.dirty for run in side.runs),
        values=tuple(series.numbers),
        apart=apart,
    )


def _apart(side: Side, own: Series, last: Side, series: Series) -> str:
    if side.suite_version != last.suite_version:
        return f"suite version {side.suite_version}"
    if not agree(side.case_digest, last.case_digest):
        return "another definition of the case"
    if series.metric_class == "machine" and not agree(side.machine_class, last.machine_class):
        return "another machine class"
    if series.metric_class == "quality" and any(_numbers(series, seed) and not _numbers(own, seed) for seed in series.by_seed):
        return "lacks seeds of the last run set"
    return ""


def _drift_from(anchor: Anchor, last: Side, series: Series, means: Sequence[float]) -> Drift | None:
    pinned = anchor.side.metrics.get(series.metric)
    if pinned is None or not pinned.numbers or _apart(anchor.side, pinned, last, series):
        return None
    start = _mean(pinned, series)
    if series.metric_class == "exact":
        change = _relative(start, means[-1])
        return Drift(anchor.name, change, change, change, least=0.0)
    return find_drift(anchor.name, start, anchor.sessions, means)


def _relative(before: float, after: float) -> float:
    if before == after:
        return 0.0
    return (after - before) / abs(before) if before else math.copysign(math.inf, after)


def exact_changes(values: Sequence[float]) -> list[Change]:
    """Return where values differ from the one before.

    Example:
        >>> exact_changes([4.0, 4.0, 5.0])
        [Change(at=2, change=0.25, p=0.0)]
    """
    return [
        Change(at, _relative(before, after), 0.0)
        for at, (before, after) in enumerate(pairwise(values), start=1)
        if before != after
    ]


def find_drift(name: str, anchor: float, sessions: int, means: Sequence[float]) -> Drift | None:
    """Return how far the mean of the last points is from an anchor; None where a relative change cannot be said.

    The error is s · √(1/m + 1/k) for m points and the anchor's k sessions, where s is the spread of all points around the means
    of their segments.

    Raises:
        ValueError: there are no points.
    """
    scale = _scale([anchor, *means])
    if scale is None:
        return None
    points, pinned = [scale.forward(value) for value in means], scale.forward(anchor)
    recent = points[-LEAST_POINTS:]
    difference = summarise(recent).mean - pinned
    error, df = _residual(points, best_cuts(points))
    if df < 1:
        return Drift(name, scale.change(difference), None, None)
    test = Contrast(difference, error * math.sqrt(1 / len(recent) + 1 / sessions), df)
    low, high = difference_interval(test, DRIFT_CONFIDENCE)
    return Drift(name, scale.change(difference), scale.change(low), scale.change(high))


@dataclass(frozen=True)
class _Scale:
    forward: Callable[[float], float]
    change: Callable[[float], float]


def _scale(values: Sequence[float]) -> _Scale | None:
    """Return logarithms where all values are positive, else values over their typical size; None where that is zero."""
    if min(values) > 0:
        return _Scale(math.log, math.expm1)
    size = median(abs(value) for value in values)
    return _Scale(lambda value: value / size, float) if size else None


def find_changes(means: Sequence[float]) -> list[Change]:
    """Return the changes among points, oldest first.

    Example: six points at 100, then six at 110.
        >>> [change] = find_changes([100.0, 101, 99, 100, 101, 99, 110, 111, 109, 110, 111, 109])
        >>> change.at, round(change.change, 2)
        (6, 0.1)
    """
    scale = _scale(means) if len(means) >= 2 * LEAST_POINTS else None
    if scale is None:
        return []
    points = [scale.forward(value) for value in means]
    cuts = best_cuts(points)
    while cuts:
        found = [_change(points, start, at, end, scale) for start, at, end in _around(cuts, len(points))]
        weakest = max(found, key=lambda change: (not change.told, change.p))
        if weakest.told:
            return found
        cuts.remove(weakest.at)  # and its segments are one, before the others are judged
    return []


def _around(cuts: Sequence[int], count: int) -> Iterator[tuple[int, int, int]]:
    """Yield each cut between the start of the segment before it and the end of the one after."""
    edges = [0, *cuts, count]
    return zip(edges, edges[1:], edges[2:], strict=False)


def _change(points: Sequence[float], start: int, at: int, end: int, scale: _Scale) -> Change:
    difference, p = _compared(points[start:at], points[at:end])
    places = len(points) - 2 * LEAST_POINTS + 1
    return Change(at, scale.change(difference), min(1.0, places * p))


def _compared(before: Sequence[float], after: Sequence[float]) -> tuple[float, float]:
    """Return the difference of two means and its two-sided p-value: Student's t test with a common spread.

    Source: Student, "The probable error of a mean", Biometrika 6 (1908).
    """
    difference = summarise(after).mean - summarise(before).mean
    spread, df = _residual([*before, *after], [len(before)])
    test = Contrast(difference, spread * math.sqrt(1 / len(before) + 1 / len(after)), df)
    return difference, 2 * min(p_below(test), p_above(test), 0.5)


def _residual(points: Sequence[float], cuts: Sequence[int]) -> tuple[float, int]:
    """Return the spread of points around the means of their segments, and its degrees of freedom."""
    squares = math.fsum(_squares(points[start:end]) for start, end in zip([0, *cuts], [*cuts, len(points)], strict=True))
    df = len(points) - len(cuts) - 1
    return (math.sqrt(squares / df) if df > 0 else math.nan), df


def _squares(points: Sequence[float]) -> float:
    mean = summarise(points).mean
    return math.fsum((point - mean) ** 2 for point in points)


def best_cuts(points: Sequence[float]) -> list[int]:
    """Return where the best segments begin, without the first: the exact minimum, by dynamic programming in O(n²).

    Legend: best[e] is the least cost of points[:e], cut[e] the start of its last segment.
    """
    count = len(points)
    if count < 2 * LEAST_POINTS:
        return []
    cost, price = _costs(points), PENALTY * math.log(count)
    best, cut = {0: -price}, dict[int, int]()
    for end in range(LEAST_POINTS, count + 1):
        starts = [start for start in best if end - start >= LEAST_POINTS]
        cut[end] = min(starts, key=lambda start: best[start] + cost(start, end))
        best[end] = best[cut[end]] + cost(cut[end], end) + price
    cuts, end = list[int](), count
    while cut[end]:
        end = cut[end]
        cuts.append(end)
    return cuts[::-1]


def _costs(points: Sequence[float]) -> Callable[[int, int], float]:
    """Return the cost of a segment: squared errors over σ², from running sums over points that are centred first."""
    centre, variance = median(points), _noise(points) ** 2
    sums, squares = [0.0], [0.0]
    for point in points:
        sums.append(sums[-1] + point - centre)
        squares.append(squares[-1] + (point - centre) ** 2)

    def cost(start: int, end: int) -> float:
        total = sums[end] - sums[start]
        return max(0.0, squares[end] - squares[start] - total * total / (end - start)) / variance

    return cost


def _noise(points: Sequence[float]) -> float:
    """Return σ of a point: the median of the neighbours' differences, over √2."""
    differences = [abs(after - before) for before, after in pairwise(points)]
    return max(NORMAL_MEDIAN * median(differences) / math.sqrt(2), LEAST_NOISE)


def cases_of(held: Sequence[Held]) -> list[str]:
    """Return the cases of run sets, those of the last one first."""
    return list(dict.fromkeys(case for _, cases in reversed(held) for case in cases))
