"""`harness compare`: two run sets, or baselines and a run set, by the head's gates."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.baseline import promote, propose, write_proposals
from harness.cli import main
from harness.gate import judge_run_sets
from harness.project import find_project
from harness.results import TABLES, RunSet
from harness.suite import Gate
from harness.verdicts import compare_frame
from tests.support import Trained, make_case, make_suite, record

GATES = {"accuracy": Gate(margin=0.05), "parameters": Gate()}
CASE = make_case(gates=GATES)
SUITE = make_suite(CASE)


def measure(project: Path, accuracy: float, parameters: float = 5) -> RunSet:
    """Store a run set of three seeds."""
    values = {"accuracy": accuracy, "parameters": parameters}
    return record(project / "results", SUITE, [Trained(CASE, seed, values) for seed in CASE.seeds])


def test_two_run_sets_are_compared_by_name_or_path(project_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every verdict is shown, and the exit code is that of the policy."""
    base, head = measure(project_folder, 0.9), measure(project_folder, 0.5)

    codes = [main(["compare", base.name, "demo"]), main(["compare", str(base.path), str(head.path)])]

    lines = capsys.readouterr().out.splitlines()
    assert codes == [1, 1]
    assert lines[:4] == [
        "1 same, 1 worse",
        "case\tmetric\tbase → head\tchange\tmargin\tmde\tverdict\twhy",
        "lenet\tparameters\t5 → 5\t\t\t\tsame\tequality",
        "lenet\taccuracy\t0.9000 → 0.5000\t-0.4000\t0.0500\t0.0500\tworse\tt prediction bound, p = 0",
    ]
    assert lines[4].startswith(f"{head.name} judged against {base.name} under policy pr: exit code 1, ")


def test_what_passed_can_be_left_out(project_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With --changed only what did not pass is shown."""
    base = measure(project_folder, 0.9)
    measure(project_folder, 0.9, parameters=6)

    assert main(["compare", base.name, "demo", "--changed"]) == 1
    assert [line.split("\t")[1] for line in capsys.readouterr().out.splitlines() if "\t" in line] == ["metric", "parameters"]


def test_a_folder_of_baselines_may_be_the_base(project_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The base may be baselines instead of a run set."""
    run_set = measure(project_folder, 0.9)
    folder = project_folder / "results" / "baselines" / "demo"
    promote(write_proposals(run_set, propose([run_set], "test").baselines), folder)

    assert main(["compare", "results/baselines/demo", "demo"]) == 0
    assert f"{run_set.name} judged against results/baselines/demo" in capsys.readouterr().out


def test_a_base_that_does_not_exist_is_a_usage_error(project_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither run set nor folder: code 2, with the nearest name."""
    measure(project_folder, 0.9)

    assert main(["compare", "dem", "demo"]) == 2
    assert "no run set 'dem'" in capsys.readouterr().err


def test_verdicts_make_a_frame_with_the_stored_columns(project_folder: Path) -> None:
    """For Python, verdicts come as the verdicts table."""
    base, head = measure(project_folder, 0.9), measure(project_folder, 0.5)

    frame = compare_frame(judge_run_sets(find_project(), base.name, head.name).verdicts)

    assert list(frame.columns) == TABLES["verdicts"].names
    assert dict(zip(frame["metric"], frame["verdict"], strict=True)) == {"parameters": "same", "accuracy": "worse"}
