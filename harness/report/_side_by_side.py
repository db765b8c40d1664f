"""Several run sets in one report: what each is, metric by metric what the others are to the first, and how they learned.

The first is A; the others are compared with it alone. What cannot be compared with it says so where its difference would stand.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from harness.report._base import Banner, Block, Cell, Column, Count, Details, Figure, Paragraph, Row, Table
from harness.report._charts import Chart, Mark, Scale, Strip, linear
from harness.report._data import ReportData
from harness.units import show
from harness.verdicts import Entry, Holder, Line, difference_text, interval_text, label, unchanged, value_text

LINES = ("l", "r", "a", "v")
"""Classes of the lines of the first sets; later ones are dashed."""
DOTS = ("d", "x", "a", "n")
MOST_CURVES = 24
"""Cases whose learning curves are drawn."""
NOTE = (
    "Every difference is from A, with its own 95 % interval: in the metric's unit for scores, relative to A for times and "
    "memory. With many differences some intervals miss zero by chance: this is a table to look at, and no verdict."
)


def told_apart(line: Line, entry: Entry) -> str:
    """Return what an entry is to the first: better, worse, not told apart, same, differs, or not comparable."""
    if unchanged(entry):
        return "same"
    if entry.relation:
        return entry.relation
    if not entry.held:
        return "no value"
    if entry.difference is None or entry.difference_low is None or entry.difference_high is None:
        return "not comparable" if entry.reason else "no interval"
    if entry.difference_low <= 0 <= entry.difference_high:
        return "not told apart"
    if line.direction == "none":
        return "differs"
    return "better" if (entry.difference > 0) == (line.direction == "higher") else "worse"


def overview(holders: Sequence[Holder], lines: Sequence[Line], surroundings: Sequence[tuple[str, ...]]) -> list[Block]:
    """Return what is compared, how it came out, and what the sets are.

    Args:
        holders: the run sets.
        lines: all that is compared.
        surroundings: (letter, name, suite, made, commit, machine, versions) of each set.
    """
    found = Counter(told_apart(line, entry) for line in lines for entry in line.entries[1:])
    cases = len({line.case for line in lines})
    compared = sum(count for name, count in found.items() if name not in ("not comparable", "no value"))
    sentence = (
        f"{compared:,} of {found.total():,} numbers are compared with those of A, `{holders[0].name}`, over {cases} "
        f"{'case' if cases == 1 else 'cases'}."
    )
    order = ("better", "worse", "differs", "same", "not told apart", "no interval", "not comparable", "no value")
    counts = tuple(Count(found[name], name) for name in order if found[name])
    titles = ("Set", "Run set", "Suite", "Made", "Commit", "Machine", "Versions")
    columns = tuple(Column(title, "code" if title in ("Run set", "Commit") else "text") for title in titles)
    rows = tuple(Row(tuple(map(Cell, row))) for row in surroundings)
    return [
        Banner(f"{len(holders)} run sets side by side", sentence, "plain", counts),
        Table(columns, rows, "The run sets"),
        Paragraph(NOTE, "muted"),
    ]


def metric_tables(lines: Sequence[Line], titles: Mapping[str, str]) -> list[Block]:
    """Return a table for each metric that any set has a value of: a row a case, a column a set, differences from A drawn."""
    by_metric: dict[str, list[Line]] = {}
    for line in lines:
        by_metric.setdefault(line.metric, []).append(line)
    by_metric = {
        metric: found for metric, found in by_metric.items() if any(entry.held for line in found for entry in line.entries)
    }
    return [_table(found, titles.get(metric, metric)) for metric, found in by_metric.items()]


def _table(lines: Sequence[Line], title: str) -> Table:
    axis = _Axis(lines)
    better = {"higher": "more is better", "lower": "less is better", "none": "no side is better"}[lines[0].direction]
    columns = [Column("Case"), Column("A", "number", "Mean, and below it its 95 % interval")]
    for index in range(1, len(lines[0].entries)):
        name = label(index)
        columns.append(Column(name, "number", "Mean, and below it its 95 % interval"))
        columns += [axis.column(name)] if axis.drawn else []
        columns.append(Column(f"{name} − A", "number", f"Difference from A: {better}"))
    rows = tuple(Row((Cell(line.case), *_cells(line, axis)), line.case) for line in lines)
    return Table(tuple(columns), rows, f"{title}: {better}")


def _cells(line: Line, axis: _Axis) -> Iterator[Cell]:
    yield _value(line, line.entries[0])
    for index, entry in enumerate(line.entries[1:], start=1):
        yield _value(line, entry)
        if axis.drawn:
            yield axis.cell(line, entry, label(index))
        yield _difference(line, entry)


def _value(line: Line, entry: Entry) -> Cell:
    if not entry.held:
        return Cell("n/a", note=entry.reason or "no value", tone="muted", sort=-math.inf)
    text = value_text(line, entry).removesuffix(" *")
    sort: float | str = entry.text if entry.mean is None else entry.mean
    few = f"n = {entry.n}" if line.metric_class != "exact" else ""
    shown = entry.best and any(told_apart(line, other) in ("better", "worse", "differs") for other in line.entries[1:])
    return Cell(text, sort=sort, sub=interval_text(line, entry) or few, badge="best" if shown else "")


def _difference(line: Line, entry: Entry) -> Cell:
    if not entry.held:
        return Cell("–", note=entry.reason or "no value", tone="muted", sort=-math.inf)
    words, _, interval = difference_text(line, entry).partition(" [")
    if entry.difference is None:
        sort = 0.0 if entry.relation == "same" else -math.inf
        return Cell(words, sort=sort, note=entry.reason, tone="muted")
    return Cell(words, sort=entry.difference, sub=interval.rstrip("]").replace(", ", " to "), note=entry.reason)


class _Axis:
    """The axis that the differences of one metric share, in its unit or in per cent."""

    def __init__(self, lines: Sequence[Line]) -> None:
        ends = [0.0, *(end for line in lines for entry in line.entries for end in _ends(line, entry))]
        reach = max(map(abs, ends))
        self.drawn = reach > 0
        self._unit = "%" if lines[0].relative else lines[0].unit
        self._strip = Strip(Scale(-1.08 * reach, 1.08 * reach), self._unit, width=1800, most=3)

    def column(self, name: str) -> Column:
        """Return the column in which a set's differences are drawn."""
        hint = f"Difference of {name} from A with its 95 % interval; the line is no difference"
        return Column(f"{name} against A", "plot", hint, axis=self._strip.head(f"Axis: difference of {name} from A."))

    def cell(self, line: Line, entry: Entry, name: str) -> Cell:
        """Return a difference, drawn; or why there is none."""
        ends = _ends(line, entry)
        if not ends:
            return Cell("–", note=entry.reason or "no difference to draw", tone="muted", sort=-math.inf)
        mark = {"worse": "x", "better": "a", "not told apart": "n"}.get(told_apart(line, entry), "d")
        pieces = [self._strip.lines(0.0)]
        if len(ends) > 1:
            pieces.append(self._strip.bar(min(ends), max(ends), f"w {mark}w"))
        alt = f"{line.case}: {name} is {difference_text(line, entry)} from A, {told_apart(line, entry)}."
        return Cell("", sort=ends[0], plot=self._strip.row(alt, *pieces, self._strip.dot(ends[0], mark)))


def _ends(line: Line, entry: Entry) -> list[float]:
    """Return a difference and the ends of its interval, as they are drawn."""
    scale = 100.0 if line.relative else 1.0
    found = (entry.difference, entry.difference_low, entry.difference_high)
    return [scale * value for value in found if value is not None and math.isfinite(value)]


def not_compared(lines: Sequence[Line], titles: Mapping[str, str]) -> list[Block]:
    """Return, folded away, what has no difference, and why; metrics that share a set, a case and a reason are one row."""
    groups: dict[tuple[str, str, str], list[str]] = {}
    for line in lines:
        for index, entry in enumerate(line.entries):
            if entry.reason and not entry.relation:
                groups.setdefault((label(index), line.case, entry.reason), []).append(titles.get(line.metric, line.metric))
    if not groups:
        return []
    columns = (Column("Set", choose=True), Column("Case"), Column("Metrics"), Column("Why"))
    rows = tuple(
        Row((Cell(letter), Cell(case), Cell(", ".join(metrics)), Cell(reason)), case)
        for (letter, case, reason), metrics in groups.items()
    )
    return [Details(f"Not compared: {len(rows)}", (Table(columns, rows),))]


def learning_curves(datas: Sequence[ReportData | None], cases: Sequence[str]) -> list[Block]:
    """Return a drawing for each case that at least two of the sets evaluated while it was trained: the mean over seeds of each.

    Args:
        datas: the tables of each set; None for one that has none, such as baselines.
        cases: the cases, in order.
    """
    figures = [figure for case in cases if (figure := _curve(datas, case))]
    dropped = len(figures) - MOST_CURVES
    words = f"The first {MOST_CURVES} cases; the tables hold {dropped} more." if dropped > 0 else ""
    return [*([Paragraph(words, "muted")] if words else []), *figures[:MOST_CURVES]]


def _curve(datas: Sequence[ReportData | None], case: str) -> Figure | None:
    found: dict[str, tuple[str, dict[int, float]]] = {}
    named: tuple[str, str] = ("1", "")
    for index, data in enumerate(datas):
        declared = next((each for each in data.cases if each.name == case), None) if data else None
        if data is None or declared is None or declared.experiment is not None:
            continue
        metric = data.primary(declared)
        split, points = data.progress(case, metric)
        if points:
            named = data.unit(metric), data.title(metric)
            found[label(index)] = split, {epoch: math.fsum(values) / len(values) for epoch, values in sorted(points.items())}
    if len(found) < 2:
        return None
    unit, title = named
    ends = ", ".join(f"{letter} {show(list(points.values())[-1], unit)}" for letter, (_, points) in found.items())
    splits = " and ".join(sorted({split for split, _ in found.values()}))
    alt = f"{title} of {case} on the {splits} split over the epochs, mean over seeds; last: {ends}."
    curves = {letter: points for letter, (_, points) in found.items()}
    table = _curve_table(curves, unit, case)
    return Figure(case, _draw(curves, named).svg(alt), alt, table, f"{title} on the {splits} split; last: {ends}.", case)


def _draw(curves: Mapping[str, dict[int, float]], named: tuple[str, str]) -> Chart:
    epochs = [epoch for points in curves.values() for epoch in points]
    values = [value for points in curves.values() for value in points.values()]
    chart = Chart(linear(epochs, 0.06), linear(values, 0.12), ("{step}", named[0]), ("epoch", named[1]))
    marks = []
    for place, (letter, points) in enumerate(curves.items()):
        dashed = " h" if place >= len(LINES) else ""
        xs, ys = list(points), list(points.values())
        chart.line([float(x) for x in xs], ys, LINES[place % len(LINES)] + dashed)
        marks.append(Mark(xs[-1], ys[-1], f"{letter}: {show(ys[-1], named[0])}", DOTS[place % len(DOTS)], letter))
    chart.points(marks)
    return chart


def _curve_table(curves: Mapping[str, dict[int, float]], unit: str, case: str) -> Table:
    epochs = sorted({epoch for points in curves.values() for epoch in points})
    columns = (Column("Epoch", "number"), *(Column(letter, "number") for letter in curves))
    rows = tuple(
        Row((Cell(str(epoch), sort=epoch), *(_at(points.get(epoch), unit) for points in curves.values())), case)
        for epoch in epochs
    )
    return Table(columns, rows)


def _at(value: float | None, unit: str) -> Cell:
    if value is None:
        return Cell("n/a", note="not evaluated then", tone="muted", sort=-math.inf)
    return Cell(show(value, unit), sort=value)
