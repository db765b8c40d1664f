"""Per case: quality with its interval and what was published, then speed, memory and size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from harness.report._base import Block, Cell, Column, Figure, Paragraph, Row, Section, Table
from harness.report._cells import constant_cell, mean_cell, number_cell, range_text, signed
from harness.report._data import ReportData
from harness.report._plot import INK, MAIN, REFERENCE, format_axis, plot
from harness.suite import Case
from harness.units import show

if TYPE_CHECKING:
    from matplotlib.axes import Axes

QUALITY = ("macro_f1", "test_loss")
COST = ("train_throughput", "step_time_median", "host_peak_memory", "cuda_peak_allocated", "train_time", "time_to_target")
OPTIONAL = ("cuda_peak_allocated", "time_to_target")
"""Left out where no case has a value."""
EXACT = ("parameters", "train_flops_per_sample")


def _build(data: ReportData) -> Sequence[Block]:
    if not data.cases:
        return [Paragraph("The suite holds no case.", "warn")]
    figure = _overview(data)
    return [_quality(data), _cost(data), *([figure] if figure else [])]


def _quality(data: ReportData) -> Table:
    primaries = {data.primary(case) for case in data.cases}
    others = [name for name in QUALITY if name not in primaries]
    others += sorted({name for case in data.cases for name in (*case.published, *case.targets)} - {*primaries, *others})
    score = data.title(primaries.pop()) if len(primaries) == 1 else "Score"
    columns = (
        Column("Case"),
        Column("Data"),
        Column("Seeds ok", "number", "Seeds whose runs all succeeded, of those declared"),
        Column(score, "number", "Mean over seeds; below it the 95 % t interval of that mean"),
        Column("Published", "number", "What the article or paper reports"),
        Column("Difference", "number", "Our mean minus the published value"),
        Column("Target", "number", "The threshold that the case declares"),
        *(Column(data.title(name), "number", "Mean over seeds") for name in others),
    )
    mixed = len({data.primary(case) for case in data.cases}) > 1
    rows = tuple(Row(_quality_cells(data, case, others, mixed), case.name) for case in data.cases)
    return Table(columns, rows, "Quality: mean over seeds with its 95 % t interval, beside what was published")


def _quality_cells(data: ReportData, case: Case, others: Sequence[str], mixed: bool) -> tuple[Cell, ...]:
    primary = data.primary(case)
    sample = data.sample(case.name, primary)
    interval = sample.interval
    score = mean_cell(sample, interval)
    if mixed:  # the column's title does not tell which score it is
        score = replace(score, sub=", ".join(filter(None, (data.title(primary), score.sub))))
    return (
        case_cell(case),
        Cell(case.data.name, badge=data.origin(case)),
        _seeds_cell(data, case),
        score,
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
    metrics = [name for name in COST if name not in OPTIONAL or any(data.sample(case.name, name).values for case in data.cases)]
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
        for case in data.cases
    )
    return Table(columns, rows, "Cost: speed, memory and size")


def _overview(data: ReportData) -> Figure | None:
    """One line a case: mean, interval and published value of the primary metric, where all cases share it."""
    primaries = {data.primary(case) for case in data.cases}
    found = [(case, data.sample(case.name, data.primary(case))) for case in data.cases]
    drawn = [(case, sample.mean, sample.interval) for case, sample in found if sample.mean is not None]
    if len(primaries) != 1 or len(drawn) < 2:
        return None
    metric = primaries.pop()
    unit, title = data.unit(metric), data.title(metric)
    lines = [(case.name, mean, interval, case.published.get(metric)) for case, mean, interval in drawn]
    best = (min if data.direction(metric) == "lower" else max)(lines, key=lambda line: line[1])
    alt = f"{title} of {len(lines)} cases on one axis. Best mean: {best[0]} with {show(best[1], unit)}."
    return Figure(
        f"{title} of all cases",
        plot("cases/overview", alt, lambda axes: _paint(axes, lines, unit), 34 + 28 * len(lines), left=12, bottom=24),
        alt,
        Table(
            (Column("Case"), Column("Mean", "number"), Column("95 % interval", "number"), Column("Published", "number")),
            tuple(
                Row(
                    (
                        Cell(name),
                        number_cell(mean, unit),
                        Cell(range_text(*interval, unit) if interval else "n/a", note="" if interval else "one seed"),
                        _declared(published, unit),
                    ),
                    name,
                )
                for name, mean, interval, published in lines
            ),
        ),
        "Dot: mean over seeds. Bar: 95 % t interval of that mean. Diamond: published value.",
        html_only=True,
    )


Line = tuple[str, float, tuple[float, float] | None, float | None]


def _paint(axes: Axes, lines: Sequence[Line], unit: str) -> None:
    for place, (name, mean, interval, published) in enumerate(lines):
        axes.annotate(name, (0, place), (0, 7), ("axes fraction", "data"), textcoords="offset points", color=INK)
        if interval:
            axes.plot(interval, [place, place], color=MAIN, linewidth=2.5, alpha=0.55)
        axes.plot([mean], [place], "o", color=MAIN, markersize=6)
        if published is not None:
            axes.plot([published], [place], "D", color=REFERENCE, markersize=5.5, markerfacecolor="none", markeredgewidth=1.4)
    axes.set_ylim(len(lines) - 0.7, -0.8)
    axes.set_yticks([])
    format_axis(axes, "x", unit)
    axes.spines["left"].set_visible(False)


SECTION = Section("Cases", 20, _build, markdown="shown")
