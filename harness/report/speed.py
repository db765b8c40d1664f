"""Speed: how step times are distributed, and the numbers drawn from them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.observations import Array
from harness.report._base import Block, Cell, Column, Paragraph, Row, Section, Table
from harness.report._cells import mean_cell, number_cell
from harness.report._charts import Scale, Strip
from harness.report._data import ReportData
from harness.suite import Case
from harness.units import show

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
REACH = 2.5
"""Times the median that the axis of distributions reaches either way; slower steps are counted at its end."""
BINS = 60

NOTE = (
    "A step's time is the wall time of forward, backward and update, without fetching its batch. The first table leaves "
    "warm-up steps out; the second has every step of every run. Compare times only within one machine class, and on a quiet "
    "machine."
)
READ = (
    "How the steps of all runs are spread around their median: a narrow hill is a steady pace, two hills are two paces, a rise "
    "at the right end is the steps that took longer than the axis shows. Upright strokes: each run's median."
)


@dataclass(frozen=True)
class Times:
    """The step times of one case, by run."""

    case: Case
    runs: tuple[Array, ...]

    @property
    def pooled(self) -> Array:
        """All of them."""
        return np.concatenate(self.runs)


def _build(data: ReportData) -> Sequence[Block]:
    held = [name for name in METRICS if any(data.sample(case.name, name).values for case in data.trainings)] or METRICS[:1]
    columns = (Column("Case"), *(Column(data.title(name), "number", "Mean over runs") for name in held))
    rows = tuple(
        Row((Cell(case.name), *(mean_cell(data.sample(case.name, name)) for name in held)), case.name)
        for case in data.trainings
    )
    found = [times for case in data.trainings if (times := _times(data, case))]
    blocks: list[Block] = [Table(columns, rows, "Mean over runs", "The suite holds no case."), Paragraph(NOTE, "muted")]
    return [*blocks, *([_distributions(found)] if found else [])]


def _times(data: ReportData, case: Case) -> Times | None:
    stored = (data.steps_of(run["run_id"]) for run in data.runs_of(case.name))
    runs = [seconds for rows in stored if rows is not None and len(seconds := rows["seconds"].dropna().to_numpy())]
    return Times(case, tuple(runs)) if runs else None


def _distributions(found: Sequence[Times]) -> Table:
    strip = Strip(Scale(1 / REACH, REACH, log=True), width=2600)
    ticks = [(0.5, "÷2"), (1 / math.sqrt(2), "÷1.4"), (1.0, "median"), (math.sqrt(2), "×1.4"), (2.0, "×2")]
    columns = (
        Column("Case"),
        Column("Spread around the median", "plot", READ, axis=strip.head("Axis: step time over its median, ÷2 to ×2.", ticks)),
        *(Column(word, "number") for _, word in QUANTILES),
        Column("Steps", "number"),
    )
    return Table(columns, tuple(Row(_cells(strip, times), times.case.name) for times in found), "Step times of all runs")


def _cells(strip: Strip, times: Times) -> tuple[Cell, ...]:
    pooled = times.pooled
    quantiles = {share: float(np.quantile(pooled, share)) for share, _ in QUANTILES}
    half, most = (show(quantiles[share], "s") for share in (0.5, 0.95))
    alt = f"Step times of {times.case.name}: half took at most {half}, 19 of 20 at most {most}."
    plot = strip.row(alt, strip.lines(0.5, 1.0, 2.0), *_hill(strip, times, quantiles[0.5]))
    return (
        Cell(times.case.name),
        Cell("", sort=quantiles[0.95] / quantiles[0.5] if quantiles[0.5] > 0 else math.inf, plot=plot),
        *(number_cell(quantiles[share], "s") for share, _ in QUANTILES),
        Cell(f"{len(pooled):,}", sort=len(pooled)),
    )


def _hill(strip: Strip, times: Times, median: float) -> list[str]:
    """Return the hill of all steps and a stroke at each run's median; nothing for times that are not above zero."""
    if not median > 0:
        return []
    edges = np.geomspace(1 / REACH, REACH, BINS + 1)
    counts, _ = np.histogram(np.clip(times.pooled / median, 1 / REACH, REACH), edges)
    strokes = [strip.tick(float(np.median(run)) / median) for run in times.runs]
    return [strip.ridge(edges.tolist(), counts.tolist()), *strokes]


SECTION = Section("Speed", 50, _build, markdown="left out")
