"""`harness compare`: two run sets, or baselines and a run set, by the head's gates; any number of them in a table."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from harness.baseline import promote, propose, write_proposals
from harness.cli import main
from harness.gate import judge_run_sets
from harness.project import find_project
from harness.results import TABLES, RunSet, run_sets
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


def test_any_number_of_run_sets_is_a_table(project_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What each set is, then a row a case and metric: values with the best marked, differences from the first with intervals;
    nothing is judged, so that the code is 0 even where one is worse."""
    first, second, third = (measure(project_folder, accuracy) for accuracy in (0.9, 0.5, 0.95))

    assert main(["compare", first.name, second.name, str(third.path), "--metric", "accuracy", "--metric", "para*"]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "set\trun set\tsuite\tmade\tcommit\tmachine\tversions"
    assert [line.split("\t")[:3] for line in lines[1:4]] == [
        [letter, run_set.name, "demo 1"] for letter, run_set in zip("ABC", (first, second, third), strict=True)
    ]
    assert lines[1].split("\t")[4:] == ["0123456789ab", "Example CPU, H200", "python 3.11 torch 2.13.0"]
    assert lines[5:8] == [
        "case\tmetric\tA\tB\tB − A\tC\tC − A\tnote",
        "lenet\taccuracy\t0.9000\t0.5000\t-0.4000 [-0.4000, -0.4000]\t0.9500 *\t+0.0500 [+0.0500, +0.0500]\t",
        "lenet\tparameters\t5\t5\tsame\t5\tsame\t",
    ]


def test_what_cannot_be_compared_says_so_in_its_cell(project_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A run set of another machine has its times shown and not compared; one of another suite without the case says that."""
    case = make_case(seeds=(1, 2))
    suites = make_suite(case), make_suite(case), make_suite(make_case("other", seeds=(1, 2)), name="elsewhere")
    machines = {"cpu": "Example CPU"}, {"cpu": "Another CPU"}, {"cpu": "Example CPU"}
    for suite, machine in zip(suites, machines, strict=True):
        runs = [Trained(suite.cases[0], seed, {"train_throughput": 99.0 + seed * 2}, machine=machine) for seed in (1, 2)]
        record(project_folder / "results", suite, runs)
    sets = [run_set.name for suite in ("demo", "elsewhere") for run_set in run_sets(project_folder / "results", suite)]

    assert main(["compare", *sets, "--metric", "train_throughput"]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert lines[6].split("\t") == [
        *("lenet", "train_throughput", "102 samples/s", "102 samples/s", "not comparable", "n/a", ""),
        "B: another machine class: cpu Example CPU → Another CPU; C: no such case",
    ]
    assert lines[7].split("\t")[2:] == [
        *("n/a", "n/a", "", "102 samples/s", "not comparable"),
        "A, B: no such case; C: the first has no value (no such case)",
    ]


def test_without_metrics_the_usual_ones_are_shown(project_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each case's primary score, throughput and memory, of those that there are."""
    values = {"accuracy": 0.9, "macro_f1": 0.9, "train_throughput": 5.0, "parameters": 7.0}
    for _ in range(3):
        record(project_folder / "results", SUITE, [Trained(CASE, seed, values) for seed in CASE.seeds])
    sets = [run_set.name for run_set in run_sets(project_folder / "results", "demo")]

    assert main(["compare", *sets]) == 0
    assert [line.split("\t")[1] for line in capsys.readouterr().out.splitlines()[6:8]] == ["accuracy", "train_throughput"]


def test_a_table_for_programs(project_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """CSV has a row for each case, metric and set; JSON the same numbers with every digit; Markdown two tables. Two run sets
    are enough where a form or a metric is asked for, and a folder of baselines may be one of them."""
    base, head = measure(project_folder, 0.9), measure(project_folder, 0.7)
    folder = project_folder / "results" / "baselines" / "demo"
    promote(write_proposals(base, propose([base], "test").baselines), folder)
    printed = {}
    for form in ("csv", "json", "markdown"):
        assert main(["compare", "results/baselines/demo", head.name, "--metric", "accuracy", f"--{form}"]) == 0
        printed[form] = capsys.readouterr().out

    rows = list(csv.DictReader(printed["csv"].splitlines()))
    content = json.loads(printed["json"])
    entries = content["rows"][0]["entries"]
    assert [(row["set"], row["run_set"], row["mean"]) for row in rows] == [
        ("A", "results/baselines/demo", "0.9"),
        ("B", head.name, "0.7"),
    ]
    assert [float(rows[1][name]) for name in ("difference", "difference_low")] == [entries[1]["difference"]] * 2
    assert entries[1]["difference"] == pytest.approx(-0.2)
    assert [found["name"] for found in content["sets"]] == ["results/baselines/demo", head.name]
    assert content["rows"][0]["class"] == "quality"
    lines = printed["markdown"].splitlines()
    assert lines[5:8] == [
        "| case | metric | A | B | B − A | note |",
        "|---|---|--:|--:|--:|---|",
        "| lenet | accuracy | 0.9000 \\* | 0.7000 | -0.2000 \\[-0.2000, -0.2000\\] |  |",
    ]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["demo"], "give at least two to compare"),
        (["demo", "demo", "--csv", "--json"], "found --csv and --json; allowed: one of them"),
        (["demo", "demo", "demo", "--changed"], "a table of several judges nothing"),
        (["demo", "demo", "--json", "--policy", "strict"], "a table of several judges nothing"),
        (["demo", "demo", "--metric", "acuracy"], "none of the run sets measured 'acuracy', did you mean 'accuracy'?"),
        (["demo", "demo", "dem"], "no run set 'dem'"),
    ],
)
def test_what_makes_no_sense_is_a_usage_error(
    project_folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    """Code 2, and what is allowed."""
    measure(project_folder, 0.9)

    assert main(["compare", *arguments]) == 2
    assert words in capsys.readouterr().err
