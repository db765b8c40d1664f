"""Per case: quality with its interval and what was published, then speed, memory and size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from harness.report._base import Block, Cell, Column, Paragraph, Row, Section, Table
from harness.report._cells import constant_cell, mean_cell, number_cell, signed
from harness.report._data import ReportData
from harness.suite import Case
from harness.units import show

QUALITY = ("macro_f1", "test_loss")
COST = ("train_throughput", "step_time_median", "host_peak_memory", "cuda_peak_allocated", "train_time", "time_to_target")
OPTIONAL = ("cuda_peak_allocated", "time_to_target")
"""Left out where no case has a value."""
EXACT = ("parameters", "train_flops_per_sample")


def _build(data: ReportData) -> Sequence[Block]:
    if not data.cases:
        return [Paragraph("The suite holds no case.", "warn")]
    if not data.trainings:
        return [Paragraph(f"Nothing is trained: each of the {len(data.cases)} cases is an experiment.", "muted")]
    return [_quality(data), _cost(data)]


def _quality(data: ReportData) -> Table:
    primaries = {data.primary(case) for case in data.trainings}
    others = [name for name in QUALITY if name not in primaries]
    others += sorted({name for case in data.trainings for name in (*case.published, *case.targets)} - {*primaries, *others})
    mixed = len(primaries) > 1
    score = "Score" if mixed else data.title(next(iter(primaries)))
    columns = (
        Column("Case"),
        Column("Data"),
        Column("Seeds ok", "number", "Seeds whose runs all succeeded, of those declared"),
        *([Column("Metric", choose=True)] if mixed else []),
        Column(score, "number", "Mean over seeds; below it the 95 % t interval of that mean"),
        Column("Published", "number", "What the article or paper reports"),
        Column("Difference", "number", "Our mean minus the published value"),
        Column("Target", "number", "The threshold that the case declares"),
        *(Column(data.title(name), "number", "Mean over seeds") for name in others),
    )
    rows = tuple(Row(_quality_cells(data, case, others, mixed), case.name) for case in data.trainings)
    return Table(columns, rows, "Quality: mean over seeds with its 95 % t interval, beside what was published")


def _quality_cells(data: ReportData, case: Case, others: Sequence[str], mixed: bool) -> tuple[Cell, ...]:
    primary = data.primary(case)
    sample = data.sample(case.name, primary)
    interval = sample.interval
    return (
        case_cell(case),
        Cell(case.data.name, badge=data.origin(case)),
        _seeds_cell(data, case),
        *([Cell(data.title(primary))] if mixed else []),
        mean_cell(sample, interval),
        _declared(case.published.get(primary), sample.unit),
        _difference(sample.mean, case.published.get(primary), interval, sample.unit),
        _target(case.targets.get(primary), sample.mean, data.direction(primary), sample.unit),
        *(_other(data, case, name) for name in others),
    )


def case_cell(case: Case) -> Cell:
    """Return a case's name, with its model below where the name does not tell it."""
    return Cell(case.name, sub="" if case.model.name == case.name else case.model.name, note=case.why)


def _seeds_cell(data: ReportData, case: Case) -> Cell:
    ok, declared = data.seeds_ok(case), len(case.seeds)
    return Cell(f"{ok}/{declared}", sort=ok / declared, tone="plain" if ok == declared else "bad" if ok == 0 else "warn")


def _declared(value: float | None, unit: str) -> Cell:
    return number_cell(value, unit) if value is not None else Cell("–", sort=float("-inf"), tone="muted")


def _difference(mean: float | None, published: float | None, interval: tuple[float, float] | None, unit: str) -> Cell:
    if published is None:
        return _declared(None, unit)
    if mean is None:
        return number_cell(None, unit, "no mean to compare")
    inside = (
        "" if interval is None else "in the interval" if interval[0] <= published <= interval[1] else "outside the interval"
    )
    return Cell(signed(mean - published, unit), sort=mean - published, sub=inside)


def _target(target: float | None, mean: float | None, direction: str, unit: str) -> Cell:
    if target is None or mean is None:
        return _declared(target, unit)
    reached = mean <= target if direction == "lower" else mean >= target
    return Cell(
        show(target, unit), sort=target, sub="reached" if reached else "not reached", tone="good" if reached else "warn"
    )


def _other(data: ReportData, case: Case, metric: str) -> Cell:
    cell = mean_cell(data.sample(case.name, metric))
    known = {"published": case.published.get(metric), "target": case.targets.get(metric)}
    words = [f"{word} {show(value, data.unit(metric))}" for word, value in known.items() if value is not None]
    return replace(cell, sub=", ".join([*words, *([cell.sub] if cell.sub else [])]))


def _cost(data: ReportData) -> Table:
    metrics = [
        name for name in COST if name not in OPTIONAL or any(data.sample(case.name, name).values for case in data.trainings)
    ]
    columns = (
        Column("Case"),
        *(Column(data.title(name), "number", "Mean over runs") for name in metrics),
        *(Column(data.title(name), "number", "Exact: the same in every run") for name in EXACT),
    )
    rows = tuple(
        Row(
            (
                case_cell(case),
                *(mean_cell(data.sample(case.name, name)) for name in metrics),
                *(constant_cell(data.sample(case.name, name)) for name in EXACT),
            ),
            case.name,
        )
        for case in data.trainings
    )
    return Table(columns, rows, "Cost: speed, memory and size")


SECTION = Section("Cases", 20, _build, markdown="shown")
