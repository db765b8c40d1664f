"""Speed: how step times are distributed, and the numbers drawn from them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from harness.observations import Array
from harness.report._base import Block, Cell, Column, Figure, Paragraph, Row, Section, Table
from harness.report._cells import mean_cell, number_cell
from harness.report._data import ReportData
from harness.report._decimate import quantiles
from harness.report._plot import MAIN, format_axis, plot
from harness.suite import Case
from harness.units import show

if TYPE_CHECKING:
    from matplotlib.axes import Axes

METRICS = (
    "train_throughput",
    "step_time_median",
    "step_time_p95",
    "loader_time_median",
    "evaluation_time",
    "compile_time",
    "time_to_first_step",
    "infer_latency_median",
    "infer_throughput",
    "load_time",
    "model_flops_utilization",
    "normalised_throughput",
)
QUANTILES = ((0.05, "5 %"), (0.5, "Median"), (0.95, "95 %"), (1.0, "Slowest"))
SHOWN = 0.995
"""Share of all steps that a plot's axis reaches; a first step a hundred times slower would flatten the rest."""

NOTE = (
    "A step's time is the wall time of forward, backward and update, without fetching its batch. The table leaves warm-up "
    "steps out. The plots show every step: the share of steps that took at most so long, one line a run. Compare times "
    "only within one machine class, and on a quiet machine."
)


def _build(data: ReportData) -> Sequence[Block]:
    held = [name for name in METRICS if any(data.sample(case.name, name).values for case in data.cases)] or METRICS[:1]
    columns = (Column("Case"), *(Column(data.title(name), "number", "Mean over runs") for name in held))
    rows = tuple(
        Row((Cell(case.name), *(mean_cell(data.sample(case.name, name)) for name in held)), case.name) for case in data.cases
    )
    figures = [figure for case in data.cases if (figure := _distribution(data, case))]
    return [Table(columns, rows, "Mean over runs", "The suite holds no case."), Paragraph(NOTE, "muted"), *figures]


def _distribution(data: ReportData, case: Case) -> Figure | None:
    """The share of steps that took at most so long, one line a run."""
    times = {
        run["run_id"]: (run["seed"], rows["seconds"].dropna().to_numpy())
        for run in data.runs_of(case.name)
        if (rows := data.steps_of(run["run_id"])) is not None
    }
    found = [(seed, seconds) for seed, seconds in times.values() if len(seconds)]
    if not found:
        return None
    pooled = np.concatenate([seconds for _, seconds in found])
    edge = float(np.quantile(pooled, SHOWN))
    beyond = int((pooled > edge).sum())
    half, most = (show(float(np.quantile(pooled, share)), "s") for share in (0.5, 0.95))
    words = f"Half of the steps took at most {half}, 19 of 20 at most {most}."
    alt = f"Distribution of step times, {case.name}. {words}"
    return Figure(
        case.name,
        plot(f"speed/{case.name}", alt, lambda axes: _paint(axes, [seconds for _, seconds in found], edge), 170),
        alt,
        _table(case, found),
        f"{words}{f' {beyond} of {len(pooled)} are slower than the axis shows.' if beyond else ''}",
        case.name,
    )


def _paint(axes: Axes, times: Sequence[Array], edge: float) -> None:
    for seconds in times:
        axes.step(*quantiles(seconds), where="post", color=MAIN, linewidth=1.1, alpha=max(0.5, 1 / len(times)))
    low = min(float(seconds.min()) for seconds in times)
    if edge > low:
        axes.set_xlim(low - 0.04 * (edge - low), edge)
    axes.set_yticks([0, 0.5, 0.95], ["0 %", "50 %", "95 %"])
    axes.set_xlabel("step time")
    axes.locator_params(axis="x", nbins=4)
    format_axis(axes, "x", "s")


def _table(case: Case, times: Sequence[tuple[int, Array]]) -> Table:
    columns = (Column("Seed", "number"), *(Column(word, "number") for _, word in QUANTILES), Column("Steps", "number"))
    rows = [
        Row(
            (
                Cell(str(seed), sort=seed),
                *(number_cell(float(np.quantile(seconds, share)), "s") for share, _ in QUANTILES),
                number_cell(float(len(seconds)), "{step}"),
            ),
            case.name,
        )
        for seed, seconds in times
    ]
    return Table(columns, tuple(rows))


SECTION = Section("Speed", 50, _build, markdown="left out")
