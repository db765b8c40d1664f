"""Per case: how far its seeds lie apart, on one axis a score; per training: its status and quality."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from harness.report._base import Block, Cell, Column, Paragraph, Row, Section, Table
from harness.report._cells import cells_of, mean_cell, number_cell, range_text, status_cell
from harness.report._charts import Strip, spanning
from harness.report._data import ReportData
from harness.report._sample import Sample
from harness.stats import summarise
from harness.suite import Case
from harness.units import show

METRICS = ("macro_f1", "test_loss", "train_time", "step_time_median")

NOTE = "Small dots: seeds. Bar: 95 % t interval of their mean. Large dot: mean. Diamond: published."


def _build(data: ReportData) -> Sequence[Block]:
    strips = [_strips(data, metric, cases) for metric, cases in _by_metric(data).items()]
    note: list[Block] = [Paragraph(NOTE, "muted")] if strips else []
    return [*note, *strips, _table(data)]


def _by_metric(data: ReportData) -> dict[str, list[tuple[Case, Sample]]]:
    """Return primary metric -> its cases with a value, the metric of most cases first."""
    found: dict[str, list[tuple[Case, Sample]]] = {}
    for case in data.trainings:
        sample = data.sample(case.name, data.primary(case))
        if sample.mean is not None:
            found.setdefault(data.primary(case), []).append((case, sample))
    return dict(sorted(found.items(), key=lambda entry: -len(entry[1])))


def _strips(data: ReportData, metric: str, found: Sequence[tuple[Case, Sample]]) -> Table:
    unit, title = data.unit(metric), data.title(metric)
    shown = [value for case, sample in found for value in _drawn(case, metric, sample)]
    strip = Strip(spanning(shown, 0.03), unit, 2600, 5)
    columns = (
        Column("Case"),
        Column("Seeds", "plot", NOTE, axis=strip.head(f"Axis: {title}.")),
        Column("Mean", "number", "Below it the 95 % t interval"),
        Column("Spread", "number", "Standard deviation over seeds"),
        Column("Lowest", "number"),
        Column("Highest", "number"),
        Column("Seeds", "number"),
    )
    rows = tuple(Row(_strip_cells(strip, case, metric, sample, title), case.name) for case, sample in found)
    return Table(columns, rows, f"{title} of each seed")


def _drawn(case: Case, metric: str, sample: Sample) -> Iterable[float]:
    """Yield what must have a place on the axis: seeds and published value; an interval of two seeds would flatten the rest."""
    yield from sample.values.values()
    if metric in case.published:
        yield case.published[metric]


def _strip_cells(strip: Strip, case: Case, metric: str, sample: Sample, title: str) -> tuple[Cell, ...]:
    values, interval, published = list(sample.values.values()), sample.interval, case.published.get(metric)
    mean = sample.mean if sample.mean is not None else math.nan
    pieces = [strip.guides(), *([strip.bar(*interval)] if interval else [])]
    pieces += [strip.dots(values), strip.dot(mean)]
    pieces += [strip.diamond(published)] if published is not None else []
    spread = summarise(values).sd if len(values) > 1 else None
    return (
        Cell(case.name),
        Cell("", sort=mean, plot=strip.row(f"{title} of {case.name}. {_describe(sample, published)}", *pieces)),
        mean_cell(sample, interval),
        number_cell(spread, sample.unit, "one seed has no spread"),
        number_cell(min(values), sample.unit),
        number_cell(max(values), sample.unit),
        Cell(f"{len(values)}", sort=len(values)),
    )


def _describe(sample: Sample, published: float | None) -> str:
    interval = sample.interval
    words = [f"Mean {show(sample.mean, sample.unit)} over {len(sample.values)} seed{'s' if len(sample.values) > 1 else ''}"]
    words += [f"95 % interval {range_text(*interval, sample.unit)}"] if interval else []
    words += [f"published {show(published, sample.unit)}"] if published is not None else []
    return ", ".join(words) + "."


def _table(data: ReportData) -> Table:
    primaries = {data.primary(case) for case in data.cases}
    metrics = [name for name in METRICS if name not in primaries]
    columns = (
        Column("Case"),
        Column("Seed", "number"),
        Column("Status", choose=True),
        Column(data.title(primaries.pop()) if len(primaries) == 1 else "Score", "number"),
        *(Column(data.title(name), "number") for name in metrics),
        Column("Whole run", "number", "Wall time of the run's process"),
    )
    rows = [row for case in data.cases for seed in _seeds(data, case) for row in _rows(data, case, seed, metrics)]
    return Table(columns, tuple(rows), "Every training", "No run is stored and the suite declares none.")


def _seeds(data: ReportData, case: Case) -> list[int]:
    """Return the declared seeds, then those that ran without being declared any more."""
    ran = sorted({int(run["seed"]) for run in data.runs_of(case.name)} - set(case.seeds))
    return [*case.seeds, *ran]


def _rows(data: ReportData, case: Case, seed: int, metrics: Sequence[str]) -> list[Row]:
    runs = data.runs_of(case.name, seed)
    rows = [
        Row(
            (
                Cell(case.name),
                _seed_cell(case, run),
                status_cell(run["status"], run["reason"] or ""),
                *cells_of(data, run, (data.primary(case), *metrics)),
                number_cell(run["seconds"], "s"),
            ),
            case.name,
        )
        for run in runs
    ]
    return rows or [_missing(case, seed, 2 + len(metrics))]


def _seed_cell(case: Case, run: dict[str, Any]) -> Cell:
    extra = [f"repeat {run['repeat']}"] if case.repeats > 1 else []
    extra += [f"{run['arm']}, restart {run['restart']}"] if run["arm"] != "solo" else []
    return Cell(str(run["seed"]), sort=run["seed"], sub=", ".join(extra))


def _missing(case: Case, seed: int, width: int) -> Row:
    lacking = number_cell(None, "1", "declared, but no such run is stored")
    status = status_cell("missing", "declared, but not run")
    return Row((Cell(case.name), Cell(str(seed), sort=seed), status, *[lacking] * width), case.name)


SECTION = Section("Seeds", 30, _build, markdown="left out")
