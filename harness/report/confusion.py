"""What was taken for what: the classes of each case, summed over its seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.report._base import Block, Cell, Column, Figure, Paragraph, Row, Section, Table
from harness.report._charts import heat
from harness.report._chosen import chosen, left_out
from harness.report._data import ReportData
from harness.suite import Case

MOST_CLASSES = 40
"""Classes that a drawing has room for."""
WORST = 12
"""Confusions that stand in the table behind a drawing."""

NOTE = (
    "Test samples of all seeds. Row: what it was. Column: what it was taken for. The stronger the colour, the larger the share "
    "of the row."
)

Counts = Mapping[tuple[int, int], int]


def _build(data: ReportData) -> Sequence[Block]:
    held = [case for case in data.cases if data.confusion_of(case.name)]
    drawn = chosen(data, held)
    figures = [_figure(case, data.confusion_of(case.name)) for case in drawn]
    return [Paragraph(NOTE, "muted"), *left_out(len(drawn), len(held)), *figures] if figures else []


def _figure(case: Case, counts: Counts) -> Figure:
    classes = sorted({name for pair in counts for name in pair})[:MOST_CLASSES]
    worst = confused(counts)
    total, wrong = sum(counts.values()), sum(count for _, _, count in worst)
    words = f"{total - wrong:,} of {total:,} right"
    words += f"; most often {worst[0][0]} was taken for {worst[0][1]}, {worst[0][2]:,} times" if worst else ""
    alt = f"Confusions of {case.name}: {words}."
    rows = [[counts.get((label, predicted), 0) for predicted in classes] for label in classes]
    return Figure(
        case.name, heat(alt, [str(name) for name in classes], rows), alt, _table(case, counts, worst), f"{words}.", case.name
    )


def confused(counts: Counts) -> list[tuple[int, int, int]]:
    """Return (class, what it was taken for, how often) of what was taken wrongly, the commonest first."""
    wrong = [(label, predicted, count) for (label, predicted), count in counts.items() if label != predicted and count]
    return sorted(wrong, key=lambda entry: (-entry[2], entry[0], entry[1]))


def _table(case: Case, counts: Counts, worst: Sequence[tuple[int, int, int]]) -> Table:
    columns = (
        Column("Class", "number"),
        Column("Taken for", "number"),
        Column("Times", "number"),
        Column("Of the class", "number"),
    )
    totals: dict[int, int] = {}
    for (label, _), count in counts.items():
        totals[label] = totals.get(label, 0) + count
    rows = tuple(
        Row(
            (
                Cell(str(label), sort=label),
                Cell(str(predicted), sort=predicted),
                Cell(f"{count:,}", sort=count),
                Cell(f"{100 * count / totals[label]:.1f} %", sort=count / totals[label]),
            ),
            case.name,
        )
        for label, predicted, count in worst[:WORST]
    )
    return Table(columns, rows, empty="Every sample was told right.")


SECTION = Section("Confusions", 47, _build, markdown="left out")
