"""Files of pytest-benchmark become a run set, to be compared, gated and reported like any other.

A benchmark is a case, a file is one run of each: its rounds were timed in one process, one after the other, and say nothing of
what the next process would measure. A run's value is the median of its rounds. Several files are repeats, and two or more are
what a base needs to be judged against.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from harness.digests import short_digest
from harness.errors import UsageError
from harness.project import Project
from harness.results import TABLES, RunSet
from harness.suite import NAME_PATTERN, RESERVED, Case, Gate, PartRef, Suite

FROM = "pytest-benchmark"
JUDGED = "round_time_median"
VALUES = {JUDGED: "median", "round_time_mean": "mean", "round_time_min": "min"}
"""Metric -> its figure in a benchmark's stats; seconds an iteration."""
NO_COMMIT = (None, "unversioned", "unknown")
"""What stands for a commit where there is none."""
DEFINING = ("timer", "disable_gc", "warmup")
"""Options of pytest-benchmark without which two times cannot be compared."""


@dataclass(frozen=True)
class File:
    """One file of pytest-benchmark."""

    path: Path
    started_utc: str
    commit: str
    dirty: bool
    machine: Mapping[str, str]
    version_key: str
    benchmarks: Mapping[str, Mapping[str, Any]]
    """Case -> benchmark."""


def import_files(project: Project, paths: Sequence[Path], name: str, margin: float) -> RunSet:
    """Store files as a new run set of a suite that no file declares.

    Args:
        project: where results are kept.
        paths: files of `pytest --benchmark-json`, of one commit on one machine.
        name: the suite.
        margin: largest relative change of a median for the worse that its gate lets pass.

    Raises:
        UsageError: a file is none of pytest-benchmark's, or the name cannot be used.
        ResultsError: the results folder cannot be written.
    """
    if not re.fullmatch(NAME_PATTERN, name) or name in RESERVED:
        allowed = f"letters, digits and _ . = , + - [ ], not {', '.join(RESERVED)}"
        raise UsageError(f"--suite: {name!r} is no name; allowed: {allowed}")
    if name in project.suite_files():
        raise UsageError(f"--suite: {name!r} is declared in {project.suites}: runs from elsewhere need another name")
    files = [_read(path) for path in paths]
    suite = _suite(files, name, margin)
    run_set = RunSet.create(project.results, suite, asked=f"convert --from {FROM}")
    with run_set.lock():
        run_set.add("imported", _rows(files, suite))
        run_set.fold()
        run_set.update(complete=True)
    return run_set


def _read(path: Path) -> File:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return _parsed(path, content)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        about = f"{type(error).__name__}: {error}"
        raise UsageError(f"{path}: no file of `pytest --benchmark-json=FILE` ({about})") from error


def _parsed(path: Path, content: Mapping[str, Any]) -> File:
    machine, commit = content["machine_info"], content["commit_info"]
    found: dict[str, Mapping[str, Any]] = {}
    for benchmark in content["benchmarks"]:
        case = re.sub(r"^[^A-Za-z0-9]+|[^A-Za-z0-9_.=,+\[\]-]+", ".", benchmark["fullname"]).lstrip(".")
        if case in found:
            raise ValueError(f"two benchmarks are called {benchmark['fullname']!r}, or differ in signs only")
        found[case] = {key: benchmark[key] for key in ("stats", "options")}
        _ = [float(benchmark["stats"][figure]) for figure in VALUES.values()]
    if not found:
        raise ValueError("it holds no benchmark")
    cpu = machine.get("cpu") or {}
    return File(
        path=path,
        started_utc=datetime.fromisoformat(content["datetime"]).isoformat(timespec="seconds"),
        commit="" if commit.get("id") in NO_COMMIT else str(commit["id"]),
        dirty=bool(commit.get("dirty")),
        machine={
            "cpu": str(cpu.get("brand_raw") or machine.get("processor") or ""),
            "cpu_count": str(cpu.get("count") or ""),
            "system": str(machine.get("system") or ""),
            "architecture": str(machine.get("machine") or ""),
        },
        version_key=f"python {'.'.join(str(machine.get('python_version') or '').split('.')[:2])}",
        benchmarks=found,
    )


def _suite(files: Sequence[File], name: str, margin: float) -> Suite:
    """Return the suite that these files are runs of: every benchmark of any file, once in each."""
    held = {case: benchmark for file in files for case, benchmark in file.benchmarks.items()}
    return Suite(
        name=name,
        version=1,
        why=f"Benchmarks of {FROM}.",
        cases=tuple(_case(*item, len(files), margin) for item in held.items()),
    )


def _case(name: str, benchmark: Mapping[str, Any], repeats: int, margin: float) -> Case:
    options: dict[str, Any] = {key: benchmark["options"][key] for key in DEFINING if key in benchmark["options"]}
    return Case(
        name=name,
        model=PartRef(name=FROM, options=options),
        data=PartRef(name=FROM),
        task=PartRef(name=FROM),
        seeds=(1,),
        repeats=repeats,
        passes=(),
        gates={JUDGED: Gate(level="hard", margin=margin)},
    )


def _rows(files: Sequence[File], suite: Suite) -> dict[str, list[dict[str, Any]]]:
    rows: dict[str, list[dict[str, Any]]] = {"runs": [], "measurements": [], "environments": []}
    cases = {case.name: case for case in suite.cases}
    for repeat, file in enumerate(files, start=1):
        described = {f"machine.{key}": value for key, value in file.machine.items()} | {"version.key": file.version_key}
        environment = short_digest(described)
        rows["environments"] += [{"environment_digest": environment, "key": k, "value": v} for k, v in described.items()]
        for case, benchmark in file.benchmarks.items():
            run_id = f"{case}-{repeat}"
            rows["runs"].append(_run(file, suite, cases[case], repeat) | {"run_id": run_id, "environment_digest": environment})
            rows["measurements"] += [_measurement(run_id, metric, benchmark["stats"]) for metric in VALUES]
    rows["environments"] = list({(row["environment_digest"], row["key"]): row for row in rows["environments"]}.values())
    return rows


def _run(file: File, suite: Suite, case: Case, repeat: int) -> dict[str, Any]:
    return dict.fromkeys(TABLES["runs"].names) | {
        "suite": suite.name,
        "suite_digest": suite.digest,
        "case": case.name,
        "case_digest": case.digest,
        "model": case.model.name,
        "data": case.data.name,
        "task": case.task.name,
        "seed": 1,
        "repeat": repeat,
        "arm": "solo",
        "block": 0,
        "restart": 0,
        "pass": "train",
        "device": case.execution.device,
        "status": "ok",
        "reason": "",
        "commit": file.commit,
        "dirty": file.dirty,
        "started_utc": file.started_utc,
        "seconds": float(file.benchmarks[case.name]["stats"].get("total") or 0.0),
        "machine_class": short_digest(dict(file.machine)),
        "numeric_fingerprint": short_digest({}),
        "version_key": file.version_key,
    }


def _measurement(run_id: str, metric: str, stats: Mapping[str, Any]) -> dict[str, Any]:
    return dict.fromkeys(TABLES["measurements"].names) | {
        "run_id": run_id,
        "metric": metric,
        "phase": "train",
        "value": float(stats[VALUES[metric]]),
        "unit": "s",
        "direction": "lower",
        "class": "machine",
        "scope": "any",
        "n": int(stats.get("rounds") or 1),
    }
