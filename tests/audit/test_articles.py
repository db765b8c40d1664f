"""The audit of the articles' models that is in git."""

from __future__ import annotations

from pathlib import Path

from harness.audits import ROUNDING, read_audit
from harness.catalog import Catalog
from harness.suite import load_suite

ROOT = Path(__file__).parents[2]


def test_every_case_is_audited_and_sound() -> None:
    """Each case of the suite is in it; but for rounding, nothing differs anywhere unless its model says why."""
    audit = read_audit(ROOT / "results", "articles")
    cases = load_suite(ROOT / "suites" / "articles.toml", Catalog()).cases

    assert audit is not None
    assert {case.name for case in cases} == set(audit.cases)
    for name, audited in audit.cases.items():
        differing = {
            check: found.outcome
            for check, found in audited.checks.items()
            if check not in ROUNDING and found.outcome not in ("identical", "not applicable")
        }
        assert not differing or audited.nondeterminism, f"{name}: {differing}"
