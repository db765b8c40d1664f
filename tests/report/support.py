"""Run sets of any shape, written with the harness's own store, and what sections make of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from harness.catalog import Catalog
from harness.digests import digest_of
from harness.report import Block, Details, Figure, ReportData, Row, Section, Table
from harness.results import TABLES, RunSet
from harness.suite import Case, PartRef, Recipe, Suite

UNITS = {
    "accuracy": ("1", "higher", "quality"),
    "macro_f1": ("1", "higher", "quality"),
    "test_loss": ("1", "lower", "quality"),
    "train_throughput": ("{sample}/s", "higher", "machine"),
    "step_time_median": ("s", "lower", "machine"),
    "step_time_p95": ("s", "lower", "machine"),
    "loader_time_median": ("s", "lower", "machine"),
    "time_to_first_step": ("s", "lower", "machine"),
    "infer_latency_median": ("s", "lower", "machine"),
    "infer_throughput": ("{sample}/s", "higher", "machine"),
    "train_time": ("s", "lower", "machine"),
    "load_time": ("s", "lower", "machine"),
    "aten_operations_per_step": ("{operation}/{step}", "lower", "exact"),
    "host_peak_memory": ("By", "lower", "machine"),
    "process_memory_before": ("By", "lower", "machine"),
    "process_peak_memory": ("By", "lower", "machine"),
    "tensor_peak_memory": ("By", "lower", "exact"),
    "slope_tanh": ("1", "none", "quality"),
    "gpu_utilization": ("%", "none", "machine"),
    "gpu_power": ("W", "none", "machine"),
    "parameters": ("{parameter}", "none", "exact"),
    "train_flops_per_sample": ("{flop}/{sample}", "none", "exact"),
    "model_bytes": ("By", "none", "exact"),
}
"""Metric -> unit, direction and class, as stored."""

ENVIRONMENT = {
    "machine.cpu": "Example CPU 2.5 GHz",
    "machine.cpu_count": "2",
    "machine.gpu": "none",
    "numeric.precision": "fp32",
    "numeric.torch": "2.13.0+cpu",
    "flag.deterministic_algorithms": "false",
    "version.python": "3.11.4",
    "version.torch": "2.13.0+cpu",
}


def make_case(name: str = "keras", data: str = "mnist", seeds: Sequence[int] = (1, 2, 3), **fields: Any) -> Case:
    """Return a case; without passes beside its training, unless they are given."""
    given: dict[str, Any] = {
        "passes": (),
        "model": PartRef(name="a003_keras_cnn"),
        "recipe": Recipe(epochs=2),
        "published": {"accuracy": 0.9914},
    }
    return Case(name=name, data=PartRef(name=data), seeds=tuple(seeds), **(given | fields))


def make_experiment(name: str = "c31", seeds: Sequence[int] = (1, 2, 3), **fields: Any) -> Case:
    """Return a case that runs an experiment in place of a training."""
    return Case(name=name, experiment=PartRef(name="gradients_over_time"), passes=(), seeds=tuple(seeds), **fields)


def make_suite(*cases: Case, name: str = "demo") -> Suite:
    """Return a suite."""
    return Suite(name=name, version=1, why="Shows what a report looks like.", cases=cases or (make_case(),))


@dataclass
class Trained:
    """What one run measured; defaults are those of a small run without a GPU."""

    case: Case
    seed: int
    values: Mapping[str, float | None] = field(default_factory=dict)
    losses: Sequence[float] = (2.3, 1.1, 0.6, 0.4)
    seconds: Sequence[float] = (0.05, 0.011, 0.012, 0.010)
    progress: Sequence[float] = (0.95, 0.98)
    flags: Mapping[str, str] = field(default_factory=dict)
    """Metric -> quality flag."""
    nulls: Mapping[str, str] = field(default_factory=dict)
    """Metric -> reason, for values that are None and not without a GPU."""
    status: str = "ok"
    reason: str = ""
    samples: Sequence[tuple[float, float, float]] = ()
    """GPU readings: seconds, utilisation, bytes."""
    host: Sequence[tuple[float, float, float | None]] = ()
    """Readings of the machine: seconds, load, CPUs taken by others."""
    environment: Mapping[str, str] = field(default_factory=lambda: ENVIRONMENT)
    columns: Mapping[str, Any] = field(default_factory=dict)
    """Columns of the runs table that differ."""

    @property
    def run_id(self) -> str:
        """A name that no other run has."""
        of_pass = f"-{self.columns['pass']}" if "pass" in self.columns else ""
        return f"{self.case.name}-{self.seed}-{self.columns.get('repeat', 1)}-{self.columns.get('arm', 'solo')}{of_pass}"


def add(run_set: RunSet, run: Trained) -> None:
    """Store one run; only one that succeeded has measurements."""
    ok = run.status == "ok"
    digest = digest_of(dict(run.environment))
    run_set.add(
        run.run_id,
        {
            "runs": [_run(run_set, run, digest)],
            "measurements": [_measurement(run, name, value) for name, value in run.values.items()] if ok else [],
            "steps": list(_steps(run)),
            "evaluations": [_evaluation(run, epoch, value) for epoch, value in enumerate(run.progress, start=1)] if ok else [],
            "samples": [_sample(run, *reading) for reading in run.samples],
            "host_samples": [_host_sample(run, *reading) for reading in run.host],
            "environments": [{"environment_digest": digest, "key": k, "value": v} for k, v in run.environment.items()],
        },
    )


def _row(table: str, **given: Any) -> dict[str, Any]:
    return {name: given.get(name) for name in TABLES[table].names}


def _run(run_set: RunSet, run: Trained, digest: str) -> dict[str, Any]:
    case = run.case
    row = {
        "run_id": run.run_id,
        "run_key": "c0ffee" * 10,
        "suite": run_set.manifest.suite.name,
        "case": case.name,
        "case_digest": case.digest,
        "model": case.model.name,
        "data": case.data.name,
        "task": case.task.name,
        "seed": run.seed,
        "repeat": 1,
        "arm": "solo",
        "block": 0,
        "restart": 0,
        "lane": "speed",
        "pass": "train",
        "device": "cpu",
        "status": run.status,
        "reason": run.reason,
        "commit": "0123456789abcdef" * 2 + "01234567",
        "dirty": False,
        "started_utc": "2026-01-02T03:04:05+00:00",
        "seconds": 4.2,
        "environment_digest": digest,
    }
    return _row("runs", **(row | dict(run.columns)))


def _measurement(run: Trained, metric: str, value: float | None) -> dict[str, Any]:
    unit, direction, kind = UNITS[metric]
    return _row(
        "measurements",
        run_id=run.run_id,
        metric=metric,
        phase="train",
        value=value,
        unit=unit,
        direction=direction,
        **{"class": kind},
        scope="any",
        n=1,
        null_reason=run.nulls.get(metric, "no_gpu") if value is None else None,
        quality_flag=run.flags.get(metric),
    )


def _steps(run: Trained) -> Iterable[dict[str, Any]]:
    for step, (loss, seconds) in enumerate(zip(run.losses, run.seconds, strict=True), start=1):
        yield _row("steps", run_id=run.run_id, step=step, epoch=1, samples=64, loss=loss, seconds=seconds, loader_seconds=0.001)


def _evaluation(run: Trained, epoch: int, value: float) -> dict[str, Any]:
    return _row(
        "evaluations",
        run_id=run.run_id,
        epoch=epoch,
        step=2 * epoch,
        train_seconds=1.0,
        split="test",
        metric="accuracy",
        value=value,
    )


def _sample(run: Trained, seconds: float, utilization: float, used: float) -> dict[str, Any]:
    return _row(
        "samples",
        run_id=run.run_id,
        seconds=seconds,
        device_uuid="GPU-0",
        utilization=utilization,
        memory_used_bytes=used,
    )


def _host_sample(run: Trained, seconds: float, load: float, foreign: float | None) -> dict[str, Any]:
    return _row("host_samples", run_id=run.run_id, seconds=seconds, load=load, foreign_cpus=foreign)


def verdict(case: str = "keras", metric: str = "accuracy", name: str = "same", **given: Any) -> dict[str, Any]:
    """Return a row of the verdicts table."""
    row = {
        "level": "hard",
        "method": "t prediction bound",
        "method_version": 1,
        "class": "quality",
        "unit": "1",
        "direction": "higher",
        "note": "",
    }
    return _row("verdicts", **({"case": case, "metric": metric, "verdict": name} | row | given))


def values(accuracy: float, **others: float | None) -> dict[str, float | None]:
    """Return the values of a usual run with this accuracy."""
    usual: dict[str, float | None] = {
        "accuracy": accuracy,
        "macro_f1": accuracy - 0.001,
        "test_loss": 0.05,
        "train_throughput": 5120.0,
        "step_time_median": 0.0125,
        "host_peak_memory": 500 * 2.0**20,
        "train_time": 3.5,
        "gpu_utilization": None,
        "parameters": 93322.0,
        "train_flops_per_sample": 16376064.0,
    }
    return usual | others


def stored(
    results: Path,
    suite: Suite,
    runs: Iterable[Trained] = (),
    verdicts: Iterable[Mapping[str, Any]] = (),
    left_out: Sequence[str] = (),
    complete: bool = True,
) -> RunSet:
    """Store a run set."""
    run_set = RunSet.create(results, suite, left_out)
    for run in runs:
        add(run_set, run)
    run_set.fold()
    if verdicts:
        run_set.put("verdicts", verdicts)
    run_set.update(complete=complete)
    return run_set


def usual(results: Path, **given: Any) -> RunSet:
    """Store a run set as most are: two cases, all runs ok but one, not judged."""
    keras, digits = make_case(targets={"accuracy": 0.98}), make_case("digits", data="digits", published={})
    runs = [
        *(Trained(keras, seed, values(accuracy)) for seed, accuracy in ((1, 0.990), (2, 0.992), (3, 0.991))),
        *(Trained(digits, seed, values(accuracy)) for seed, accuracy in ((1, 0.95), (2, 0.96))),
        Trained(digits, 3, status="oom", reason="killed at 7.2 GiB <script>alert('x')</script> | a_b", losses=(), seconds=()),
    ]
    return stored(results, make_suite(keras, digits), runs, **given)


def read(run_set: RunSet, *catalogues: Path) -> ReportData:
    """Read a run set with the built-in parts and those of these folders."""
    return ReportData.read(run_set, Catalog(catalogues))


def tables(blocks: Iterable[Block]) -> list[Table]:
    """Return the tables among blocks, those of figures left out, those of details included."""
    found: list[Table] = []
    for block in blocks:
        if isinstance(block, Table):
            found.append(block)
        elif isinstance(block, Details):
            found += tables(block.blocks)
    return found


def figures(blocks: Iterable[Block]) -> list[Figure]:
    """Return the figures among blocks."""
    return [block for block in blocks if isinstance(block, Figure)]


def texts(table: Table) -> list[list[str]]:
    """Return a table's rows as texts."""
    return [[cell.text for cell in row.cells] for row in table.rows]


def column(table: Table, title: str) -> list[str]:
    """Return the texts of one column."""
    place = [entry.title for entry in table.columns].index(title)
    return [row.cells[place].text for row in table.rows]


def find_row(table: Table, first: str) -> Row:
    """Return the row whose first cell reads so."""
    return next(row for row in table.rows if row.cells[0].text == first)


def section(name: str) -> Section:
    """Return a built-in section."""
    found = Catalog().load("report", name)
    assert isinstance(found, Section)
    return found


def plots(table: Table) -> list[str]:
    """Return the drawings in a table's cells, row by row."""
    return [cell.plot for row in table.rows for cell in row.cells if cell.plot]


def alt(svg: str) -> str:
    """Return a drawing's text alternative."""
    return str(ElementTree.fromstring(svg).attrib["aria-label"])


def captioned(blocks: Iterable[Block], caption: str) -> Table:
    """Return the table whose caption begins so."""
    return next(table for table in tables(blocks) if table.caption.startswith(caption))


def points_of(svg: str, cls: str) -> list[tuple[int, int]]:
    """Return the points of a drawing's first path of a class, read as SVG says: M is absolute, l is relative."""
    path = next(found for found in ElementTree.fromstring(svg).iter("path") if cls in found.attrib["class"].split())
    numbers = [int(number) for number in re.findall(r"-?\d+", path.attrib["d"])]
    found = [(numbers[0], numbers[1])]
    for x, y in zip(numbers[2::2], numbers[3::2], strict=True):
        found.append((found[-1][0] + x, found[-1][1] + y))
    return found
