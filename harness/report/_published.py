"""How far means are from what was published, as a table with one axis."""

from __future__ import annotations

import math

from harness.report._base import Cell, Column, Row, Table
from harness.report._cells import number_cell, range_text, signed
from harness.report._charts import Strip, linear
from harness.report._data import ReportData
from harness.report._sample import Sample
from harness.suite import Case


def furthest(data: ReportData, most: int) -> Table | None:
    """Return the cases whose primary score is furthest from the published value, of one metric; None where none has one."""
    found = [
        (data.primary(case), case, sample, case.published[data.primary(case)])
        for case in data.cases
        if data.primary(case) in case.published
        for sample in [data.sample(case.name, data.primary(case))]
        if sample.mean is not None
    ]
    if not found:
        return None
    metrics = [metric for metric, *_ in found]
    metric = max(sorted(set(metrics)), key=metrics.count)
    rows = [(case, sample, published) for name, case, sample, published in found if name == metric]
    rows.sort(key=lambda row: (-abs((row[1].mean or 0.0) - row[2]), row[0].name))
    return _table(data, metric, rows[:most], len(rows))


def _table(data: ReportData, metric: str, rows: list[tuple[Case, Sample, float]], count: int) -> Table:
    unit, title = data.unit(metric), data.title(metric)
    ends = [
        end - published
        for _, sample, published in rows
        for end in (sample.mean or 0.0, *(sample.interval or ()))
        if math.isfinite(end)
    ]
    strip = Strip(linear([0.0, *ends]), unit)
    columns = (
        Column("Case"),
        Column("Mean − published", "plot", axis=strip.head(f"Axis: {title} minus what was published.")),
        Column("Difference", "number"),
        Column(title, "number"),
        Column("Published", "number"),
    )
    listed = tuple(Row(_cells(strip, case, sample, published, title), case.name) for case, sample, published in rows)
    return Table(columns, listed, f"What is furthest from what was published, of {count} cases")


def _cells(strip: Strip, case: Case, sample: Sample, published: float, title: str) -> tuple[Cell, ...]:
    mean = sample.mean or 0.0
    difference = signed(mean - published, sample.unit)
    pieces = [strip.lines(0.0)]
    pieces += [strip.bar(sample.interval[0] - published, sample.interval[1] - published)] if sample.interval else []
    alt = f"{title} of {case.name}: {difference} from what was published."
    return (
        Cell(case.name),
        Cell("", sort=mean - published, plot=strip.row(alt, *pieces, strip.dot(mean - published))),
        Cell(
            difference,
            sort=mean - published,
            sub=" to ".join(signed(end - published, sample.unit) for end in sample.interval or ()),
        ),
        number_cell(mean, sample.unit)
        if not sample.interval
        else Cell(number_cell(mean, sample.unit).text, sort=mean, sub=range_text(*sample.interval, sample.unit)),
        number_cell(published, sample.unit),
    )
