"""What could not be measured, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from harness.report._base import Block, Cell, Column, Paragraph, Row, Section, Table
from harness.report._data import ReportData
from harness.report._sample import explain, text_of


def _build(data: ReportData) -> Sequence[Block]:
    rows = data.measurements[data.measurements["value"].isna() & data.measurements["value_text"].isna()]
    if not len(data.measurements):
        return [Paragraph("Nothing is measured yet.", "muted")]
    if not len(rows):
        return [Paragraph("Every metric has a value in every run that succeeded.", "good")]
    counts = Counter((metric, text_of(reason)) for metric, reason in zip(rows["metric"], rows["null_reason"], strict=True))
    held = Counter(data.measurements["metric"])
    columns = (Column("Metric"), Column("Reason"), Column("Code", "code"), Column("Runs", "number", "Runs without a value"))
    table = Table(
        columns,
        tuple(
            Row(
                (
                    Cell(data.title(metric), sub=metric if data.title(metric) != metric else ""),
                    Cell(explain(reason)),
                    Cell(reason.split(":")[0] or "not_finite"),
                    Cell(f"{count} of {held[metric]}", sort=count),
                )
            )
            for (metric, reason), count in sorted(counts.items())
        ),
        "Metrics without a value",
    )
    return [Paragraph("A value that could not be measured is null with a reason, never 0 and never a stand-in."), table]


SECTION = Section("Not measured", 80, _build, markdown="left out")
