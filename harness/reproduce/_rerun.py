"""Trains a case again, as it was or varied, in a run set of its own that is thrown away: no result of the user's is touched."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType

from harness.errors import MeasuringError
from harness.project import Project
from harness.reproduce._evidence import Evidence, evidence_of
from harness.results import RunSet
from harness.runner.display import Display, PlainDisplay
from harness.runner.execute import Session
from harness.runner.jobs import Job
from harness.runner.plan import PlannedRun
from harness.runner.record import headline
from harness.runner.supervise import Ended
from harness.suite import Case, Suite

NAME = "again"
"""Name of the run set; nobody sees it."""
PATIENCE = 4
"""Times as long as a case allows that a re-run may take: the machine may be a slower one, and time is not what is compared."""
LAST_LINES = 20
"""Lines shown of what a failed run printed."""

Settings = frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Variation:
    """How a re-run differs from a plain one; as it is made, it does not."""

    threads: int | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    """Environment variables that the run's process starts with, beside those of every run."""
    times: int = 1
    """Trainings in the process, one after the other; the last is the one that counts."""
    cut_at: int = 0
    """Step after which the training is saved and killed, to be taken up by another process; 0: none."""


class Rerunner:
    """Trains cases again, one at a time; a context, at whose end its processes and files are gone.

    Args:
        project: where data and the user's parts are.
        suite: name of the suite that the cases are of.
        version: of that suite.
        cases: those to come, whose parts are then imported once, not in every run.

    Attributes:
        folder: holds everything while the context is entered.
    """

    folder: Path

    def __init__(self, project: Project, suite: str, version: int = 1, cases: Sequence[Case] = ()) -> None:
        self._project = project
        self._suite = Suite(name=suite, version=version, why="trained again", cases=tuple(cases))
        self._stack = ExitStack()
        self._sessions: dict[Settings, _Session] = {}
        self._identified: dict[tuple[Settings, str], str] = {}

    def __enter__(self) -> Rerunner:
        folder = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="harness-", ignore_cleanup_errors=True))
        self.folder = Path(folder)
        self._run_set = RunSet.create(self.folder, self._suite, name=NAME)
        self._stack.callback(self._rest)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stack.close()

    def run(self, case: Case, seed: int, variation: Variation | None = None, display: Display | None = None) -> Evidence:
        """Train a case with a seed, and return what that leaves; its status says whether it went well.

        Args:
            case: what to train.
            seed: of the training.
            variation: how it differs from a plain training; None: it does not.
            display: told of the run; None: nobody is.
        """
        varied, session, shown = *self._ready(case, variation or Variation()), display or _Silent(1)
        planned = PlannedRun(varied, seed, 1, varied.main_pass)
        shown.started(planned)
        attempt = session.attempt(planned, shown)
        numbers = headline(attempt.values, session.metrics_of(varied), session.primary.get(case.name, ""))
        shown.ended(planned, attempt.outcome, numbers, attempt.seconds)
        self._run_set.add(attempt.run_id, session.fresh_data(attempt.rows))
        self._run_set.fold()  # one file a table stays quick to read, however many runs there are
        evidence = evidence_of(self._run_set.table, varied, attempt.run_id, self._suite.name)
        [row] = attempt.rows["runs"]
        return _checked(evidence, row["resumed"], session.variation.cut_at)

    def surroundings(self, case: Case, variation: Variation | None = None) -> Mapping[str, str]:
        """Return what a training of the case would run on, found out without one: key -> value, as a run would store it.

        Raises:
            MeasuringError: it cannot be told: its data or device is not there.
        """
        varied, session = self._ready(case, variation or Variation())
        outcome = session.surroundings[varied.name]
        if outcome.status != "ok":
            raise MeasuringError(f"{case.name}: it cannot be trained here: {outcome.reason}")
        return outcome.environment

    def log(self, run_id: str) -> list[str]:
        """Return the last lines that a run printed which did not go well."""
        file = self._run_set.path / "logs" / f"{run_id}.txt"
        return file.read_text(errors="replace").splitlines()[-LAST_LINES:] if file.exists() else []

    def _ready(self, case: Case, variation: Variation) -> tuple[Case, _Session]:
        """Return the case as varied, and a session that knows it and varies its trainings so."""
        varied = _varied(case, variation)
        key = frozenset(variation.settings.items())
        if key not in self._sessions:
            scratch = Path(tempfile.mkdtemp(dir=self.folder))
            self._sessions[key] = _Session(
                self._project, self._suite, self._run_set, scratch, fresh=True, settings=variation.settings
            )
            self._sessions[key].tell_of_downloads()
        session = self._sessions[key]
        self._rest(but=session)
        session.variation = variation
        if self._identified.get((key, varied.name)) != varied.digest:
            session.identify(varied)
            self._identified[key, varied.name] = varied.digest
        return varied, session

    def _rest(self, but: Session | None = None) -> None:
        """End the fork servers, which hold torch each, of all sessions but one."""
        for session in self._sessions.values():
            if session is not but:
                session.close()


class _Session(Session):
    """A session whose trainings are varied, and which measures no machine."""

    variation = Variation()

    def peak(self, case: Case) -> float | None:
        """Return None: how fast the machine is has no part in whether bits repeat."""
        return None

    def watch(self, job: Job, display: Display | None = None) -> Ended:
        """Have a job done; a training as it is to be varied."""
        if job.kind != "run":
            return super().watch(job, display)
        if self.variation.cut_at and (failed := self._cut(job, display)):
            return failed
        return super().watch(replace(job, times=self.variation.times), display)

    def _cut(self, job: Job, display: Display | None) -> Ended | None:
        """Train up to the step at which the process kills itself; return how it ended if it was otherwise."""
        cut = replace(job, folder=self.folder(), cut_at=self.variation.cut_at)
        ended = super().watch(cut, display)
        shutil.rmtree(cut.folder)
        if ended.outcome.status == "killed" and job.checkpoint and job.checkpoint.exists():
            return None
        if ended.outcome.status == "ok":
            reason = f"it was to be killed after step {cut.cut_at}, which it never took"
        elif ended.outcome.status == "killed":
            reason = f"killed after step {cut.cut_at}, it left no checkpoint: {ended.outcome.reason}"
        else:
            return ended
        return replace(ended, outcome=replace(ended.outcome, status="failed", reason=reason))


class _Silent(PlainDisplay):
    """Tells nobody."""

    def note(self, text: str) -> None:
        """Say nothing."""


def _varied(case: Case, variation: Variation) -> Case:
    """Return the case with the variation's threads, and time enough for the trainings."""
    execution = case.execution.model_copy(update={"threads": variation.threads or case.execution.threads})
    seconds = case.timeout_seconds * variation.times * PATIENCE
    return case.model_copy(update={"execution": execution, "timeout_seconds": seconds})


def _checked(evidence: Evidence, resumed: object, cut_at: int) -> Evidence:
    """Return the evidence, failed if the training was to be cut short and did not go on where it was."""
    if evidence.status != "ok" or (resumed or 0) == cut_at:
        return evidence
    return replace(evidence, status="failed", reason=f"killed after step {cut_at}, it was taken up at step {resumed}")
