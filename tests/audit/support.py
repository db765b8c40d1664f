"""Stored audits of any shape."""

from __future__ import annotations

from typing import Any

from harness.audits import CHECKS, Audit, CaseAudit, Check, CheckName, grade_of
from harness.digests import short_digest

ENVIRONMENT = {"machine.cpu": "Example CPU", "numeric.instruction_set": "AVX2", "numeric.flag_threads": "1"}


def make_checks(**given: Check) -> dict[CheckName, Check]:
    """Return checks that are all identical, but for those given; underscores stand for spaces."""
    named = {name.replace("_", " "): check for name, check in given.items()}
    return {name: named.get(name, Check(outcome="identical")) for name in CHECKS}


def make_case(checks: dict[CheckName, Check] | None = None, **given: Any) -> CaseAudit:
    """Return what was found of a case; identical throughout, unless checks are given."""
    held = make_checks() if checks is None else checks
    fields: dict[str, Any] = {
        "grade": grade_of(held),
        "run_key": "c0ffee" * 10,
        "seed": 1,
        "steps": 69,
        "environment": short_digest(ENVIRONMENT),
        "recorded_on": "2026-01-02",
        "compared": {"losses": 69, "tensors": 40},
        "cpu_time_per_step": {"speed": 0.010, "deterministic": 0.012},
        "checks": held,
    }
    return CaseAudit(**(fields | given))


def make_audit(suite: str = "demo", **cases: CaseAudit) -> Audit:
    """Return an audit of these cases."""
    return Audit(
        schema_version=1,
        suite=suite,
        suite_version=1,
        environments={short_digest(ENVIRONMENT): ENVIRONMENT},
        cases=cases or {"keras": make_case()},
    )


ROUNDED = Check(
    outcome="within tolerance",
    how="2 in place of 1",
    why="loss of step 3: 2.31 → 2.31",
    step=3,
    change=2e-7,
)
APART = Check(outcome="different", why="weights differ", step=10, tensor="conv1.weight", change=0.02)
BROKEN = Check(outcome="failed", why="failed: boom")
"""What checks come out as, beside identical."""
