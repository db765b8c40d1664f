"""Any number of run sets beside one another, as a table for a terminal, or for other programs."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from harness.errors import UsageError, nearest

if TYPE_CHECKING:
    from harness.catalog import Catalog
    from harness.verdicts import Entry, Holder, Line

USUAL = ("train_throughput", "host_peak_memory")
"""Metrics shown, beside the primary score of a case, where none is asked for: what it takes, in time and in memory."""
SETS = ("set", "run set", "suite", "made", "commit", "machine", "versions")
NOTE = "* best mean. Differences are from A, each with its own 95 % interval; those of times and memory are relative."


def metrics_of(
    holders: Sequence[Holder],
    wanted: Sequence[str],
    catalog: Catalog,
    scores: bool = False,
    others: Sequence[str] = USUAL,
) -> dict[str, list[str]]:
    """Return each case's metrics to show: those that the patterns name, in their order, or the usual ones.

    Args:
        holders: the run sets.
        wanted: names or patterns; none for the usual ones.
        catalog: whose tasks say which score is the primary one.
        scores: whether all scores are usual, and not just the primary one.
        others: what else is usual.

    Raises:
        UsageError: a pattern names nothing that any of the run sets measured.
    """
    from harness.verdicts import all_cases

    held = {case: _held(holders, case) for case in all_cases(holders)}
    every = sorted({metric for metrics in held.values() for metric in metrics})
    for pattern in wanted:
        if not any(fnmatchcase(metric, pattern) for metric in every):
            raise UsageError(f"--metric: none of the run sets measured {pattern!r}{nearest(pattern, every)}")
    if wanted:
        return {
            case: list(dict.fromkeys(metric for pattern in wanted for metric in metrics if fnmatchcase(metric, pattern)))
            for case, metrics in held.items()
        }
    usual = {case: (*_primary(holders, case, catalog), *(_scores(holders, case) if scores else ()), *others) for case in held}
    return {case: [name for name in dict.fromkeys(names) if name in held[case]] for case, names in usual.items()}


def _held(holders: Sequence[Holder], case: str) -> list[str]:
    sides = [holder.sides[case] for holder in holders if case in holder.sides]
    return sorted({metric for side in sides for metric in side.metrics})


def _primary(holders: Sequence[Holder], case: str, catalog: Catalog) -> list[str]:
    """Return the score that decides first for a case's task; of an experiment or a script, whatever it gave for a score."""
    side = next(holder.sides[case] for holder in holders if case in holder.sides)
    task = str((side.specification.get("task") or {}).get("name", ""))
    part = catalog.parts("tasks").get(task)
    if part is not None and "primary" in part.fields:
        return [str(part.fields["primary"])]
    return _scores(holders, case)


def _scores(holders: Sequence[Holder], case: str) -> list[str]:
    """Return the quality metrics that any of the run sets has a number of."""
    sides = [holder.sides[case] for holder in holders if case in holder.sides]
    held = [(name, series) for side in sides for name, series in side.metrics.items()]
    return sorted({name for name, series in held if series.metric_class == "quality" and series.numbers})


def print_several(holders: Sequence[Holder], lines: Sequence[Line], form: str) -> None:
    """Print the comparison: `table` for a terminal, or csv, json, markdown."""
    if form == "csv":
        print(to_csv(holders, lines), end="")
    elif form == "json":
        print(json.dumps(to_plain(holders, lines), indent=1, allow_nan=False))
    elif form == "markdown":
        print("\n".join(to_markdown(holders, lines)))
    else:
        from harness.cli._table import print_table

        print_table(SETS, set_rows(holders))
        print()
        columns = columns_of(len(holders))
        print_table(columns, map(cells, lines), right=columns[2:-1])
        print(NOTE)


def set_rows(holders: Sequence[Holder]) -> Iterator[tuple[str, ...]]:
    """Yield what each of the run sets is."""
    from harness.verdicts import label

    for index, holder in enumerate(holders):
        made = holder.made_utc[:19].replace("T", " ")
        commits = ", ".join(commit[:12] for commit in holder.commits) + ("+" if holder.dirty else "")
        suite = f"{holder.suite} {holder.version}"
        yield label(index), holder.name, suite, made, commits or "-", machines(holder) or "-", versions(holder) or "-"


def machines(holder: Holder) -> str:
    """Return the machines that a run set ran on, by what a reader knows them by."""
    fields = ("cpu", "cpus_usable", "gpu")
    found = {tuple(side.machine.get(field, "") for field in fields) for side in holder.sides.values()}
    return "; ".join(_machine(*machine) for machine in sorted(found) if any(machine))


def _machine(cpu: str, usable: str, gpu: str) -> str:
    count = f" ({usable} CPUs)" if usable else ""
    return f"{cpu}{count}" + (f", {gpu}" if gpu and gpu != "none" else "")


def versions(holder: Holder) -> str:
    """Return the versions of Python and torch that a run set ran under."""
    return "; ".join(sorted({side.version_key for side in holder.sides.values()} - {""}))


def columns_of(count: int) -> tuple[str, ...]:
    """Return the names of the table's columns: A, B, B − A, C, C − A, …"""
    from harness.verdicts import label

    others = (name for index in range(1, count) for name in (label(index), f"{label(index)} − A"))
    return ("case", "metric", "A", *others, "note")


def cells(line: Line) -> tuple[str, ...]:
    """Return a line's cells."""
    from harness.verdicts import difference_text, label, value_text

    first, *others = line.entries
    pairs = (text for entry in others for text in (value_text(line, entry), difference_text(line, entry)))
    reasons: dict[str, list[str]] = {}
    for index, entry in enumerate(line.entries):
        if entry.reason:
            reasons.setdefault(entry.reason, []).append(label(index))
    why = "; ".join(f"{', '.join(labels)}: {reason}" for reason, labels in reasons.items())
    return line.case, line.metric, value_text(line, first), *pairs, why


def to_plain(holders: Sequence[Holder], lines: Sequence[Line]) -> dict[str, Any]:
    """Return the comparison as plain data, numbers with every digit."""
    from harness.verdicts import label

    return {
        "sets": [
            {
                "set": label(index),
                "name": holder.name,
                "suite": holder.suite,
                "version": holder.version,
                "made_utc": holder.made_utc,
                "commits": list(holder.commits),
                "dirty": holder.dirty,
                "machine": machines(holder),
                "versions": versions(holder),
            }
            for index, holder in enumerate(holders)
        ],
        "rows": [
            {
                "case": line.case,
                "metric": line.metric,
                "unit": line.unit,
                "direction": line.direction,
                "class": line.metric_class,
                "relative": line.relative,
                "entries": [{"set": label(index)} | asdict(entry) for index, entry in enumerate(line.entries)],
            }
            for line in lines
        ],
    }


def to_csv(holders: Sequence[Holder], lines: Sequence[Line]) -> str:
    """Return the comparison as tidy rows: one for each case, metric and run set; nothing stands for null."""
    from harness.verdicts import Entry

    named = ("case", "metric", "unit", "direction", "class", "set", "run_set")
    columns = (*named, *Entry.__dataclass_fields__)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for line in lines:
        writer.writerows(_csv_row(holders, line, index, entry) for index, entry in enumerate(line.entries))
    return text.getvalue()


def _csv_row(holders: Sequence[Holder], line: Line, index: int, entry: Entry) -> list[object]:
    from harness.verdicts import label

    of_line = [line.case, line.metric, line.unit, line.direction, line.metric_class, label(index), holders[index].name]
    return [*of_line, *("" if value is None else value for value in asdict(entry).values())]


def to_markdown(holders: Sequence[Holder], lines: Sequence[Line]) -> Iterator[str]:
    """Yield the lines of two tables in GitHub's Markdown: what the run sets are, and their numbers."""
    columns = columns_of(len(holders))
    yield from _table(SETS, list(set_rows(holders)), set())
    yield ""
    yield from _table(columns, [cells(line) for line in lines], set(columns[2:-1]))
    yield ""
    yield NOTE.replace("*", "\\*", 1)


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]], right: set[str]) -> Iterator[str]:
    yield f"| {' | '.join(columns)} |"
    yield f"|{'|'.join('--:' if name in right else '---' for name in columns)}|"
    for row in rows:
        yield f"| {' | '.join(_escaped(cell) for cell in row)} |"


def _escaped(cell: str) -> str:
    """Return a cell that Markdown shows as it is."""
    text = cell.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    for mark in "\\`*|[]":
        text = text.replace(mark, f"\\{mark}")
    return " ".join(text.split())
