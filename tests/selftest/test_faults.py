"""What is planted, and when it counts as caught."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from harness.catalog import Catalog
from harness.errors import ExitCode
from harness.selftest import FAULTS, TEMPLATE, Fault
from harness.selftest._project import OwnProject, Told
from harness.selftest._run import Finding, Outcome, caught, unchanged
from harness.suite import load_suite

SLOW = next(fault for fault in FAULTS if fault.judged_by == "ab")
LEAK = next(fault for fault in FAULTS if fault.name == "leak")


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_is_one_edit_that_is_still_python(fault: Fault, tmp_path: Path) -> None:
    """The text is in the template once; the edited file parses, says something else, and is put back to the byte."""
    project = OwnProject(tmp_path, TEMPLATE)
    file = project.root / fault.file
    before = file.read_bytes()

    with project.edited(fault.file, fault.old, fault.new):
        assert ast.dump(ast.parse(file.read_text())) != ast.dump(ast.parse(before))
    assert before == file.read_bytes()


def test_the_template_is_a_suite_whose_gates_are_those_the_faults_need() -> None:
    """Each fault that the gate is to find has a metric that is gated hard, or is a run that is missing."""
    (case,) = load_suite(TEMPLATE / "suites" / "selftest.toml", Catalog([TEMPLATE / "bench"])).cases
    hard = {metric for metric, gate in case.gates.items() if gate.level == "hard"} | {"runs"}

    assert len(case.seeds) >= 3
    for fault in FAULTS:
        assert fault.judged_by == "ab" or set(fault.metrics) <= hard, fault.name


@pytest.mark.parametrize(
    ("code", "told", "right", "found"),
    [
        (ExitCode.WORSE, ("tensor_peak_memory", "worse", "hard"), True, "worse"),
        (ExitCode.PASS, ("tensor_peak_memory", "worse", "hard"), False, "worse"),  # the command has to fail too
        (ExitCode.WORSE, ("tensor_peak_memory", "worse", "info"), False, "not judged"),
        (ExitCode.WORSE, ("accuracy", "worse", "hard"), False, "not judged"),  # by chance something else was
        (ExitCode.PASS, ("tensor_peak_memory", "same", "hard"), False, "same"),
    ],
)
def test_a_fault_is_caught_by_its_own_metric(code: ExitCode, told: tuple[str, str, str], right: bool, found: str) -> None:
    """At level hard, with the verdict that is due, and an exit code that stops a pipeline."""
    metric, verdict, level = told
    finding = caught(LEAK, code, [Told("perceptron", metric, verdict, level, "")])

    assert (right, found) == (finding.right, finding.found)


@pytest.mark.parametrize(
    ("code", "verdict", "right"),
    [
        (ExitCode.PASS, "same", True),
        (ExitCode.PASS, "inconclusive", True),
        (ExitCode.WORSE, "worse", False),
        (ExitCode.MEASURING, "missing", False),
        (ExitCode.INCOMPARABLE, "new", False),
    ],
)
def test_an_unchanged_project_may_be_anything_but_wrong(code: ExitCode, verdict: str, right: bool) -> None:
    """Not knowing is no false alarm; nothing judged is no proof."""
    assert right == unchanged("gate", code, [Told("perceptron", "accuracy", verdict, "hard", "")]).right
    assert not unchanged("gate", ExitCode.PASS, []).right


def test_rates_count_paired_comparisons_only() -> None:
    """Of the slow-down, and of equal code; what the gate said is no trial of theirs."""
    findings = (
        unchanged("gate", ExitCode.PASS, [Told("p", "accuracy", "same", "hard", "")]),
        unchanged("ab", ExitCode.PASS, [Told("p", "cpu_time_per_step", "same", "hard", "")]),
        unchanged("ab", ExitCode.WORSE, [Told("p", "cpu_time_per_step", "worse", "hard", "")]),
        caught(SLOW, ExitCode.WORSE, [Told("p", "cpu_time_per_step", "worse", "hard", "")]),
        Finding("leak", "gate", "worse", "worse", "tensor_peak_memory", True),
    )

    assert (1, 2) == Outcome(findings).paired(fault=False)
    assert (1, 1) == Outcome(findings).paired(fault=True)
    assert not Outcome(findings).passed
