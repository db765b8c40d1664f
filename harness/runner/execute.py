"""Runs a suite: takes up or makes a run set, runs what it does not hold yet, stores each run as it ends."""

from __future__ import annotations

import secrets
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

from filelock import FileLock

from harness.catalog import Catalog, Part
from harness.errors import ResultsError
from harness.git import diff_digest, git_state
from harness.metrics import Metric
from harness.observations import MAIN_PASSES, Value
from harness.project import Project
from harness.results import RunSet, run_sets
from harness.runner.client import ForkServer, ServerGoneError, settings_of
from harness.runner.code import code_digest, parts_of
from harness.runner.display import Display, make_display
from harness.runner.jobs import LOG, Job, Outcome
from harness.runner.more_seeds import drawing, may_draw, taken_up, with_next_look
from harness.runner.outcomes import outcome_metrics
from harness.runner.plan import PlannedRun, planned_runs, run_key
from harness.runner.record import Identity, Rows, fingerprint, headline, load_metrics, record
from harness.runner.supervise import Ended, Watch
from harness.suite import Case, Suite

FINAL = ("ok", "diverged")
"""Statuses of runs that say something about the case; the others are run again when an unfinished set is taken up."""

CHECKPOINTS = ".checkpoints"
"""Folder, beside a suite's run sets, of trainings that were cut short."""
LOGS = "logs"
"""Folder of a run set that holds what failed runs printed, by run id."""
CUT_SHORT = ("killed", "timeout", "oom")
"""Statuses of runs that would have gone on: the next run of the same key takes them up."""

UNKNOWN_KEY = ""
"""The key of a case whose data or device could not be looked at."""


@dataclass(frozen=True)
class Ran:
    """What came of running a suite."""

    run_set: RunSet
    statuses: dict[str, int]
    """Status -> number of runs, those taken up from before included."""
    continued: bool

    @property
    def failed(self) -> bool:
        """Whether any run is not ok."""
        return any(count for status, count in self.statuses.items() if status != "ok")


def execute(
    project: Project,
    suite: Suite,
    left_out: Sequence[str] = (),
    fresh: bool = False,
    asked: str = "",
    undecided: Callable[[RunSet], Collection[str]] | None = None,
) -> Ran:
    """Run a suite to its end and return the run set.

    Args:
        project: where results go.
        suite: what to run, narrowed and overridden.
        left_out: cases that the narrowing left out.
        fresh: start a new run set even if the last is unfinished, and every training at its first step.
        asked: the suite file and the options; an unfinished set that was asked for otherwise is not taken up.
        undecided: names the cases that are to draw more of their seeds, if they may, once all that were asked for ran;
            None: none are drawn.

    Raises:
        UsageError: another harness holds the suite's unfinished run set.
        ResultsError: the results folder cannot be written.
    """
    with _claimed(project, suite, left_out, fresh, asked) as (run_set, continued), ExitStack() as stack:
        scratch = Path(stack.enter_context(scratch_folder(run_set)))
        wanted = taken_up(suite, run_set.manifest.suite) if continued else suite
        session = Session(project, wanted, run_set, scratch, fresh)
        stack.callback(session.close)
        session.run(continued, left_out)
        while undecided and may_draw(session.suite) and (wider := with_next_look(session.suite, undecided(run_set))):
            why = f", undecided: {drawing(session.suite, wider)}"
            session.suite = wider
            session.run(True, left_out, why)
        run_set.update(complete=True)
        statuses = Counter(str(status) for status in run_set.table("runs", ["status"])["status"])
        return Ran(run_set, dict(statuses), continued)


@dataclass(frozen=True)
class Attempt:
    """One try at a run."""

    run_id: str
    outcome: Outcome
    values: dict[str, Value]
    rows: Rows
    seconds: float


@contextmanager
def _claimed(project: Project, suite: Suite, left_out: Sequence[str], fresh: bool, asked: str) -> Iterator[tuple[RunSet, bool]]:
    """Hold the suite's unfinished run set, or a new one; (run set, whether it is taken up again)."""
    folder = project.results / suite.name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        chooser = FileLock(folder / ".lock")
        chooser.acquire()
    except OSError as error:
        raise ResultsError(
            f"{folder}: cannot be written: {error.strerror}; make it writable or choose another folder"
        ) from error
    with ExitStack() as stack:
        try:
            last = None if fresh else _unfinished(project, suite, asked)
            run_set = last or RunSet.create(project.results, suite, left_out, asked)
            stack.enter_context(run_set.lock())
        finally:
            chooser.release()
        yield run_set, last is not None


def _unfinished(project: Project, suite: Suite, asked: str) -> RunSet | None:
    """Return the suite's last run set if it is unfinished and was asked for alike."""
    for run_set in run_sets(project.results, suite.name)[-1:]:
        manifest = run_set.manifest
        if not manifest.complete and manifest.asked == asked:
            return run_set
    return None


@contextmanager
def scratch_folder(run_set: RunSet) -> Iterator[str]:
    """A folder for what runs hand over; beside the tables, so that large arrays do not fill the system's /tmp."""
    for left in run_set.path.glob(".work-*"):
        shutil.rmtree(left, ignore_errors=True)  # of a killed harness: we hold the lock
    folder = tempfile.mkdtemp(prefix=".work-", dir=run_set.path)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Session:
    """The runs of one suite, one after the other.

    Args:
        project: where data and results are.
        suite: what is run.
        run_set: where rows go.
        scratch: folder for what runs hand over.
        fresh: whether every training starts at its first step.
        settings: environment variables of the runs, beside those of their pass.
    """

    def __init__(
        self,
        project: Project,
        suite: Suite,
        run_set: RunSet,
        scratch: Path,
        fresh: bool,
        settings: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.settings = settings
        self.project, self.suite, self.run_set, self.scratch, self.fresh = project, suite, run_set, scratch, fresh
        self.catalog: Catalog = project.catalog()
        self.metrics = load_metrics(self.catalog)
        self.primary = {case.name: _primary(self.catalog, case) for case in suite.cases}
        self.checkout = *git_state(project.root), diff_digest(project.root)
        self.data: set[str] = set()
        self.surroundings: dict[str, Outcome] = {}
        self.code: dict[str, str] = {}
        self.keys: dict[str, str] = {}
        self.peaks: dict[tuple[str, int, str], float | None] = {}
        self._server: tuple[tuple[int, Mapping[str, str]], ForkServer] | None = None

    def run(self, continued: bool, left_out: Sequence[str] = (), why: str = "") -> None:
        """Run whatever the run set does not hold yet, and fold its tables; `why` tells of going on."""
        plan = planned_runs(self.suite)
        self.tell_of_downloads()
        for case in self.suite.cases:
            if case.name not in self.keys:
                self.identify(case)
        stale, missing = self.sort_out(plan)
        self.run_set.drop(stale)
        self.drop_logs(stale)
        self.run_set.update(suite=self.suite, left_out=left_out)
        with make_display(len(missing)) as display:
            if continued:
                again = f", {len(stale)} of them again, because they failed or were edited" if stale else ""
                display.note(f"going on with {self.run_set.name}{why}: {len(missing)} of {len(plan)} runs to do{again}")
            try:
                for run in missing:
                    self.one(run, display)
            finally:
                self.run_set.fold()

    def tell_of_downloads(self) -> None:
        """Say which data sets will be fetched, because that may take a while in which nothing else is said.

        Of those that an experiment names, its options decide which it asks for.
        """
        trained = {part.name for case in self.suite.cases if not case.experiment for part in self.data_of(case)}
        taken = {part.name: part.fields for case in self.suite.cases for part in self.data_of(case)}
        for name, fields in sorted(taken.items()):
            folder = self.project.data / (fields.get("folder") or name)
            if fields.get("download") and not folder.is_dir():
                what = f"fetching {name}" if name in trained else f"{name} is fetched, if an experiment asks for it,"
                print(f"{what} into {folder} (HARNESS_DATA_DIR chooses another place)", file=sys.stderr, flush=True)

    def data_of(self, case: Case) -> list[Part]:
        """Return the data sets that a case names, or its experiment."""
        return [part for part in parts_of(case, self.catalog) if part.kind == "data"]

    def identify(self, case: Case) -> None:
        """Have a process fetch the case's data and describe what its runs will run on; make the case's key of it.

        A failure here is left to the runs themselves, which will say why.
        """
        outcome = self.watch(Job("identify", case, self.folder(), self.project)).outcome
        self.surroundings[case.name] = outcome
        self.code[case.name] = code_digest(case, self.catalog)
        known = outcome.status == "ok"
        key = run_key(case, self.code[case.name], outcome.identity, fingerprint(outcome)) if known else UNKNOWN_KEY
        self.keys[case.name] = key

    def peak(self, case: Case) -> float | None:
        """Return the machine's peak with a case's execution settings, measured once a session; None where that failed."""
        execution = case.execution
        settings = execution.device, execution.threads, execution.precision
        if settings not in self.peaks:
            outcome = self.watch(Job("peak", case, self.folder(), self.project)).outcome
            self.peaks[settings] = outcome.numbers.get("flops_per_second")
        return self.peaks[settings]

    def sort_out(self, plan: list[PlannedRun]) -> tuple[list[str], list[PlannedRun]]:
        """Return the ids of held runs that are to be dropped, and the planned runs that are to be run.

        A run is held by its case, seed, repeat and pass, if its key is still the case's (or the case could not be looked at,
        which says nothing against it) and its status is final.
        """
        held: set[tuple[str, int, int, str]] = set()
        stale: list[str] = []
        rows = self.run_set.table("runs", ["run_id", "run_key", "case", "seed", "repeat", "pass", "status"])
        planned = {(run.case.name, run.seed, run.repeat, str(run.measures)): run for run in plan}
        for run_id, key, case, seed, repeat, measures, status in zip(*(rows[name] for name in rows), strict=True):
            wanted = self.keys.get(case, UNKNOWN_KEY) in (key, UNKNOWN_KEY)
            if (case, seed, repeat, measures) in planned and wanted and status in FINAL:
                held.add((case, seed, repeat, measures))
            else:
                stale.append(str(run_id))
        return stale, [run for name, run in planned.items() if name not in held]

    def one(self, run: PlannedRun, display: Display) -> None:
        """Run once, again if it was disturbed and may be repeated, and store the rows of the last."""
        for left in range(run.case.retries, -1, -1):
            display.started(run)
            attempt = self.attempt(run, display)
            if attempt.outcome.status != "tainted" or not left:
                break
            self.drop_logs([attempt.run_id])
            display.note(f"{run.title}: run again, because {attempt.outcome.reason}")
        self.run_set.add(attempt.run_id, self.fresh_data(attempt.rows))
        numbers = headline(attempt.values, self.metrics_of(run.case), self.primary[run.case.name])
        display.ended(run, attempt.outcome, numbers, attempt.seconds)

    def fresh_data(self, rows: Rows) -> Rows:
        """Return a run's rows without the hashes of data that an earlier run of this session has stored."""
        digests = {row["data_digest"] for row in rows["runs"] if row["data_digest"]}
        known = digests <= self.data
        self.data |= digests
        return {name: table for name, table in rows.items() if not (known and name == "data_samples")}

    def attempt(self, run: PlannedRun, display: Display) -> Attempt:
        """Run once; nothing is stored but the log of a run that is not ok."""
        case, started = run.case, datetime.now(UTC)
        of_pass = "" if run.measures in MAIN_PASSES else f"-{run.measures}"
        run_id = f"{case.name}-s{run.seed}{of_pass}-{started:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"
        key, moment = self.keys[case.name], started.isoformat(timespec="milliseconds")
        data = self.data_of(case)
        synthetic = bool(data) and all(part.fields.get("synthetic") for part in data)
        identity = Identity(run_id, key, *self.checkout, self.code[case.name], moment, synthetic)
        job = Job("run", case, self.folder(), self.project, run.seed, run.measures, self.checkpoint(run))
        self.tell_of_checkpoint(run, job, display)
        peak = self.peak(case) if run.measures == "train" else None
        ended = replace(self.watch(job, display), peak_flops_per_second=peak)
        ended.outcome = self.completed(case, ended.outcome)
        outcome, values, rows = record(self.suite, run, identity, job, ended, self.metrics_of(case))
        if outcome.status != "ok":
            self.keep_log(job, run_id)
        shutil.rmtree(job.folder)
        if job.checkpoint and outcome.status not in CUT_SHORT:
            job.checkpoint.unlink(missing_ok=True)
        return Attempt(run_id, outcome, values, rows, ended.seconds)

    def metrics_of(self, case: Case) -> Mapping[str, Metric]:
        """Return the metrics that a case's runs are measured by: the catalogue's, or the outcomes of its experiment."""
        return self.metrics if case.experiment is None else outcome_metrics(self.catalog, case.experiment.name)

    def tell_of_checkpoint(self, run: PlannedRun, job: Job, display: Display) -> None:
        """Say that a checkpoint is there to go on from, or remove it where everything is to start anew."""
        if job.checkpoint and job.checkpoint.exists():
            if self.fresh:
                job.checkpoint.unlink()
            else:
                display.note(f"{run.title}: a checkpoint is there to go on from")

    def completed(self, case: Case, outcome: Outcome) -> Outcome:
        """Return an outcome with its surroundings, where the run died before it told them; failed if its code was edited."""
        if not outcome.environment:
            known = self.surroundings[case.name]
            outcome = replace(outcome, environment=known.environment, version_key=known.version_key)
        if code_digest(case, self.catalog) != self.code[case.name]:
            reason = "its source code was edited while the suite ran: run the suite again"
            outcome = replace(outcome, status="failed", reason=reason)
        return outcome

    def watch(self, job: Job, display: Display | None = None) -> Ended:
        """Have the fork server do a job, under watch; a server that has gone is replaced."""
        on_progress = display.advanced if display else lambda progress: None
        try:
            ended = Watch(self.server(job), job, on_progress).run()
        except ServerGoneError:  # it went between two jobs: this one has not begun
            self.close()
            ended = Watch(self.server(job), job, on_progress).run()
        if ended.server_gone:
            self.close()
        return ended

    def server(self, job: Job) -> ForkServer:
        """Return a fork server with the environment of the job's pass and of the case's number of threads."""
        wanted = job.case.execution.threads, {**settings_of(job.measures), **self.settings}
        if self._server is None or self._server[0] != wanted:
            self.close()
            self._server = wanted, ForkServer(*wanted, self.preload(), self.scratch / "server.txt")
        return self._server[1]

    def preload(self) -> list[str]:
        """Return the modules that the suite's built-in parts need; a user's own code runs in the runs alone."""
        modules: set[str] = set()
        for case in self.suite.cases:
            for part in parts_of(case, self.catalog):
                if part.built_in:
                    modules |= {f"harness.{part.kind}.{part.name}", *part.fields.get("preload", ())}
        return sorted(modules)

    def checkpoint(self, run: PlannedRun) -> Path | None:
        """Return where a training is saved; nowhere, if it cannot be told from one of other code."""
        key = self.keys[run.case.name]
        folder = self.run_set.path.parent / CHECKPOINTS
        return folder / f"{key}-s{run.seed}-r{run.repeat}.pt" if key != UNKNOWN_KEY and run.measures == "train" else None

    def folder(self) -> Path:
        """Return a new folder for one job."""
        return Path(tempfile.mkdtemp(dir=self.scratch))

    def keep_log(self, job: Job, run_id: str) -> None:
        """Keep what a failed run printed."""
        log = job.folder / LOG
        if log.exists() and log.stat().st_size:
            kept = self.run_set.path / LOGS
            kept.mkdir(exist_ok=True)
            shutil.copyfile(log, kept / f"{run_id}.txt")

    def drop_logs(self, run_ids: Iterable[str]) -> None:
        """Remove what was kept of runs that no table holds any more."""
        for run_id in run_ids:
            (self.run_set.path / LOGS / f"{run_id}.txt").unlink(missing_ok=True)

    def close(self) -> None:
        """End the fork server."""
        if self._server is not None:
            self._server[1].close()
            self._server = None


def _primary(catalog: Catalog, case: Case) -> str:
    if case.experiment is not None:
        return ""
    return str(catalog.part("tasks", case.task.name).fields.get("primary", ""))
