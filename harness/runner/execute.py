"""Runs a suite: takes up or makes a run set, runs what it does not hold yet, stores each run as it ends."""

from __future__ import annotations

import secrets
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock

from harness.catalog import Catalog
from harness.errors import ResultsError
from harness.git import git_state
from harness.project import Project
from harness.results import RunSet, run_sets
from harness.runner.client import ForkServer
from harness.runner.display import Display, make_display
from harness.runner.jobs import LOG, Job, Outcome
from harness.runner.plan import PlannedRun, code_digest, planned_runs, run_key
from harness.runner.record import Identity, fingerprint, headline, load_metrics, record
from harness.runner.supervise import Ended, Watch
from harness.suite import Case, Suite


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


def execute(project: Project, suite: Suite, left_out: Sequence[str] = (), fresh: bool = False) -> Ran:
    """Run a suite to its end and return the run set.

    Raises:
        UsageError: another harness holds the suite's unfinished run set.
        ResultsError: the results folder cannot be written.
    """
    with _claimed(project, suite, left_out, fresh) as (run_set, continued), ExitStack() as stack:
        scratch = Path(stack.enter_context(_scratch(run_set)))
        session = Session(project, suite, run_set, scratch)
        stack.callback(session.close)
        session.run(continued)
        run_set.update(complete=True)
        statuses = Counter(str(status) for status in run_set.table("runs", ["status"])["status"])
        return Ran(run_set, dict(statuses), continued)


@contextmanager
def _claimed(project: Project, suite: Suite, left_out: Sequence[str], fresh: bool) -> Iterator[tuple[RunSet, bool]]:
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
            last = run_sets(project.results, suite.name)[-1:]
            continued = bool(last) and not fresh and not last[0].manifest.complete
            run_set = last[0] if continued else RunSet.create(project.results, suite, left_out)
            stack.enter_context(run_set.lock())
        finally:
            chooser.release()
        run_set.update(suite=suite, left_out=left_out)
        yield run_set, continued


@contextmanager
def _scratch(run_set: RunSet) -> Iterator[str]:
    """A folder for what runs hand over; beside the tables, so that large arrays do not fill the system's /tmp."""
    folder = tempfile.mkdtemp(prefix=".work-", dir=run_set.path)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Session:
    """The runs of one suite, one after the other."""

    def __init__(self, project: Project, suite: Suite, run_set: RunSet, scratch: Path) -> None:
        self.project, self.suite, self.run_set, self.scratch = project, suite, run_set, scratch
        self.catalog: Catalog = project.catalog()
        self.metrics = load_metrics(self.catalog)
        self.primary = {case.name: _primary(self.catalog, case) for case in suite.cases}
        self.commit, self.dirty = git_state(project.root)
        self.surroundings: dict[str, Outcome] = {}
        self._server: tuple[int, ForkServer] | None = None

    def run(self, continued: bool) -> None:
        """Run whatever the run set does not hold yet, and fold its tables."""
        plan = planned_runs(self.suite)
        self.surroundings = {case.name: self.identify(case) for case in self.suite.cases}
        keys = {case.name: self.key(case) for case in self.suite.cases}
        missing = self.still_to_run(plan, keys)
        with make_display(len(missing)) as display:
            if continued:
                display.note(f"going on with {self.run_set.name}: {len(plan) - len(missing)} of {len(plan)} runs are there")
            try:
                for run in missing:
                    self.one(run, keys[run.case.name], display)
            finally:
                self.run_set.fold()

    def still_to_run(self, plan: list[PlannedRun], keys: dict[str, str]) -> list[PlannedRun]:
        """Return the planned runs that the set does not hold; drop held ones that are of an earlier definition."""
        held = self.run_set.table("runs", ["run_id", "run_key", "case", "seed", "repeat"])
        names = {(keys[run.case.name], run.seed, run.repeat): run for run in plan}
        there = dict(zip(zip(held["run_key"], held["seed"], held["repeat"], strict=True), held["run_id"], strict=True))
        self.run_set.drop(str(run_id) for name, run_id in there.items() if name not in names)
        return [run for name, run in names.items() if name not in there]

    def identify(self, case: Case) -> Outcome:
        """Have a process fetch the case's data and describe what its runs will run on.

        A failure here is left to the runs themselves, which will say why.
        """
        return self.watch(Job("identify", case, self.folder(), self.project)).outcome

    def key(self, case: Case) -> str:
        """Return the case's run key: its definition, code, data and numeric fingerprint as they are now."""
        outcome = self.surroundings[case.name]
        return run_key(case, code_digest(case, self.catalog), outcome.identity, fingerprint(outcome))

    def one(self, run: PlannedRun, key: str, display: Display) -> None:
        """Run once and store the rows."""
        display.started(run)
        started = datetime.now(UTC)
        run_id = f"{run.case.name}-s{run.seed}-{started:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"
        identity = Identity(run_id, key, self.commit, self.dirty, started.isoformat(timespec="milliseconds"))
        job = Job("run", run.case, self.folder(), self.project, run.seed)
        ended = self.watch(job, display)
        if not ended.outcome.environment:  # it died before it could say
            known = self.surroundings[run.case.name]
            ended.outcome = replace(ended.outcome, environment=known.environment, version_key=known.version_key)
        outcome, values, rows = record(self.suite, run, identity, job, ended, self.metrics)
        if outcome.status != "ok":
            self.keep_log(job, run_id)
        self.run_set.add(run_id, rows)
        shutil.rmtree(job.folder)
        display.ended(run, outcome, headline(values, self.primary[run.case.name]), ended.seconds)

    def watch(self, job: Job, display: Display | None = None) -> Ended:
        """Have the fork server do a job, under watch; a server that has gone is replaced."""
        ended = Watch(self.server(job.case), job, display.advanced if display else lambda progress: None).run()
        if ended.server_gone:
            self.close()
        return ended

    def server(self, case: Case) -> ForkServer:
        """Return a fork server with the case's number of threads in its environment."""
        threads = case.execution.threads
        if self._server is None or self._server[0] != threads:
            self.close()
            self._server = threads, ForkServer(threads, self.preload(), self.scratch / "server.txt")
        return self._server[1]

    def preload(self) -> list[str]:
        """Return the modules that the suite's built-in parts need; a user's own code runs in the runs alone."""
        modules: set[str] = set()
        for case in self.suite.cases:
            for kind, ref in (("models", case.model), ("data", case.data), ("tasks", case.task)):
                part = self.catalog.part(kind, ref.name)
                if part.built_in:
                    modules |= {f"harness.{kind}.{part.name}", *part.fields.get("preload", ())}
        return sorted(modules)

    def folder(self) -> Path:
        """Return a new folder for one job."""
        return Path(tempfile.mkdtemp(dir=self.scratch))

    def keep_log(self, job: Job, run_id: str) -> None:
        """Keep what a failed run printed."""
        log = job.folder / LOG
        if log.exists() and log.stat().st_size:
            kept = self.run_set.path / "logs"
            kept.mkdir(exist_ok=True)
            shutil.copyfile(log, kept / f"{run_id}.txt")

    def close(self) -> None:
        """End the fork server."""
        if self._server is not None:
            self._server[1].close()
            self._server = None


def _primary(catalog: Catalog, case: Case) -> str:
    return str(catalog.part("tasks", case.task.name).fields.get("primary", ""))
