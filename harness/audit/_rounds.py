"""One round of an audit: trainings of a suite's cases, in fork servers of their own, and what is made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Literal

from harness.audit._checks import ENDED, checked, failed
from harness.audit._shown import Shown
from harness.audit._trials import Trial, trials
from harness.audits import CHECKS, CaseAudit, Check, CheckName, grade_of
from harness.digests import short_digest
from harness.git import git_state
from harness.project import Project
from harness.reproduce import Evidence, Rerunner, Variation, extent
from harness.runner.display import Display
from harness.suite import Case, Suite

VARIED: tuple[CheckName, ...] = tuple(check for check in CHECKS if check != "loader workers")
"""Checks for which a case is trained: no loader has workers to vary."""

GROUPS = ("numeric.", "machine.")
"""Groups of the environment that an audit keeps."""

Lane = Literal["speed", "deterministic"]


@dataclass(frozen=True)
class Trained:
    """One training."""

    evidence: Evidence
    cpu_time_per_step: float | None
    """Median seconds; None where it was not measured."""


class Round:
    """Trains cases one after the other; a context, at whose end its processes are gone.

    Its fork servers are its own: what they fork shares their place in memory, so that two trainings of two rounds have less in
    common than two of one. Trainings whose processes start with another environment have a server each, kept beside the plain
    one's, so that no case waits until torch is imported again.
    """

    def __init__(self, project: Project, suite: Suite, cases: Sequence[Case]) -> None:
        self._project, self._suite, self._cases = project, suite, cases
        self._catalog = project.catalog()
        self._checkout = git_state(project.root)
        self._servers: dict[tuple[int | None, frozenset[tuple[str, str]]], _Server] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Round:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the round's processes, which hold torch each."""
        self._stack.close()

    def run_key(self, case: Case) -> str:
        """Return the key that a training of the case would have now."""
        return self._server(Variation()).run_key(case)

    def train(self, case: Case, display: Display, variation: Variation | None = None) -> Trained:
        """Train a case with its one seed."""
        varied = variation or Variation()
        return self._server(varied).train(case, varied, display)

    def first(self, case: Case, display: Display) -> Trained:
        """Train a case for the first time."""
        shown = Shown(display, case, "first training")
        trained = self.train(case, shown)
        shown.tell(f"{len(trained.evidence.losses):,} steps")
        return trained

    def examine(self, case: Case, first: Trained, alone: bool, display: Display) -> tuple[CaseAudit, Mapping[str, str]]:
        """Train a case again in each way; return what is found, and the environment that it was found in.

        Args:
            case: as audited.
            first: its first training, in an earlier round.
            alone: whether the suite has no other case.
            display: told of each training.
        """
        found = Findings(case, first)
        if first.evidence.status not in ENDED:
            found.checks["process"] = failed(first.evidence)
        else:
            for trial in trials(case, first.evidence, alone):
                found.checks[trial.check] = self._check(trial, found, Shown(display, case, trial.check))
        environment = {key: value for key, value in first.evidence.environment.items() if key.startswith(GROUPS)}
        return self._entry(found, environment), environment

    def _check(self, trial: Trial, found: Findings, shown: Shown) -> Check:
        if trial.check not in VARIED:
            return Check(outcome="not applicable", why=trial.why_not)
        if trial.why_not:
            check = Check(outcome="not applicable", why=trial.why_not)
        elif trial.check == "deterministic lane":
            check = self._check_lane(found, shown)
        else:
            check = checked(found.first.evidence, self.train(found.case, shown, trial.variation).evidence, trial.how)
        shown.tell(check.why if trial.why_not else str(check))
        return check

    def _check_lane(self, found: Findings, shown: Shown) -> Check:
        """Train twice in the deterministic lane, and compare the two; note what a step costs there."""
        execution = found.case.execution.model_copy(update={"lane": "deterministic"})
        case = found.case.model_copy(update={"execution": execution})
        one = self.train(case, shown)
        if one.evidence.status not in ENDED:
            return failed(one.evidence)
        found.note_cost("deterministic", one)
        return checked(one.evidence, self.train(case, shown).evidence)

    def _entry(self, found: Findings, environment: Mapping[str, str]) -> CaseAudit:
        evidence = found.first.evidence
        commit, dirty = self._checkout
        return CaseAudit(
            grade=grade_of(found.checks),
            run_key=evidence.run_key,
            seed=evidence.seed,
            steps=len(evidence.losses),
            environment=short_digest(dict(environment)),
            recorded_on=f"{datetime.now(UTC):%Y-%m-%d}",
            commit=commit,
            dirty=dirty,
            nondeterminism=str(self._catalog.part("models", found.case.model.name).fields.get("nondeterminism", "")),
            compared=_compared(evidence),
            cpu_time_per_step=found.costs,
            checks={name: found.checks[name] for name in CHECKS if name in found.checks},
        )

    def _server(self, variation: Variation) -> _Server:
        key = variation.threads, frozenset(variation.settings.items())
        if key not in self._servers:
            server = _Server(self._project, self._suite.name, self._suite.version, self._cases)
            self._servers[key] = self._stack.enter_context(server)
        return self._servers[key]


def _compared(evidence: Evidence) -> dict[str, int]:
    """Return how much of each kind of thing trainings were compared by."""
    whole = extent(evidence, evidence)
    kinds = ("losses", "learning_rates", "evaluations", "tensors", "samples", "metrics")
    return {kind.replace("_", " "): getattr(whole, kind) for kind in kinds}


class Findings:
    """What is found of a case, check by check."""

    def __init__(self, case: Case, first: Trained) -> None:
        self.case, self.first = case, first
        self.checks: dict[CheckName, Check] = {}
        self.costs: dict[Lane, float] = {}
        self.note_cost(case.execution.lane, first)

    def note_cost(self, lane: Lane, trained: Trained) -> None:
        """Note the CPU time of a step in a lane, where it was measured."""
        if trained.cpu_time_per_step is not None:
            self.costs[lane] = trained.cpu_time_per_step


class _Server(Rerunner):
    """A rerunner that tells keys and what a step cost, too."""

    def __enter__(self) -> _Server:
        super().__enter__()
        return self

    def run_key(self, case: Case) -> str:
        """Return the key that a training of the case would have now."""
        _, session = self._ready(case, Variation())
        return session.keys[case.name]

    def train(self, case: Case, variation: Variation, display: Display) -> Trained:
        """Train a case with its one seed."""
        evidence = self.run(case, case.seeds[0], variation, display)
        rows = self._run_set.table("measurements", ["run_id", "metric", "value"])
        values = rows["value"][(rows["run_id"] == evidence.run_id) & (rows["metric"] == "cpu_time_per_step")].dropna()
        return Trained(evidence, float(values.iloc[0]) if len(values) else None)
