"""What a step does, counted: free of noise, so that a change of one part in a thousand shows."""

from __future__ import annotations

from collections.abc import Sequence

from harness.report._base import Block, Cell, Column, Paragraph, Row, Section, Table
from harness.report._cells import mean_cell
from harness.report._data import ReportData

METRICS = (
    "train_flops_per_sample",
    "aten_operations_per_step",
    "allocated_bytes_per_step",
    "python_calls_per_step",
    "bytecodes_per_step",
)

NOTE = "Counted over a few steps in a process of its own. Equal code gives equal counts, whatever else the machine does."


def _build(data: ReportData) -> Sequence[Block]:
    held = [name for name in METRICS if any(data.sample(case.name, name).values for case in data.trainings)]
    if not held:
        return [Paragraph("Nothing is counted: no case asks for the pass `counters`, or none of its runs succeeded.", "muted")]
    columns = (Column("Case"), *(Column(data.title(name), "number") for name in held))
    rows = tuple(
        Row((Cell(case.name), *(mean_cell(data.sample(case.name, name)) for name in held)), case.name)
        for case in data.trainings
    )
    return [Table(columns, rows), Paragraph(NOTE, "muted")]


SECTION = Section("Exact counters", 55, _build, markdown="left out")
