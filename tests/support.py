"""Run sets and sides of any shape, for the tests of what judges them. Run sets are real: written by the harness's store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.digests import short_digest
from harness.results import TABLES, RunSet, RunState, Sample, Series, Side
from harness.suite import Case, Gate, PartRef, Recipe, Suite

Value = float | str | None

METRICS: dict[str, tuple[str, str, str, str]] = {
    "accuracy": ("1", "higher", "quality", "any"),
    "macro_f1": ("1", "higher", "quality", "any"),
    "test_loss": ("1", "lower", "quality", "any"),
    "steps_to_target": ("{step}", "lower", "quality", "any"),
    "step_time_median": ("s", "lower", "machine", "any"),
    "train_time": ("s", "lower", "machine", "any"),
    "train_throughput": ("{sample}/s", "higher", "machine", "any"),
    "gpu_utilization": ("%", "none", "machine", "any"),
    "cuda_peak_allocated": ("By", "lower", "machine", "any"),
    "parameters": ("{parameter}", "none", "exact", "any"),
    "train_flops_per_sample": ("{flop}/{sample}", "none", "exact", "versions"),
    "aten_operations_per_step": ("{operation}/{step}", "lower", "exact", "device"),
    "final_weights_digest": ("1", "none", "exact", "fingerprint"),
    "loss_curve_head": ("1", "none", "exact", "fingerprint"),
}
"""Metric -> unit, direction, class and scope, as the harness's own metrics declare them."""

MACHINE = {"cpu": "Example CPU", "gpu": "H200"}
NUMERIC = {"torch": "2.13.0", "device": "H200"}
VERSIONS = "python 3.11 torch 2.13.0"


def make_case(
    name: str = "lenet", gates: Mapping[str, Gate] | None = None, seeds: Sequence[int] = (1, 2, 3), **given: Any
) -> Case:
    """Return a case; without passes beside its training, unless they are given."""
    fields: dict[str, Any] = {"model": PartRef(name="m"), "data": PartRef(name="d"), "recipe": Recipe(epochs=1), "passes": ()}
    return Case(name=name, gates=dict(gates or {}), seeds=tuple(seeds), **(fields | given))


def make_suite(*cases: Case, name: str = "demo", version: int = 1) -> Suite:
    """Return a suite."""
    return Suite(name=name, version=version, why="Tests what judges it.", cases=cases)


def make_series(metric: str, values: Mapping[int, Value | Sequence[Value]], **changed: Any) -> Series:
    """Return a metric's values by seed; a text where a null is meant is its reason, written 'null: reason'."""
    unit, direction, metric_class, scope = METRICS[metric]
    fields: dict[str, Any] = {"metric_class": metric_class, "unit": unit, "direction": direction, "scope": scope}
    samples = tuple(
        _sample(seed, value)
        for seed, found in values.items()
        for value in (found if isinstance(found, list | tuple) else [found])
    )
    return Series(metric=metric, samples=samples, **(fields | changed))


def _sample(seed: int, value: Any) -> Sample:
    if isinstance(value, str) and value.startswith("null: "):
        return Sample(seed, None, value.removeprefix("null: "))
    return Sample(seed, float(value) if isinstance(value, int) else value)


def make_side(case: Case, *series: Series, version: int = 1, **changed: Any) -> Side:
    """Return a side that holds the series, with one run that is ok for each seed and repeat of the case."""
    machine, numeric = changed.pop("machine", MACHINE), changed.pop("numeric", NUMERIC)
    fields: dict[str, Any] = {
        "suite_version": version,
        "specification": case.specification,
        "case_digest": case.digest,
        "machine_class": short_digest(machine),
        "numeric_fingerprint": short_digest(numeric),
        "version_key": VERSIONS,
        "machine": machine,
        "numeric": numeric,
        "metrics": {entry.metric: entry for entry in series},
        "runs": tuple(make_run(seed, repeat) for seed in case.seeds for repeat in range(1, case.repeats + 1)),
    }
    return Side(**(fields | changed))


def make_run(seed: int, repeat: int = 1, status: str = "ok", reason: str = "", measures: str = "train") -> RunState:
    """Return how a run ended."""
    return RunState(seed, repeat, status, reason, measures, "c0ffee", False, "2026-01-02T03:04:05+00:00")


@dataclass
class Trained:
    """One run to be stored."""

    case: Case
    seed: int
    values: Mapping[str, Value] = field(default_factory=dict)
    """Metric -> value; None is a null without a GPU."""
    repeat: int = 1
    status: str = "ok"
    reason: str = ""
    machine: Mapping[str, str] = field(default_factory=lambda: MACHINE)
    numeric: Mapping[str, str] = field(default_factory=lambda: NUMERIC)
    columns: Mapping[str, Any] = field(default_factory=dict)
    """Columns of the runs table that differ."""

    @property
    def run_id(self) -> str:
        """A name that no other run has."""
        return f"{self.case.name}-{self.seed}-{self.repeat}-{id(self)}"


def record(results: Path, suite: Suite, runs: Iterable[Trained], left_out: Sequence[str] = (), complete: bool = True) -> RunSet:
    """Store a new run set with these runs."""
    run_set = RunSet.create(results, suite, left_out)
    rows: dict[str, list[dict[str, Any]]] = {"runs": [], "measurements": [], "environments": []}
    for run in runs:
        described = {f"machine.{key}": value for key, value in run.machine.items()}
        described |= {f"numeric.{key}": value for key, value in run.numeric.items()}
        environment = short_digest(described)
        rows["runs"].append(_run_row(suite, run, environment))
        rows["measurements"] += [_measurement(run.run_id, *item) for item in run.values.items()] if run.status == "ok" else []
        rows["environments"] += [
            {"environment_digest": environment, "key": key, "value": value} for key, value in described.items()
        ]
    run_set.add("all", rows)
    run_set.fold()
    run_set.update(complete=complete)
    return run_set


def _run_row(suite: Suite, run: Trained, environment: str) -> dict[str, Any]:
    return (
        dict.fromkeys(TABLES["runs"].names)
        | {
            "run_id": run.run_id,
            "suite": suite.name,
            "case": run.case.name,
            "case_digest": run.case.digest,
            "seed": run.seed,
            "repeat": run.repeat,
            "arm": "solo",
            "block": 0,
            "restart": 0,
            "pass": "train",
            "status": run.status,
            "reason": run.reason,
            "commit": "0123456789abcdef0123456789abcdef01234567",
            "dirty": False,
            "started_utc": "2026-01-02T03:04:05+00:00",
            "machine_class": short_digest(dict(run.machine)),
            "numeric_fingerprint": short_digest(dict(run.numeric)),
            "version_key": VERSIONS,
            "environment_digest": environment,
        }
        | dict(run.columns)
    )


def _measurement(run_id: str, metric: str, value: Value) -> dict[str, Any]:
    unit, direction, metric_class, scope = METRICS[metric]
    return dict.fromkeys(TABLES["measurements"].names) | {
        "run_id": run_id,
        "metric": metric,
        "phase": "train",
        "value": None if isinstance(value, str) else value,
        "value_text": value if isinstance(value, str) else None,
        "unit": unit,
        "direction": direction,
        "class": metric_class,
        "scope": scope,
        "n": 1,
        "null_reason": "no_gpu" if value is None else None,
    }
