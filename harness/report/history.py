"""Each case over the suite's earlier run sets: where a score or a step's time changed, and how far it has come."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from harness.errors import ResultsError
from harness.history import History, read_history
from harness.report._base import Block, Cell, Column, Paragraph, Row, Section, Table
from harness.report._cells import number_cell
from harness.report._charts import spark
from harness.report._data import ReportData
from harness.results import RunSet, Side, sides
from harness.units import show

if TYPE_CHECKING:
    from pathlib import Path

    from harness.report._data import Frame

MOST_SETS = 16
"""Run sets that are looked back on, this one included; `harness history` shows all."""
LEAST_POINTS = 2
MACHINE = "step_time_median"

NOTE = (
    "The mean of each run set, oldest first, up to this one. Upright line: the mean changed there, by two per cent or more and "
    "significantly (of an exact metric: at all). Pale dot: cannot be compared with this run set, and takes no part."
)


def _build(data: ReportData) -> Sequence[Block]:
    if not data.earlier:
        return []
    metrics = {data.primary(case) for case in data.cases} | {MACHINE}
    held = list(_held(data, metrics))
    found = [
        history
        for case in data.cases
        for metric in dict.fromkeys((data.primary(case), MACHINE))
        if (history := read_history(held, case.name, metric)) and len(history.points) >= LEAST_POINTS
    ]
    if not found:
        return []
    columns = (
        Column("Case"),
        Column("Metric", choose=True),
        Column("Over time", "plot", NOTE),
        Column("First", "number"),
        Column("Now", "number"),
        Column("Change", "number", "Now against the first that can be compared"),
        Column("Run sets", "number", "Those that can be compared, of those that have a value"),
        Column("Changes", "text", "Where the mean changed"),
    )
    rows = tuple(Row(_cells(data, history), history.case) for history in found)
    changed = sum(bool(history.changes) for history in found)
    of_all = f", the last of {len(data.earlier) + 1}" if len(data.earlier) >= MOST_SETS else ""
    words = f"{len(held)} run sets{of_all}; {changed or 'none'} of {len(found)} series changed"
    return [Table(columns, rows, words), Paragraph(NOTE, "muted")]


class _Narrow(RunSet):
    """A run set of whose measurements only some metrics are read: a history of two needs no more."""

    def __init__(self, path: Path, metrics: set[str]) -> None:
        super().__init__(path)
        self._metrics = metrics

    def table(self, name: str, columns: Sequence[str] | None = None) -> Frame:
        """Return a table; of measurements, the rows of these metrics."""
        rows = super().table(name, columns)
        return rows[rows["metric"].isin(self._metrics)] if name == "measurements" else rows


def _held(data: ReportData, metrics: set[str]) -> Iterator[tuple[RunSet, Mapping[str, Side]]]:
    """Yield the run sets looked back on, this one last; one that cannot be read is passed over."""
    for path in [*(run_set.path for run_set in data.earlier[-MOST_SETS + 1 :]), data.path]:
        try:
            run_set = _Narrow(path, metrics)
            yield run_set, sides(run_set)
        except ResultsError:
            continue


def _cells(data: ReportData, history: History) -> tuple[Cell, ...]:
    means = [point.mean for point in history.points]
    apart = {index for index, point in enumerate(history.points) if point.apart}
    compared = [mean for index, mean in enumerate(means) if index not in apart]
    title = data.title(history.metric)
    now, first = show(compared[-1], history.unit), show(compared[0], history.unit)
    changes = [_words(history, change.at, change.change) for change in history.changes]
    alt = (
        f"{title} of {history.case} over {len(compared)} run sets: from {first} to {now}. {'; '.join(changes) or 'No change'}."
    )
    drawn = spark(alt, means, {change.at for change in history.changes}, apart)
    return (
        Cell(history.case),
        Cell(title),
        Cell("", sort=len(changes), plot=drawn),
        number_cell(compared[0], history.unit),
        number_cell(compared[-1], history.unit),
        _change(compared),
        Cell(f"{len(compared)} of {len(means)}", sort=len(compared)),
        Cell("; ".join(changes) or "none", tone="warn" if changes else "muted"),
    )


def _change(compared: Sequence[float]) -> Cell:
    first, now = compared[0], compared[-1]
    if len(compared) < LEAST_POINTS:
        return number_cell(None, "%", "no earlier run set can be compared")
    if not first or not math.isfinite(now / first):
        return number_cell(None, "%", "no relative change from zero")
    change = 100 * (now - first) / abs(first)
    return Cell(f"{change:+.1f} %".replace("-", "−"), sort=change)


def _words(history: History, at: int, change: float) -> str:
    word = "worse" if history.worse(change) else "better" if history.worse(-change) else "changed"
    return f"{word} by {100 * abs(change):.1f} % from {history.points[at].run_set.partition('/')[2]}"


SECTION = Section("History", 67, _build, markdown="left out")
