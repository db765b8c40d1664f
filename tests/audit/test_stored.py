"""Stored audits: what is written is read back, and what was edited by hand is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.audits import Check, CheckName, Grade, audit_file, grade_of, read_audit, to_text, write_audit
from harness.errors import ResultsError
from tests.audit.support import APART, BROKEN, ENVIRONMENT, ROUNDED, make_audit, make_case, make_checks

NOT = Check(outcome="not applicable", why="the suite has no other case")


@pytest.mark.parametrize(
    ("checks", "grade"),
    [
        (make_checks(), "A"),
        (make_checks(order=NOT, instructions=NOT, loader_workers=NOT), "A"),
        (make_checks(threads=ROUNDED), "B"),
        (make_checks(threads=ROUNDED, instructions=ROUNDED), "B"),
        (make_checks(threads=ROUNDED, instructions=APART), "C"),
        (make_checks(instructions=BROKEN), "C"),
        (make_checks(process=ROUNDED), "F"),
        (make_checks(same_process=APART), "F"),
        (make_checks(order=APART, threads=ROUNDED), "F"),
        (make_checks(resume=BROKEN), "F"),
        (make_checks(deterministic_lane=APART), "F"),
    ],
)
def test_grades_are_those_documented(checks: dict[CheckName, Check], grade: Grade) -> None:
    """Only other threads and instructions may round otherwise; a check that does not apply speaks against nothing."""
    assert grade == grade_of(checks)


def test_what_is_written_is_read_back_and_gives_the_same_bytes(tmp_path: Path) -> None:
    """One check a line, defaults left out; writing what was read changes no byte."""
    audit = make_audit(keras=make_case(make_checks(threads=ROUNDED)), digits=make_case(nondeterminism="atomics"))

    path = write_audit(tmp_path, audit)

    assert audit_file(tmp_path, "demo") == path
    assert audit == read_audit(tmp_path, "demo")
    assert path.read_text() == to_text(audit)
    assert '    "process": {"outcome": "identical"},\n' in path.read_text()
    assert [path] == list(path.parent.iterdir())
    assert read_audit(tmp_path, "other") is None


def edited(text: str, old: str, new: str) -> str:
    """Return a text with one place changed."""
    assert old in text
    return text.replace(old, new, 1)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('"outcome": "within tolerance"', '"outcome": "different"', "cases.keras: Value error, grade is B, and the checks"),
        ('"grade": "B"', '"grade": "A"', "edited by hand"),
        ('"AVX2"', '"AVX512"', "is not the digest of its fields"),
        ('"seed": 1', '"sede": 1', "cases.keras.sede: Extra inputs are not permitted"),
        ('"schema_version": 1', '"schema_version": 2', "schema version 2; this harness reads 1"),
        ('"suite": "demo"', '"suite": "mnist"', "holds suite 'mnist'; the file's name names the suite"),
        ('"suite": "demo",', "", "suite: Field required"),
        ("{", "[", "Expecting"),
    ],
)
def test_an_edited_or_damaged_file_is_told_with_what_to_do(old: str, new: str, told: str, tmp_path: Path) -> None:
    """Nobody turns a grade into a better one unseen; the message names file, place and remedy."""
    path = write_audit(tmp_path, make_audit(keras=make_case(make_checks(threads=ROUNDED))))
    path.write_text(edited(path.read_text(), old, new))

    with pytest.raises(ResultsError) as caught:
        read_audit(tmp_path, "demo")

    assert told in str(caught.value)
    assert str(path) in str(caught.value)
    assert "restore the file from git, or make a new one with `harness audit demo --fresh`" in str(caught.value)


def test_a_case_is_added_in_the_suites_order_and_what_is_gone_goes(tmp_path: Path) -> None:
    """Cases that the suite no longer has leave the file, and with them the environments that nothing was found in any more."""
    other = {"machine.cpu": "Another CPU"}
    audit = make_audit(keras=make_case(), gone=make_case())
    changed = make_case(environment="0d2c8d0c8e0f")

    found = audit.with_case("first", changed, other, ["first", "keras", "absent"])

    assert ["first", "keras"] == list(found.cases)
    assert [ENVIRONMENT, other] == sorted(found.environments.values(), key=lambda fields: -len(fields))
    assert ["0d2c8d0c8e0f"] == list(found.with_case("keras", changed, other, ["first", "keras"]).environments)


def test_the_file_holds_no_null_and_sorts_nothing(tmp_path: Path) -> None:
    """What there is nothing to say of is left out."""
    content = json.loads(write_audit(tmp_path, make_audit()).read_text())

    assert "null" not in to_text(make_audit())
    assert list(content["cases"]["keras"]["checks"]) == list(make_checks())
    assert "nondeterminism" not in content["cases"]["keras"]


def test_what_has_changed_or_failed_is_audited_again() -> None:
    """Another key or seed, a check that failed and one that was never reached: none of these stands for an audit made now."""
    case = make_case()
    unfinished = {name: check for name, check in make_checks().items() if name != "threads"}

    assert case.holds(case.run_key, 1)
    assert not case.holds("0" * 60, 1)
    assert not case.holds(case.run_key, 2)
    assert not make_case(make_checks(instructions=BROKEN)).holds(case.run_key, 1)
    assert not make_case(unfinished).holds(case.run_key, 1)


def test_a_declared_cause_explains_a_case_that_does_not_repeat() -> None:
    """Grade F with a cause is shown and let pass; without one the case is named."""
    audit = make_audit(
        declared=make_case(make_checks(process=APART), nondeterminism="atomics"),
        silent=make_case(make_checks(process=APART)),
        good=make_case(),
    )

    assert ["silent"] == audit.unexplained
    assert {"F": 2, "A": 1} == dict(audit.grades())
    assert {"different": 2, "identical": 1} == dict(audit.counts("process"))
    assert {"process": APART} == audit.cases["silent"].exceptions
    assert "different at step 10 (conv1.weight)" == str(APART)
