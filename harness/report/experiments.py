"""What the experiments gave: every outcome of every case, with its interval over seeds."""

from __future__ import annotations

from collections.abc import Sequence

from harness.report._base import Block, Cell, Column, Row, Section, Table
from harness.report._cells import mean_cell, number_cell
from harness.report._data import ReportData
from harness.stats import summarise
from harness.suite import Case


def _build(data: ReportData) -> Sequence[Block]:
    cases = [case for case in data.cases if case.experiment is not None]
    if not cases:
        return []
    columns = (
        Column("Case"),
        Column("Experiment", choose=True),
        Column("Outcome", "code"),
        Column("Mean", "number", "Mean over seeds; below it the 95 % t interval of that mean"),
        Column("Spread", "number", "Standard deviation over seeds"),
        Column("Lowest", "number"),
        Column("Highest", "number"),
        Column("Seeds", "number"),
    )
    rows = tuple(row for case in cases for row in _rows(data, case))
    return [Table(columns, rows, f"{len(cases)} experiments", "No experiment has been run yet.")]


def _rows(data: ReportData, case: Case) -> list[Row]:
    return [Row(_cells(data, case, outcome), case.name) for outcome in data.outcomes_of(case.name)]


def _cells(data: ReportData, case: Case, outcome: str) -> tuple[Cell, ...]:
    sample = data.sample(case.name, outcome)
    values = list(sample.values.values())
    spread = summarise(values).sd if len(values) > 1 else None
    return (
        Cell(case.name, note=case.why),
        Cell(case.experiment.name if case.experiment else ""),
        Cell(outcome),
        mean_cell(sample, sample.interval),
        number_cell(spread, sample.unit, "fewer than two seeds have a value"),
        *(number_cell(fold(values) if values else None, sample.unit, sample.reason) for fold in (min, max)),
        Cell(f"{len(values)}", sort=len(values)),
    )


SECTION = Section("Experiments", 28, _build, markdown="left out")
