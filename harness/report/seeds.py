"""Per training: its status and quality; per case: how far its seeds lie apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from harness.report._base import Block, Cell, Column, Figure, Row, Section, Table
from harness.report._cells import cells_of, number_cell, range_text, status_cell
from harness.report._data import ReportData, Sample
from harness.report._plot import INK, MAIN, REFERENCE, format_axis, plot
from harness.suite import Case
from harness.units import show

if TYPE_CHECKING:
    from matplotlib.axes import Axes

METRICS = ("macro_f1", "test_loss", "train_time", "step_time_median")


def _build(data: ReportData) -> Sequence[Block]:
    return [*(figure for case in data.cases if (figure := _strip(data, case))), _table(data)]


def _strip(data: ReportData, case: Case) -> Figure | None:
    """Each seed's primary metric as a dot, with the mean, its interval and what was published."""
    metric = data.primary(case)
    sample = data.sample(case.name, metric)
    if sample.mean is None:
        return None
    published = case.published.get(metric)
    interval = sample.interval
    alt = _describe(sample, interval, published)
    return Figure(
        case.name,
        plot(f"seeds/{case.name}", alt, lambda axes: _paint(axes, sample, interval, published), 120, left=26, bottom=24),
        f"{data.title(metric)}, {case.name}. {alt}",
        Table(
            (Column("Seed", "number"), Column(data.title(metric), "number")),
            tuple(
                Row((Cell(str(seed), sort=seed), number_cell(value, sample.unit)), case.name)
                for seed, value in sample.values.items()
            ),
        ),
        alt,
        case.name,
    )


def _describe(sample: Sample, interval: tuple[float, float] | None, published: float | None) -> str:
    words = [f"Mean {show(sample.mean, sample.unit)} over {len(sample.values)} seed{'s' if len(sample.values) > 1 else ''}"]
    words += [f"95 % interval {range_text(*interval, sample.unit)}"] if interval else []
    words += [f"published {show(published, sample.unit)}"] if published is not None else []
    return ", ".join(words) + "."


def _paint(axes: Axes, sample: Sample, interval: tuple[float, float] | None, published: float | None) -> None:
    values = list(sample.values.values())
    heights = [0.3 * ((place * 2) % 5 - 2) / 2 for place in range(len(values))]  # spread, so that equal dots stay apart
    if interval:
        axes.plot(interval, [-0.75, -0.75], color=MAIN, linewidth=2.5, alpha=0.55)
    axes.plot(sample.mean or 0.0, -0.75, "D", color=MAIN, markersize=6)
    axes.plot(values, heights, "o", color=MAIN, markersize=7, alpha=0.75, markeredgewidth=0)
    if published is not None:
        axes.axvline(published, color=REFERENCE, linestyle=(0, (4, 3)), linewidth=1.6)
        axes.annotate("published", (published, 1.0), (4, -9), ("data", "axes fraction"), "offset points", color=INK)
    axes.margins(x=0.12)
    axes.locator_params(axis="x", nbins=5)
    format_axis(axes, "x", sample.unit)
    axes.set_ylim(-1.15, 0.95)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)


def _table(data: ReportData) -> Table:
    primaries = {data.primary(case) for case in data.cases}
    metrics = [name for name in METRICS if name not in primaries]
    columns = (
        Column("Case"),
        Column("Seed", "number"),
        Column("Status"),
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
