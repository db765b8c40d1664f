"""Entries of github-action-benchmark: name, unit, value, the half width of the interval as range, the rest as extra.

Source: benchmark-action/github-action-benchmark, README, "customBiggerIsBetter and customSmallerIsBetter".
"""

from __future__ import annotations

import json
from typing import Any

from harness.exporters._base import Number, Source
from harness.suite import Case


def to_entries(source: Source) -> str:
    """Return the file that the action takes as `output-file-path`: one entry for each metric of each case."""
    suite = source.run_set.manifest.suite.name
    return (
        json.dumps([_entry(suite, number) for number in source.numbers], indent=2, allow_nan=False, ensure_ascii=False) + "\n"
    )


def _what(case: Case) -> str:
    if case.experiment is not None:
        return f"experiment {case.experiment.name}"
    return f"model {case.model.name}, data {case.data.name}"


def _entry(suite: str, number: Number) -> dict[str, Any]:
    """Return one entry; its name holds the suite, because the action keeps one series for each name."""
    entry: dict[str, Any] = {
        "name": f"{suite}/{number.case.name}/{number.series.metric}",
        "unit": number.series.unit,
        "value": number.mean,
    }
    if ends := number.interval:
        entry["range"] = f"± {(ends[1] - ends[0]) / 2:.3g}"
    runs = "run" if len(number.values) == 1 else "runs"
    return entry | {"extra": f"mean of {len(number.values)} {runs}\n{_what(number.case)}"}
