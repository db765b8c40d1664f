"""Profiles a stored run: trains its case and seed again for a few steps, and keeps the trace beside the run's tables."""

from __future__ import annotations

import json
import shutil
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import MeasuringError, ResultsError, UsageError, nearest
from harness.project import Project
from harness.results import RunSet, find_run_set, list_entries
from harness.runner.display import make_display
from harness.runner.execute import Session, scratch_folder
from harness.runner.jobs import OPERATIONS, TRACE, Job, Profiling
from harness.runner.plan import PlannedRun
from harness.suite import Case

TRACES = "traces"
"""Folder of a run set that holds traces, by run id."""
MOST_LISTED = 8
COLUMNS = ["run_id", "run_key", "case", "seed", "task", "pass", "status"]


@dataclass(frozen=True)
class StoredRun:
    """A run to be profiled."""

    run_set: RunSet
    run_id: str
    run_key: str
    case: Case
    seed: int


@dataclass(frozen=True)
class Profiled:
    """What came of profiling a run."""

    trace: Path
    operations: list[dict[str, Any]]
    """Name, calls, seconds and bytes of each operation, the costliest first."""


def find_run(project: Project, name: str, case: str | None = None) -> StoredRun:
    """Return a stored run by its id or the unique head of it, or the first good run of a case in a run set.

    Args:
        project: where the results are.
        name: the run's id or its head; with `case`, a run set or a suite for its last.
        case: a case of that run set.

    Raises:
        UsageError: there is no such run, there are several, or it cannot be trained again because a script did it.
    """
    run_set, row = _by_id(project, name) if case is None else _by_case(project, name, case)
    if row["task"] == "script":
        raise UsageError(f"{row['run_id']}: a script trained it, which alone can do so again; use torch.profiler in the script")
    found = {each.name: each for each in run_set.manifest.suite.cases}[row["case"]]
    return StoredRun(run_set, row["run_id"], row["run_key"], found, int(row["seed"]))


def _by_id(project: Project, name: str) -> tuple[RunSet, dict[str, Any]]:
    rows = [(entry.run_set, row) for entry in list_entries(project.results) for row in _rows(entry.run_set)]
    found = [(run_set, row) for run_set, row in rows if row["run_id"] == name]
    found = found or [(run_set, row) for run_set, row in rows if name and row["run_id"].startswith(name)]
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(row["run_id"] for _, row in found[:MOST_LISTED])
        more = f" and {len(found) - MOST_LISTED} more" if len(found) > MOST_LISTED else ""
        raise UsageError(
            f"{name!r} begins {len(found)} runs: {ids}{more}; give more of the one you mean, or a suite and a case"
        )
    if any(name in (run_set.name, run_set.path.parent.name) for run_set, _ in rows):
        raise UsageError(f"{name!r} holds many runs; name a case too: harness profile {name} CASE")
    close = nearest(name, [row["run_id"] for _, row in rows])
    raise UsageError(f"no run {name!r} in {project.results}{close}; give a run's id or its head, or a suite and a case")


def _by_case(project: Project, name: str, case: str) -> tuple[RunSet, dict[str, Any]]:
    run_set = find_run_set(project.results, name)
    rows = [row for row in _rows(run_set) if row["pass"] == "train"]
    good = [row for row in rows if row["case"] == case and row["status"] == "ok"]
    if not good:
        cases = list(dict.fromkeys(row["case"] for row in rows))
        known = f"no run of it is ok; run it again with `harness run {run_set.path.parent.name}`"
        unknown = f"no such case{nearest(case, cases)}; held: {', '.join(cases)}"
        raise UsageError(f"{run_set.name}, case {case!r}: {known if case in cases else unknown}")
    return run_set, min(good, key=lambda row: int(row["seed"]))


def _rows(run_set: RunSet) -> list[dict[str, Any]]:
    return [{str(key): value for key, value in row.items()} for row in run_set.table("runs", COLUMNS).to_dict("records")]


def profile(project: Project, run: StoredRun, profiling: Profiling) -> Profiled:
    """Train a run's case with its seed for a few steps under torch's profiler. The run set's tables stay as they are.

    Raises:
        UsageError: the run set is in use, or the run is of other code, data or settings than there are now.
        MeasuringError: the training failed.
        ResultsError: the trace cannot be written.
    """
    suite = run.run_set.manifest.suite.model_copy(update={"cases": (run.case,)})
    with run.run_set.lock(), ExitStack() as stack:
        session = Session(project, suite, run.run_set, Path(stack.enter_context(scratch_folder(run.run_set))), fresh=True)
        stack.callback(session.close)
        session.identify(run.case)
        _check_unchanged(session, run)
        job = Job("run", run.case, session.folder(), project, run.seed, "profile", profiling=profiling)
        planned = PlannedRun(run.case, run.seed, 1, "profile")
        with make_display(1) as display:
            display.started(planned)
            ended = session.watch(job, display)
            display.ended(planned, ended.outcome, [], ended.seconds)
        if ended.outcome.status != "ok":
            raise MeasuringError(f"{run.run_id}: not profiled: {ended.outcome.status}: {ended.outcome.reason}")
        trace = run.run_set.path / TRACES / f"{run.run_id}.json.gz"
        try:
            trace.parent.mkdir(exist_ok=True)
            shutil.move(job.folder / TRACE, trace)
        except OSError as error:
            raise ResultsError(f"{trace.parent}: cannot be written: {error.strerror}; make it a folder to write to") from error
        return Profiled(trace, json.loads((job.folder / OPERATIONS).read_text()))


def _check_unchanged(session: Session, run: StoredRun) -> None:
    outcome = session.surroundings[run.case.name]
    if outcome.status != "ok":
        raise MeasuringError(f"{run.run_id}: its case cannot be run here: {outcome.reason}")
    if session.keys[run.case.name] != run.run_key:
        raise UsageError(
            f"{run.run_id}: its case's code, data or numeric surroundings (machine, torch, threads) have changed since it ran, "
            f"so that another training would be profiled; run it again with `harness run {run.run_set.path.parent.name}`"
        )
