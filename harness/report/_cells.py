"""Table cells that several sections share: numbers with their unit, means with their interval, run statuses."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from harness.report._base import Cell, Tone
from harness.report._data import ReportData
from harness.report._sample import Sample
from harness.units import show

STATUS_TONES: dict[str, Tone] = {"ok": "plain", "skipped": "warn", "tainted": "warn", "missing": "warn"}
"""Run status -> tone; any other is bad."""


def number_cell(value: float | None, unit: str, reason: str = "", tone: Tone = "plain") -> Cell:
    """Return a number in its unit, or 'n/a' with the reason as its note."""
    if value is None or math.isnan(value):
        return Cell("n/a", note=reason or "no value", tone="muted", sort=-math.inf)
    return Cell(show(value, unit), sort=value, tone=tone)


def mean_cell(sample: Sample, interval: tuple[float, float] | None = None) -> Cell:
    """Return a mean over seeds; below it its interval where there is one, and how many seeds have no value."""
    if sample.mean is None:
        return number_cell(None, sample.unit, sample.reason)
    count = len(sample.values)
    notes = [f"mean over {count} seeds" if count > 1 else "one seed: no interval"]
    notes += [f"no value in {len(sample.lacking)}: {sample.reason}"] if sample.lacking else []
    notes += [f"beware: {flag.replace('_', ' ')}" for flag in sample.flags]
    subs = [range_text(*interval, sample.unit)] if interval else []
    subs += [f"{count} of {count + len(sample.lacking)} seeds"] if sample.lacking else []
    subs += [flag.replace("_", " ") for flag in sample.flags]
    return Cell(show(sample.mean, sample.unit), sort=sample.mean, sub=", ".join(subs), note="; ".join(notes))


def constant_cell(sample: Sample) -> Cell:
    """Return a value that every run should share; says so where they differ."""
    values = set(sample.values.values())
    if len(values) > 1:
        return Cell(
            f"{show(min(values), sample.unit)} to {show(max(values), sample.unit)}",
            sort=max(values),
            note="differs between seeds",
            tone="warn",
        )
    return number_cell(next(iter(values), None), sample.unit, sample.reason)


def range_text(low: float, high: float, unit: str) -> str:
    """Return an interval: '0.9870 to 0.9931'."""
    return f"{show(low, unit)} to {show(high, unit)}"


def signed(value: float, unit: str) -> str:
    """Return a difference with its sign."""
    return f"+{show(value, unit)}" if value > 0 else show(value, unit).replace("-", "−", 1)


def status_cell(status: str, reason: str = "") -> Cell:
    """Return a run's status and, below it, the reason of one that did not succeed."""
    return Cell(status, sub=reason, tone=STATUS_TONES.get(status, "bad"))


def cells_of(data: ReportData, run: dict[str, Any], metrics: Iterable[str]) -> list[Cell]:
    """Return one run's values of some metrics."""
    return [
        number_cell(value, data.unit(name), reason) for name in metrics for value, reason in [data.value(run["run_id"], name)]
    ]
