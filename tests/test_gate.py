"""Judging stored results, where the results cannot be written."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.gate import judge_declared
from harness.project import find_project
from harness.suite import Gate
from tests.support import Trained, make_case, make_suite, record


def test_verdicts_that_cannot_be_stored_are_given_all_the_same(
    project_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Judging results that are read-only, or on a full disk, warns in one line."""
    case = make_case(gates={"accuracy": Gate(margin=0.05)}, seeds=(1,))
    run_set = record(project_folder / "results", make_suite(case), [Trained(case, 1, {"accuracy": 0.9})])
    (run_set.path / ".verdicts.parquet").mkdir()  # where the table would be written

    judged = judge_declared(find_project(), make_suite(case), run_set)

    assert [verdict.metric for verdict in judged.verdicts if verdict.verdict == "new"] == ["accuracy"]
    assert capsys.readouterr().err.startswith("warning: the verdicts are not stored: ")
