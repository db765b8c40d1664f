"""Profiles a stored run: trains its case and seed again for a few steps, and keeps the trace beside the run's tables."""

from __future__ import annotations

import json
import shutil
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import MeasuringError, ResultsError, UsageError
from harness.project import Project
from harness.runner.display import make_display
from harness.runner.execute import Session, scratch_folder
from harness.runner.find import StoredRun
from harness.runner.jobs import OPERATIONS, TRACE, Job, Profiling
from harness.runner.plan import PlannedRun

TRACES = "traces"
"""Folder of a run set that holds traces, by run id."""


@dataclass(frozen=True)
class Profiled:
    """What came of profiling a run."""

    trace: Path
    operations: list[dict[str, Any]]
    """Name, calls, seconds and bytes of each operation, the costliest first."""


def profile(project: Project, run: StoredRun, profiling: Profiling) -> Profiled:
    """Train a run's case with its seed for a few steps under torch's profiler. The run set's tables stay as they are.

    Raises:
        UsageError: a script trained it, it is an experiment, the run set is in use, or the run is of other code, data or
            settings than now.
        MeasuringError: the training failed.
        ResultsError: the trace cannot be written.
    """
    if run.case.task.name == "script":
        raise UsageError(f"{run.run_id}: a script trained it, which alone can do so again; use torch.profiler in the script")
    if run.case.experiment is not None:
        raise UsageError(f"{run.run_id}: an experiment, which has no one training to look at; use torch.profiler in its file")
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
