"""`harness plan`: the runs to come, and how long they may take."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.catalog import Catalog
from harness.cli import main
from harness.results import RUN_TABLES, TABLES, RunSet
from harness.suite import Case, Suite, load_suite
from tests.support import Trained, record

SUITE = """\
version = 1
why = "To test."
[defaults]
data = "digits"
recipe.epochs = 2
passes = []
[[case]]
name = "lenet"
model = "a000_lenet_gray"
tags = ["small"]
[[case]]
name = "cnn"
model = "a004_cnn"
seeds = [1, 5]
repeats = 2
recipe.steps = 10
"""
HEAD = "case\tmodel\tdata\tdevice\tthreads\tseeds\tpasses\truns\tlength\testimate\n"
CNN = 'name = "cnn"\n'


@pytest.fixture
def suite(project_folder: Path) -> Suite:
    """A suite of two cases in a project."""
    (project_folder / "suites" / "mine.toml").write_text(SUITE)
    return load_suite(project_folder / "suites" / "mine.toml", Catalog())


def store(folder: Path, suite: Suite, runs: list[tuple[Case, str, float]], measures: str = "train") -> None:
    """Store a run set with runs of these cases, statuses and seconds, all of one pass."""
    run_set = RunSet.create(folder / "results", suite)
    for number, (case, status, seconds) in enumerate(runs):
        empty: dict[str, Any] = dict.fromkeys(TABLES["runs"].names)
        values = {"run_id": f"r{number}", "case": case.name, "case_digest": case.digest, "status": status, "seconds": seconds}
        values["pass"] = measures
        run_set.add(f"r{number}", {**{table: [] for table in RUN_TABLES}, "runs": [{**empty, **values}]})


def test_every_case_is_a_row_and_unknown_times_are_unknown(suite: Suite, capsys: pytest.CaptureFixture[str]) -> None:
    """On a pipe: tab-separated, one line a case and a total; without stored runs no time is made up."""
    assert main(["plan", "mine"]) == 0

    assert capsys.readouterr().out == HEAD + (
        "lenet\ta000_lenet_gray\tdigits\tcpu\t1\t1-3\t\t3\t2 epochs\tunknown\n"
        "cnn\ta004_cnn\tdigits\tcpu\t1\t1,5\t\t4\t10 steps\tunknown\n"
        "total\t\t\t\t\t\t\t7\t\tunknown\n"
    )


def test_time_is_the_median_of_stored_runs(suite: Suite, project_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Good runs of the same case count, over all run sets: median seconds × runs."""
    lenet, cnn = suite.cases
    store(project_folder, suite, [(lenet, "ok", 4.0), (lenet, "ok", 60.0), (lenet, "failed", 0.1)])
    store(project_folder, suite, [(lenet, "ok", 5.0), (cnn, "timeout", 600.0)])

    assert main(["plan", "mine"]) == 0

    rows = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert [(row[0], row[-1]) for row in rows[1:]] == [("lenet", "15.0 s"), ("cnn", "unknown"), ("total", "at least 15.0 s")]


def test_a_total_is_exact_when_every_case_was_run(
    suite: Suite, project_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The total adds up all cases; a case that has changed since is unknown again."""
    lenet, cnn = suite.cases
    store(project_folder, suite, [(lenet, "ok", 1.0), (cnn, "ok", 2.0)])

    main(["plan", "mine"])
    main(["plan", "mine", "--threads", "2"])

    estimates = [line.split("\t")[-1] for line in capsys.readouterr().out.splitlines()]
    assert estimates == ["estimate", "3.00 s", "8.00 s", "11.0 s", "estimate", "unknown", "unknown", "unknown"]


def test_a_baselines_training_time_stands_in_until_something_was_run(
    suite: Suite, project_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """On a fresh machine the baseline in git gives the order of magnitude, marked as such."""
    lenet = suite.cases[0]
    alone = suite.model_copy(update={"cases": (lenet,)})
    stored = record(project_folder / "results", alone, [Trained(lenet, seed, {"train_time": 2.0}) for seed in lenet.seeds])
    assert main(["baseline", "propose", "mine", "--reason", "first"]) == 0
    assert main(["baseline", "promote", "mine"]) == 0
    stored.drop(stored.run_ids())
    capsys.readouterr()

    assert main(["plan", "mine"]) == 0

    rows = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert [(row[0], row[-1]) for row in rows[1:]] == [("lenet", "~6.00 s"), ("cnn", "unknown"), ("total", "at least ~6.00 s")]


def test_each_pass_is_a_run_with_a_time_of_its_own(
    suite: Suite, project_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Memory of the first seed, calibrated of each, beside four trainings; what no stored run tells is not made up."""
    file = project_folder / "suites" / "mine.toml"
    file.write_text(SUITE.replace(CNN, CNN + 'passes = ["memory", "calibrated"]\n'))
    cnn = suite.cases[1]
    store(project_folder, suite, [(cnn, "ok", 10.0)])
    store(project_folder, suite, [(cnn, "ok", 1.0), (cnn, "ok", 3.0), (cnn, "failed", 90.0)], "memory")

    assert main(["plan", "mine", "-k", "cnn"]) == 0
    store(project_folder, suite, [(cnn, "ok", 5.0)], "calibrated")
    assert main(["plan", "mine", "-k", "cnn"]) == 0

    rows = [line.split("\t") for line in capsys.readouterr().out.splitlines() if line.startswith("cnn")]
    assert [["memory, calibrated", "7"]] * 2 == [row[6:8] for row in rows]
    assert ["at least 42.0 s", "52.0 s"] == [row[-1] for row in rows]


def test_narrowing_and_overriding_show_what_would_run(suite: Suite, capsys: pytest.CaptureFixture[str]) -> None:
    """-k, --tag, --seeds, --device and --threads act as in `harness run`; cases left out are named on stderr."""
    assert main(["plan", "mine", "-k", "LE", "--tag", "small", "--seeds", "7,", "--device", "cuda:1", "--threads", "2"]) == 0

    out, err = capsys.readouterr()
    assert out == HEAD + (
        "lenet\ta000_lenet_gray\tdigits\tcuda:1\t2\t7\t\t1\t2 epochs\tunknown\ntotal\t\t\t\t\t\t\t1\t\tunknown\n"
    )
    assert err == "left out: cnn\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-k", "x"], "no case of suite 'mine' matches -k x; cases: lenet, cnn; tags: small"),
        (["--seeds", "x"], "--seeds: found 'x'"),
        (["--device", "gpu"], "--device: found 'gpu'"),
    ],
)
def test_what_cannot_be_planned_is_refused(
    suite: Suite, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    """A wrong option is a usage error with exit code 2."""
    assert main(["plan", "mine", *arguments]) == 2
    assert message in capsys.readouterr().err
