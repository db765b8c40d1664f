"""Stored audits: one reviewed JSON file a suite, in git, that says which trainings gave the same bits again.

`harness audit` writes it case by case; the report and README show it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

from harness.digests import short_digest
from harness.results import read_reviewed, write_reviewed

SCHEMA_VERSION: Final = 1
"""Schema history:
    1  first version
"""

FOLDER = "audits"
"""Folder of the results that holds them."""

CheckName = Literal[
    "process", "same process", "order", "resume", "deterministic lane", "threads", "instructions", "loader workers"
]
CHECKS: tuple[CheckName, ...] = get_args(CheckName)
"""What is varied, in the order shown."""
ROUNDING: tuple[CheckName, ...] = ("threads", "instructions")
"""Checks of what may round otherwise: other bits there are no fault."""
TITLES: dict[CheckName, str] = {
    "process": "in another process",
    "same process": "again in the same process",
    "order": "after the suite's other cases, in reverse",
    "resume": "in two parts, with a kill in mid-epoch between them",
    "deterministic lane": "twice in the deterministic lane",
    "threads": "with another number of threads",
    "instructions": "with an older CPU's instructions",
    "loader workers": "with other loader workers",
}
"""Check -> how the case is trained for it."""

Outcome = Literal["identical", "within tolerance", "different", "failed", "not applicable"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
NO_FAULT: tuple[Outcome, ...] = ("identical", "not applicable")

Grade = Literal["A", "B", "C", "F"]
GRADES: dict[Grade, str] = {
    "A": "everything is identical, bit for bit",
    "B": "identical, but with other threads or instructions only within tolerance",
    "C": "identical, but with other threads or instructions beyond tolerance",
    "F": "does not repeat on the same machine with the same settings",
}

Text = Annotated[str, Field(min_length=1)]


class _Strict(BaseModel):
    """Unknown keys are errors; values never change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Check(_Strict):
    """What came of training a case again in one other way."""

    outcome: Outcome
    how: str = ""
    """What was other, where it is not always the same: '2 threads in place of 1'."""
    why: str = ""
    """The first difference, why it failed, or why it does not apply; in words."""
    step: int | None = None
    """Training step of the first difference, 0 for one before the first; None where there is none or it has no step."""
    tensor: str = ""
    """The tensor that differs first, where one does."""
    change: float | None = None
    """Largest relative difference of the first ten losses; None where they are identical, or cannot be compared."""

    def __str__(self) -> str:
        """Return it in a few words: 'different at step 7 (conv1.weight)'."""
        at = f" at step {self.step}" if self.step is not None else ""
        tensor = f" ({self.tensor})" if self.tensor else ""
        return f"{self.outcome}{at}{tensor}" if self.outcome == "different" else self.outcome


def grade_of(checks: Mapping[CheckName, Check]) -> Grade:
    """Return what a case's checks come to: F where anything but rounding differs, else by the checks of rounding."""
    if any(check.outcome not in NO_FAULT for name, check in checks.items() if name not in ROUNDING):
        return "F"
    rounded = {checks[name].outcome for name in ROUNDING if name in checks} - set(NO_FAULT)
    if not rounded:
        return "A"
    return "B" if rounded == {"within tolerance"} else "C"


class CaseAudit(_Strict):
    """What an audit found of one case."""

    grade: Grade
    run_key: str
    """Of the case as it was audited: its specification, code, data and numeric fingerprint; '' where these cannot be told."""
    seed: int
    steps: int
    """Steps of a training."""
    environment: Text
    """Which of the audit's environments it ran in."""
    recorded_on: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    commit: str = ""
    dirty: bool = False
    """Whether a tracked file differed from the commit."""
    nondeterminism: str = ""
    """Why the model's bits do not repeat, as it declares."""
    compared: dict[str, int] = {}
    """What a training was compared by -> how many: losses, tensors, metrics."""
    cpu_time_per_step: dict[Literal["speed", "deterministic"], float] = {}
    """Lane -> median seconds; no benchmark, only to see what the deterministic lane costs about."""
    checks: Annotated[dict[CheckName, Check], Field(min_length=1)]

    @model_validator(mode="after")
    def _check_grade(self) -> Self:
        if self.grade != (found := grade_of(self.checks)):
            raise ValueError(f"grade is {self.grade}, and the checks come to {found}: one of them was edited by hand")
        return self

    def holds(self, run_key: str, seed: int) -> bool:
        """Return whether this is what an audit would find again: of the same key and seed, every check come to an end."""
        ended = set(CHECKS) == set(self.checks) and all(check.outcome != "failed" for check in self.checks.values())
        return ended and (self.run_key, self.seed) == (run_key, seed)

    @property
    def unexplained(self) -> bool:
        """Whether the case does not repeat, and its model does not say why."""
        return self.grade == "F" and not self.nondeterminism

    @property
    def exceptions(self) -> dict[CheckName, Check]:
        """The checks that did not come out identical and do apply."""
        return {name: self.checks[name] for name in CHECKS if name in self.checks and self.checks[name].outcome not in NO_FAULT}


class Audit(_Strict):
    """What an audit found of a suite's cases."""

    schema_version: Literal[1]
    suite: Text
    suite_version: int
    environments: dict[str, dict[str, str]]
    """Digest -> what a case's bits depend on (group numeric), and the machine."""
    cases: dict[str, CaseAudit]

    @model_validator(mode="after")
    def _check_environments(self) -> Self:
        for name, fields in self.environments.items():
            if short_digest(fields) != name:
                raise ValueError(f"environment {name!r} is not the digest of its fields: one of them was edited by hand")
        if absent := {case.environment for case in self.cases.values()} - self.environments.keys():
            raise ValueError(f"environment {min(absent)!r} of a case is not there")
        return self

    @property
    def unexplained(self) -> list[str]:
        """Cases that do not repeat and whose model does not say why."""
        return [name for name, case in self.cases.items() if case.unexplained]

    def counts(self, check: CheckName) -> Counter[str]:
        """Return outcome -> number of cases."""
        return Counter(case.checks[check].outcome for case in self.cases.values() if check in case.checks)

    def grades(self) -> Counter[str]:
        """Return grade -> number of cases."""
        return Counter(case.grade for case in self.cases.values())

    def with_case(self, name: str, case: CaseAudit, environment: Mapping[str, str], order: Iterable[str]) -> Audit:
        """Return the audit with a case added or replaced; cases stand in `order`, which names all that the suite has."""
        found = self.cases | {name: case}
        cases = {each: found[each] for each in order if each in found}
        environments = self.environments | {case.environment: dict(environment)}
        needed = {each.environment for each in cases.values()}
        return self.model_copy(
            update={"cases": cases, "environments": {key: environments[key] for key in sorted(needed)}}, deep=True
        )


def audit_file(results: Path, suite: str) -> Path:
    """Return where a suite's audit is stored."""
    return results / FOLDER / f"{suite}.json"


def read_audit(results: Path, suite: str) -> Audit | None:
    """Return a suite's stored audit; None where it has none.

    Raises:
        ResultsError: the file is malformed, of an unknown schema version, or edited by hand; lists every problem.
    """
    remedy = f"make a new one with `harness audit {suite} --fresh`"
    return read_reviewed(audit_file(results, suite), Audit, SCHEMA_VERSION, "an audit", remedy)


def write_audit(results: Path, audit: Audit) -> Path:
    """Store a suite's audit under a temporary name and rename it; return the file.

    Raises:
        ResultsError: the folder cannot be written.
    """
    return write_reviewed(audit_file(results, audit.suite), to_text(audit))


LINES = 3
"""Levels of objects whose entries stand on lines of their own: audit, cases, case; deeper, only objects of objects do."""


def to_text(audit: Audit) -> str:
    """Return the audit as JSON: what is as usual left out, one check a line, so that a diff shows what moved."""
    return _indented(audit.model_dump(mode="json", exclude_defaults=True), "", LINES) + "\n"


def _indented(value: Any, margin: str, levels: int) -> str:
    parted = isinstance(value, Mapping) and value and (levels or any(isinstance(each, Mapping) for each in value.values()))
    if not parted:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    inner = margin + " "
    lines = [f"{inner}{json.dumps(str(key))}: {_indented(entry, inner, max(levels - 1, 0))}" for key, entry in value.items()]
    return "{\n" + ",\n".join(lines) + f"\n{margin}}}"
