"""`harness.measure`: one training of a script, measured and stored like a suite's run."""

from __future__ import annotations

import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

import torch
from torch.optim.optimizer import register_optimizer_step_post_hook

from harness import environment
from harness.git import diff_digest, git_state
from harness.observations import Direction
from harness.project import Project, find_project
from harness.results import RunSet
from harness.runner.beside import Beside
from harness.runner.display import result_line
from harness.runner.jobs import Job, Outcome, Status
from harness.runner.passes._setup import find_device, out_of_memory
from harness.runner.plan import PlannedRun, run_key
from harness.runner.record import Identity, fingerprint, headline, load_metrics, record
from harness.runner.supervise import Ended
from harness.script._case import check_gates, check_name, claimed, code_digest, make_case, make_way
from harness.script._run import Run
from harness.script._scores import ScoreNames
from harness.suite import Case


@contextmanager
def measure(
    name: str,
    *,
    case: str | None = None,
    seed: int = 1,
    device: str = "auto",
    precision: str = "fp32",
    mode: str = "eager",
    model: str = "",
    data: str = "",
    targets: Mapping[str, float] | None = None,
    directions: Mapping[str, Direction] | None = None,
    gates: Mapping[str, Any] | None = None,
    into: str | None = None,
) -> Iterator[Run]:
    """Measure the training inside the block and store it as a run: `with harness.measure("mine", seed=1) as run:`.

    The runs of one execution of the script go into one run set, results/<name>/<moment>, unless `into` names one. A run of a
    case and seed that the set holds already is a repeat; it takes the place of one that failed or was of another state of the
    script's file. Nothing is seeded and nothing of torch is set: what the script does is what is measured.

    Args:
        name: where the runs are stored, as a suite's would be; `harness gate`, `compare` and `report` take it.
        case: what is trained, by default `name`; one set may hold several.
        seed: the seed that the script uses; runs of several seeds are what a comparison judges by.
        device: cpu, cuda, cuda:1, or auto (cuda where there is one): where the script trains.
        precision: fp32, bf16 or tf32: what the script trains in.
        mode: eager, compile or cuda_graphs: how it runs the model.
        model: its name, for the tables.
        data: the data's name, likewise.
        targets: score -> threshold, to measure the time until it is reached.
        directions: score -> higher or lower, for scores that are no metrics of the catalogue.
        gates: metric -> how it is judged, as in a suite: {"accuracy": {"margin": 0.02}}.
        into: name of a run set to add to, made if it is not there, so that several executions fill one.

    Raises:
        UsageError: an argument is not as it must be, or the run set is in use.
        MeasuringError: the device is not there.
        ResultsError: the results cannot be written.
    """
    project = find_project()
    check_name(project, name)
    metrics, given = load_metrics(project.catalog()), dict(directions or {})
    names = ScoreNames(metrics, given)
    for score in targets or {}:
        names.metric_of(score)
    execution = {"device": device, "threads": torch.get_num_threads(), "precision": precision, "mode": mode, "lane": _lane()}
    parts = {"model": {"name": model}, "data": {"name": data}, "execution": execution}
    judged = {"seeds": (seed,), "targets": dict(targets or {}), "gates": dict(gates or {})}
    declared = make_case({"name": case or name, **parts, **judged})
    check_gates(declared.gates, metrics | names.metrics_of(given))
    with _recorded(project, name, declared, into, names) as run:
        yield run


@contextmanager
def _recorded(project: Project, name: str, case: Case, into: str | None, names: ScoreNames) -> Iterator[Run]:
    """Hold the run set, measure what happens inside, and store it however it ends."""
    device, owner = find_device(case.execution.device), os.getpid()
    with claimed(project, name, case, into) as run_set, _work_folder(run_set.path) as folder:
        recorder = _Recorder(project, run_set, case, device, names, folder)
        hook = register_optimizer_step_post_hook(recorder.run.updated)
        try:
            yield recorder.run
        except BaseException as error:
            if os.getpid() == owner:  # a fork that leaves the block leaves the run to its parent
                recorder.end(error)
            raise
        else:
            if os.getpid() == owner:
                recorder.end(None)
        finally:
            hook.remove()


@contextmanager
def _work_folder(parent: Path) -> Iterator[Path]:
    """Make a folder for what the run leaves until it is stored; the process that made it removes it."""
    folder, owner = Path(tempfile.mkdtemp(prefix=".work-", dir=parent)), os.getpid()
    try:
        yield folder
    finally:
        if os.getpid() == owner:
            shutil.rmtree(folder, ignore_errors=True)


class _Recorder:
    """From the beginning of a block to its rows."""

    def __init__(
        self, project: Project, run_set: RunSet, case: Case, device: torch.device, names: ScoreNames, folder: Path
    ) -> None:
        self.run = Run(device, names)
        self._project, self._run_set, self._case, self._seed = project, run_set, case, case.seeds[0]
        self._device, self._names, self._folder = device, names, folder
        self._code, self._git = (
            code_digest(),
            (*git_state(project.root), diff_digest(project.root)),
        )  # as now: both may be edited
        self._beside = Beside(folder, environment.gpu_uuid(device) if device.type == "cuda" else None)
        self._moment, self._started = datetime.now(UTC), monotonic()

    def end(self, error: BaseException | None) -> None:
        """Store the run, however its block ended, and say how in one line on stderr."""
        seconds = monotonic() - self._started
        seen = self._beside.stop()
        outcome = self._outcome(error, seconds)
        key = run_key(self._case, self._code, "", fingerprint(outcome))
        repeat = make_way(self._run_set, self._case.name, self._seed, key)
        planned = PlannedRun(self._case, self._seed, repeat)
        run_id = f"{self._case.name}-s{self._seed}-{self._moment:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"
        moment = self._moment.isoformat(timespec="milliseconds")
        identity = Identity(run_id, key, *self._git, self._code, moment, synthetic=False)
        job = Job("run", self._case, self._folder, self._project, self._seed)
        ended = Ended(outcome, monotonic() - self._started, **seen)
        scores = self.run.seen.scores
        metrics = load_metrics(self._project.catalog()) | self._names.metrics_of(scores)
        outcome, values, rows = record(self._run_set.manifest.suite, planned, identity, job, ended, metrics)
        self._run_set.add(run_id, rows)
        self._run_set.fold()
        primary = self._names.metric_of(next(iter(scores))) if scores else ""
        line = result_line(planned, outcome, headline(values, metrics, primary), ended.seconds)
        print(f"{line}; in {self._run_set.name}", file=sys.stderr, flush=True)

    def _outcome(self, error: BaseException | None, seconds: float) -> Outcome:
        """Return how the block ended; the observations of one that went well are saved."""
        status, reason = _status_of(error), f"{type(error).__name__}: {error}".strip(": ") if error else ""
        try:
            seen = self.run.finish()
            seen.targets = dict(self._case.targets)
            seen.save(self._folder)
            diverged = self.run.divergence()
        except Exception:
            if error is None:
                raise
            diverged = ""  # a device that failed gives no losses any more: the script's own error says why
        if diverged and status in ("ok", "failed"):
            status, reason = "diverged", "; ".join(filter(None, (diverged, reason)))
        execution = self._case.execution
        described = environment.describe(self._device, execution.precision, execution.lane, execution.mode)
        return Outcome(status, reason, seconds, described, environment.version_key())


def _status_of(error: BaseException | None) -> Status:
    if error is None:
        return "ok"
    if isinstance(error, KeyboardInterrupt):
        return "killed"
    return "oom" if out_of_memory(error) else "failed"


def _lane() -> str:
    return "deterministic" if torch.are_deterministic_algorithms_enabled() else "speed"
