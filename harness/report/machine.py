"""Memory of the host and of the GPU by phase, and what machine and GPU did over time."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from harness.observations import Array
from harness.report._base import Block, Cell, Column, Figure, Heading, Paragraph, Row, Section, Table
from harness.report._cells import constant_cell, mean_cell, number_cell
from harness.report._charts import Chart, Strip, linear, logarithmic
from harness.report._chosen import chosen, left_out
from harness.report._data import ReportData
from harness.report._decimate import ends, smooth
from harness.suite import Case
from harness.units import show

if TYPE_CHECKING:
    from harness.report._data import Frame

HOST = "host_peak_memory"
MEMORY = (
    "tensor_peak_memory",
    "process_peak_memory",
    HOST,
    "cuda_peak_allocated",
    "cuda_peak_reserved",
    "gpu_memory_process",
    "gpu_memory_device",
)
GPU = ("gpu_utilization", "gpu_power", "train_energy", "energy_per_sample", "gpu_temperature", "gpu_throttled")
READINGS = (
    ("utilization", "GPU utilisation", "%"),
    ("memory_used_bytes", "GPU memory in use", "By"),
    ("power_watts", "GPU power", "W"),
    ("sm_clock_hertz", "GPU clock", "Hz"),
    ("temperature_celsius", "GPU temperature", "Cel"),
)
HOST_READINGS = (
    ("load", "Load of the machine", "1"),
    ("foreign_cpus", "CPUs taken by other processes", "{cpu}"),
    ("stolen", "Share of CPU time stolen by the hypervisor", "1"),
    ("frequency_hertz", "CPU frequency", "Hz"),
)
PHASES = (
    ("model_bytes", "weights", "o"),
    ("tensor_peak_memory", "all tensors at their peak", "d"),
    ("cuda_peak_allocated", "tensors on the GPU at their peak", "a"),
)
"""What is marked of memory, with the class of its mark, beside the process's own bar."""
BEFORE, PEAK = "process_memory_before", "process_peak_memory"
LEGEND = (
    "Diamond: weights. Dot: all tensors at their peak. Bar: the process from before it had data or a model to its peak over a "
    "few steps. Stroke: the whole run's peak. The axis is logarithmic."
)
TABLE_ROWS = 12
HEIGHT = 1350
"""Of a timeline, tenths of a pixel."""
MOST_ON_GPU = 24
"""Cases whose readings of the GPU are drawn, five drawings each."""


def _build(data: ReportData) -> Sequence[Block]:
    held = [
        name for name in (*MEMORY, *GPU) if name == HOST or any(data.sample(case.name, name).values for case in data.trainings)
    ]
    columns = (
        Column("Case"),
        *(Column(data.title(name), "number", "Mean over runs") for name in held),
        Column(data.title("model_bytes"), "number", "Bytes of all tensors in the state dict"),
    )
    rows = tuple(
        Row(
            (
                Cell(case.name),
                *(mean_cell(data.sample(case.name, name)) for name in held),
                constant_cell(data.sample(case.name, "model_bytes")),
            ),
            case.name,
        )
        for case in data.trainings
    )
    table = Table(columns, rows, "Mean over runs", "The suite holds no case.")
    return [*_phases(data), table, *_gpu(data), *_host(data)]


def _phases(data: ReportData) -> list[Block]:
    """Memory by phase, a row a case, over one axis that doubles."""
    names = (*(name for name, *_ in PHASES), BEFORE, PEAK, HOST)
    found = {case.name: {name: data.sample(case.name, name).mean for name in names} for case in data.trainings}
    shown = {
        case: {name: value for name, value in values.items() if value is not None and value > 0}
        for case, values in found.items()
        if any(values.values())
    }
    if not shown:
        return []
    strip = Strip(logarithmic([value for values in shown.values() for value in values.values()], 0.02), "By", 2800, 6)
    columns = (
        Column("Case"),
        Column("Memory by phase", "plot", LEGEND, axis=strip.head("Axis: bytes, logarithmic.")),
        *(Column(words.capitalize(), "number") for words in ("weights", "tensors", "process before", "process peak", "run")),
    )
    rows = tuple(Row(_phase_cells(strip, case, values), case) for case, values in shown.items())
    return [Table(columns, rows, "Memory by phase"), Paragraph(LEGEND, "muted")]


def _phase_cells(strip: Strip, case: str, values: dict[str, float]) -> tuple[Cell, ...]:
    pieces = [strip.guides()]
    pieces += [strip.bar(values[BEFORE], values[PEAK])] if BEFORE in values and PEAK in values else []
    pieces += [strip.tick(values[HOST])] if HOST in values else []
    pieces += [
        strip.diamond(values[name]) if cls == "o" else strip.dot(values[name], cls) for name, _, cls in PHASES if name in values
    ]
    words = {name: words for name, words, _ in PHASES} | {PEAK: "process at its peak", HOST: "whole run at its peak"}
    told = [f"{words[name]} {show(values[name], 'By')}" for name in words if name in values]
    alt = f"Memory of {case}: {', '.join(told)}."
    listed = ("model_bytes", "tensor_peak_memory", BEFORE, PEAK, HOST)
    return (
        Cell(case),
        Cell("", sort=max(values.values()), plot=strip.row(alt, *pieces)),
        *(number_cell(values.get(name), "By", "not measured") for name in listed),
    )


def _gpu(data: ReportData) -> list[Block]:
    drawn = chosen(data, data.trainings, MOST_ON_GPU)
    figures = [figure for case in drawn for figure in _timelines(data, case)]
    if not figures:
        return [Paragraph(_no_gpu(data), "muted")]
    return [Heading("GPU while training"), *left_out(len(drawn), len(data.trainings)), *figures]


def _no_gpu(data: ReportData) -> str:
    reasons = Counter(data.sample(case.name, GPU[0]).reason for case in data.trainings)
    if not reasons:
        return "No GPU timeline: the suite holds no case."
    listed = "; ".join(
        f"{reason} ({count} of {len(data.trainings)} cases)" for reason, count in reasons.most_common() if reason
    )
    return f"No GPU timeline: {listed or 'no sample is stored'}."


def _timelines(data: ReportData, case: Case) -> list[Figure]:
    """One plot a reading, of the case's first run that has samples."""
    for run in data.runs_of(case.name):
        samples = data.samples_of(run["run_id"])
        if samples is not None:
            return [
                _timeline(case, run["seed"], samples, column, title, unit)
                for column, title, unit in READINGS
                if samples[column].notna().any()
            ]
    return []


def _timeline(case: Case, seed: int, samples: Frame, column: str, title: str, unit: str) -> Figure:
    devices = [
        (str(device), rows["seconds"].to_numpy(), rows[column].to_numpy(dtype=float))
        for device, rows in samples.groupby("device_uuid")
    ]
    low, high = float(samples[column].min()), float(samples[column].max())
    alt = f"{title} of {case.name}, seed {seed}: {show(low, unit)} to {show(high, unit)}."
    return Figure(
        f"{case.name}: {title}",
        _draw([(seconds, values) for _, seconds, values in devices], unit).svg(alt),
        alt,
        _timeline_table("Device", devices, unit, case.name),
        f"Seed {seed}, one line a device.",
        case.name,
    )


def _draw(lines: Sequence[tuple[Array, Array]], unit: str) -> Chart:
    """Return readings over time, one line a device, from 0."""
    drawn = [(ends(seconds), smooth(values)) for seconds, values in lines]
    x = linear(np.concatenate([seconds for seconds, _ in drawn]).tolist(), 0.0)
    y = linear(np.concatenate([values for _, values in drawn]).tolist(), zero=True)
    chart = Chart(x, y, ("s", unit), ("", ""), HEIGHT)
    for seconds, values in drawn:
        chart.line(seconds.tolist(), values.tolist())
    return chart


def _timeline_table(what: str, lines: Sequence[tuple[str, Array, Array]], unit: str, case: str = "") -> Table:
    columns = (Column(what, "code"), Column("Until", "number"), Column("Mean", "number"))
    rows = tuple(
        Row((Cell(name), number_cell(float(at), "s"), number_cell(float(value), unit, "not read")), case)
        for name, seconds, values in lines
        for at, value in zip(ends(seconds, TABLE_ROWS), smooth(values, TABLE_ROWS), strict=True)
    )
    return Table(columns, rows)


def _host(data: ReportData) -> list[Block]:
    """The machine over the whole run set: what disturbed it, and when."""
    figures = list(_host_figures(data))
    if not figures:
        return []
    words = "Readings of all runs, one after the other, in seconds since the first began."
    return [Heading("The machine while the suite ran"), Paragraph(words, "muted"), *figures]


def _host_figures(data: ReportData) -> Iterator[Figure]:
    starts = {run["run_id"]: _moment(run["started_utc"]) for run in data.records}
    begun = [starts.get(run_id, math.nan) for run_id in data.host_samples["run_id"]]
    samples = data.host_samples.assign(moment=np.array(begun, dtype=float) + data.host_samples["seconds"].to_numpy(dtype=float))
    samples = samples[samples["moment"].notna()].sort_values(["moment", "run_id"])
    if len(samples) < 2:
        return
    first = float(samples["moment"].iloc[0])
    for column, title, unit in HOST_READINGS:
        rows = samples[samples[column].notna()]
        if len(rows) < 2:
            continue
        seconds, values = rows["moment"].to_numpy(dtype=float) - first, rows[column].to_numpy(dtype=float)
        low, high = float(values.min()), float(values.max())
        low = low if abs(low) >= high / 1000 else 0.0  # what is left of a difference is no reading
        alt = f"{title}, {len(rows):,} readings: {show(low, unit)} to {show(high, unit)}."
        yield Figure(
            title, _draw([(seconds, values)], unit).svg(alt), alt, _timeline_table("", [("", seconds, values)], unit), alt
        )


def _moment(started_utc: str | None) -> float:
    """Return a stored moment in seconds; NaN for none."""
    try:
        return datetime.fromisoformat(started_utc or "").timestamp()
    except ValueError:
        return math.nan


SECTION = Section("Memory and machine", 60, _build, markdown="left out")
