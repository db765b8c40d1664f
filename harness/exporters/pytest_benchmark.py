"""The JSON file of pytest-benchmark: every time as a benchmark with one round a run, for `pytest-benchmark compare`.

A benchmark is `<case>::<metric>`, its group the metric, so that a table compares the cases. Its rounds are the runs' values:
that is what other seeds and sessions move, where the steps of one run would hide it. Other units have no place in the format.

Source: pytest_benchmark.plugin.pytest_benchmark_generate_json and pytest_benchmark.stats, whose own class computes the figures.
"""

from __future__ import annotations

import json
from typing import Any

from harness.exporters._base import Exporter, Number, Source


def _text(source: Source) -> str:
    from pytest_benchmark import __version__

    content = {
        "machine_info": _machine(source),
        "commit_info": _commit(source),
        "benchmarks": [_benchmark(source, number) for number in source.numbers],
        "datetime": source.run_set.manifest.created_utc,
        "version": __version__,
    }
    return json.dumps(content, indent=4, allow_nan=False) + "\n"


def _machine(source: Source) -> dict[str, Any]:
    """Return what pytest-benchmark calls the machine; its node is '', because no host name is stored."""
    known = source.environment
    cpu, count = known.get("machine.cpu", ""), known.get("machine.cpu_count", "")
    return {
        "node": "",
        "processor": cpu,
        "machine": known.get("machine.architecture", ""),
        "python_version": known.get("version.python", ""),
        "release": known.get("version.kernel", ""),
        "system": known.get("machine.system", ""),
        "cpu": {"brand_raw": cpu, "count": int(count) if count.isdigit() else None},
    }


def _commit(source: Source) -> dict[str, Any]:
    last = source.last
    return {
        "id": last["commit"] or "unversioned",
        "time": None,
        "author_time": None,
        "dirty": bool(last["dirty"]),
        "project": source.run_set.manifest.suite.name,
        "branch": "(unknown)",
    }


def _benchmark(source: Source, number: Number) -> dict[str, Any]:
    from pytest_benchmark.stats import Stats

    stats = Stats()
    for value in number.values:
        stats.update(value)
    case, metric, suite = number.case, number.series.metric, source.run_set.manifest.suite.name
    seeds = [sample.seed for sample in number.series.samples if sample.value in number.values]
    return {
        "group": metric,
        "name": f"{case.name}::{metric}",
        "fullname": f"{suite}::{case.name}::{metric}",
        "params": None,
        "param": None,
        "extra_info": {"case": case.name, "metric": metric, "model": case.model.name, "data": case.data.name, "seeds": seeds},
        "options": {},
        "stats": {**stats.as_dict(), "data": number.values, "iterations": 1},
    }


EXPORTER = Exporter(reads="pytest-benchmark compare FILE", text=_text, units=("s",))
