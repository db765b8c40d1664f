"""Memory of the host and of the GPU, and what the GPU did over time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from harness.observations import Array
from harness.report._base import Block, Cell, Column, Figure, Paragraph, Row, Section, Table
from harness.report._cells import constant_cell, mean_cell, number_cell
from harness.report._data import ReportData
from harness.report._decimate import ends, smooth
from harness.report._plot import INK, MAIN, format_axis, plot
from harness.suite import Case
from harness.units import show

if TYPE_CHECKING:
    from matplotlib.axes import Axes

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
TABLE_ROWS = 12


def _build(data: ReportData) -> Sequence[Block]:
    held = [name for name in (*MEMORY, *GPU) if name == HOST or any(data.sample(case.name, name).values for case in data.cases)]
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
        for case in data.cases
    )
    peaks = _peaks(data)
    table = Table(columns, rows, "Mean over runs", "The suite holds no case.")
    return [table, *([peaks] if peaks else []), *_gpu(data)]


def _peaks(data: ReportData) -> Figure | None:
    """One bar a case, from 0; the table alone says it for a single case."""
    found = [(case.name, mean) for case in data.cases if (mean := data.sample(case.name, HOST).mean) is not None]
    if len(found) < 2:
        return None
    most = max(found, key=lambda line: line[1])
    alt = f"Largest resident memory of a run's processes. Most: {most[0]} with {show(most[1], 'By')}."
    return Figure(
        f"{data.title(HOST)} of each case",
        plot("machine/peaks", alt, lambda axes: _paint_peaks(axes, found), 22 + 30 * len(found), left=12, bottom=10),
        alt,
        Table(
            (Column("Case"), Column(data.title(HOST), "number")),
            tuple(Row((Cell(name), number_cell(mean, "By")), name) for name, mean in found),
        ),
        "Mean over runs, from 0.",
    )


def _paint_peaks(axes: Axes, found: Sequence[tuple[str, float]]) -> None:
    for place, (name, mean) in enumerate(found):
        axes.barh([place], [mean], height=0.28, color=MAIN, alpha=0.75)
        axes.annotate(name, (0, place), (0, 7), ("axes fraction", "data"), "offset points", color=INK)
        axes.annotate(show(mean, "By"), (1, place), (0, 7), ("axes fraction", "data"), "offset points", color=INK, ha="right")
    axes.set_ylim(len(found) - 0.6, -0.8)
    axes.set_xlim(0, max(mean for _, mean in found) or 1)
    axes.set_axis_off()


def _gpu(data: ReportData) -> list[Block]:
    figures = [figure for case in data.cases for figure in _timelines(data, case)]
    return list(figures) if figures else [Paragraph(_no_gpu(data), "muted")]


def _no_gpu(data: ReportData) -> str:
    reasons = Counter(data.sample(case.name, GPU[0]).reason for case in data.cases)
    if not reasons:
        return "No GPU timeline: the suite holds no case."
    listed = "; ".join(f"{reason} ({count} of {len(data.cases)} cases)" for reason, count in reasons.most_common() if reason)
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
    drawn = [(ends(seconds), smooth(values)) for _, seconds, values in devices]
    return Figure(
        f"{case.name}: {title}",
        plot(f"machine/{column}/{case.name}", alt, lambda axes: _paint_timeline(axes, drawn, unit), 160),
        alt,
        Table(
            (Column("Device", "code"), Column("Until", "number"), Column("Mean", "number")),
            tuple(
                Row((Cell(device), number_cell(float(at), "s"), number_cell(float(value), unit, "not read")), case.name)
                for device, seconds, values in devices
                for at, value in zip(ends(seconds, TABLE_ROWS), smooth(values, TABLE_ROWS), strict=True)
            ),
        ),
        f"Seed {seed}, one line a device.",
        case.name,
    )


def _paint_timeline(axes: Axes, drawn: Sequence[tuple[Array, Array]], unit: str) -> None:
    for seconds, values in drawn:
        axes.plot(seconds, values, color=MAIN, linewidth=1.2, alpha=max(0.5, 1 / len(drawn)))
    axes.set_ylim(bottom=0)
    axes.set_xlabel("seconds since the run's start")
    axes.locator_params(axis="y", nbins=4)
    format_axis(axes, "y", unit)


SECTION = Section("Memory and GPU", 60, _build, markdown="left out")
