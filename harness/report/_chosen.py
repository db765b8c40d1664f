"""Which cases are drawn where a suite has too many: drawings are bounded, tables and numbers are not."""

from __future__ import annotations

from collections.abc import Sequence

from harness.report._base import Block, Paragraph
from harness.report._data import ReportData
from harness.suite import Case

MOST = 60
"""Cases that a section draws one by one."""


def chosen(data: ReportData, cases: Sequence[Case], most: int = MOST) -> list[Case]:
    """Return the cases to draw, in the suite's order: all, or first those with a run or a gated number that is not well."""
    if len(cases) <= most:
        return list(cases)
    grave = {found.case for found in data.judgements if found.level != "info" and found.verdict != "same"}
    grave |= {str(run["case"]) for run in data.records if run["status"] != "ok"}
    ordered = sorted(cases, key=lambda case: case.name not in grave)
    kept = {case.name for case in ordered[:most]}
    return [case for case in cases if case.name in kept]


def left_out(drawn: int, count: int) -> list[Block]:
    """Return what to say of cases that are not drawn."""
    if drawn >= count:
        return []
    words = f"{drawn} of {count} cases are drawn, those with something amiss first; the others' numbers are in the tables,"
    return [Paragraph(f"{words} and in the Parquet files beside this report.", "muted")]
