"""Runs an audit: every case once, then every case again in each way, in reverse order; stored case by case."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from filelock import FileLock, Timeout

from harness.audit._rounds import VARIED, Round
from harness.audits import SCHEMA_VERSION, Audit, CaseAudit, read_audit, write_audit
from harness.errors import ResultsError, UsageError
from harness.project import Project
from harness.runner.display import make_display
from harness.suite import Case, Suite


@dataclass(frozen=True)
class Options:
    """What a command line asks of an audit."""

    seed: int | None = None
    """Seed to train with; None: each case's first."""
    steps: int | None = None
    """Steps of a training; None: as many as the case has."""
    fresh: bool = False
    """Audit again what is unchanged since it was."""

    def cases(self, suite: Suite) -> list[Case]:
        """Return a suite's cases as they are audited: one seed each, no longer than asked."""
        return [self._audited(case) for case in suite.cases]

    def _audited(self, case: Case) -> Case:
        recipe = {"epochs": None, "steps": self.steps} if self.steps else {}
        seeds = (case.seeds[0] if self.seed is None else self.seed,)
        return Case.model_validate(
            case.model_dump(by_alias=True) | {"seeds": seeds, "recipe": case.recipe.model_dump() | recipe, "repeats": 1}
        )


def audit(project: Project, declared: Suite, chosen: Suite, options: Options) -> Audit:
    """Audit the chosen cases of a suite and return what is stored then: of the cases not chosen, what was found before.

    Cases that were audited with the same run key and seed are left as they are. What is found of a case is stored as soon as it
    is all there, so that an interrupted audit goes on where it was.

    Raises:
        UsageError: another audit of the suite is going on.
        ResultsError: the stored audit cannot be read, or the folder cannot be written.
    """
    with _claimed(project, declared.name):
        stored = _stored(project, declared, options.fresh)
        every, cases = options.cases(declared), options.cases(chosen)
        with Round(project, declared, every) as first:
            known = {} if options.fresh else stored.cases
            waiting = [case for case in cases if not _holds(known.get(case.name), first.run_key(case), case)]
            return _audited(project, declared, first, _Work(every, waiting, len(cases) - len(waiting)), stored)


@dataclass(frozen=True)
class _Work:
    """What is to be done."""

    every: Sequence[Case]
    """The suite's cases."""
    waiting: Sequence[Case]
    """Those to be audited."""
    unchanged: int
    """Number of those that were chosen and are not."""

    @property
    def companion(self) -> Case | None:
        """A case to train before a lone one, so that it too comes after another; None where none is needed, or there."""
        if len(self.waiting) != 1:
            return None
        return next((case for case in self.every if case.name != self.waiting[0].name), None)


def _audited(project: Project, suite: Suite, first: Round, work: _Work, stored: Audit) -> Audit:
    names = [case.name for case in suite.cases]
    alone = len(work.every) < 2
    with make_display(len(work.waiting) * (1 + len(VARIED)) + bool(work.companion)) as display:
        if work.unchanged:
            display.note(f"unchanged since they were audited: {work.unchanged} cases; --fresh audits them too")
        firsts = {case.name: first.first(case, display) for case in work.waiting}
        first.close()
        with Round(project, suite, work.every) as second:
            if work.companion:
                second.first(work.companion, display)
            for case in reversed(work.waiting):
                found, environment = second.examine(case, firsts[case.name], alone, display)
                stored = stored.with_case(case.name, found, environment, names)
                write_audit(project.results, stored)
    return stored


def _stored(project: Project, suite: Suite, fresh: bool) -> Audit:
    """Return the suite's stored audit, or an empty one; one that cannot be read is replaced only if all is to be done anew."""
    empty = Audit(schema_version=SCHEMA_VERSION, suite=suite.name, suite_version=suite.version, environments={}, cases={})
    try:
        found = read_audit(project.results, suite.name) or empty
    except ResultsError:
        if not fresh:
            raise
        found = empty
    return found.model_copy(update={"suite_version": suite.version})


def _holds(found: CaseAudit | None, run_key: str, case: Case) -> bool:
    return found is not None and found.holds(run_key, case.seeds[0])


@contextmanager
def _claimed(project: Project, suite: str) -> Iterator[None]:
    """Hold the suite's audit, for this process alone."""
    path = project.results / f".audit-{suite}.lock"
    lock = FileLock(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout as error:
        raise UsageError(f"{path}: the suite is being audited by another harness; wait for it") from error
    except OSError as error:
        raise ResultsError(f"{path}: cannot be written: {error.strerror or error}") from error
    try:
        yield
    finally:
        lock.release()
