"""`harness claims` as a user types it, on a suite and a catalogue of the user's own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from harness.catalog import Catalog
from harness.claims import JUDGEMENTS, read_ledger
from harness.cli import main
from harness.results import RunSet, run_sets
from harness.runner.code import code_digest
from harness.suite import load_suite
from tests.support import Trained, record

MODEL = '"""A model."""\ndef build(spec):\n    return None\nMODEL = Model(build=build)\n'
DATA = '"""Data."""\ndef load(context):\n    return None\nDATASET = Dataset(load=load)\n'

SUITE = """
version = 3
why = "Which of two models is better."
[defaults]
data = "dots"
recipe.epochs = 1
passes = []
[[case]]
model = "wide"
[[case]]
model = "narrow"
[[claim]]
id = "better"
block = "scale"
statement = "The wide one is better."
source = ["my notes"]
refuted_by = "an interval below half a point"
[[claim.test]]
kind = "difference"
value = { case = "wide", metric = "accuracy" }
against = { case = "narrow", metric = "accuracy" }
margin = 0.005
[[claim]]
id = "faster"
block = "cost"
statement = "The wide one is faster."
refuted_by = "a ratio of one or more"
[[claim.test]]
kind = "difference"
value = { case = "wide", metric = "train_time" }
against = { case = "narrow", metric = "train_time" }
margin = 0.1
relative = true
[[claim]]
id = "liked"
statement = "People like it."
untestable = "No person was asked."
"""


@pytest.fixture
def project(project_folder: Path) -> Path:
    """A project with two models of its own, a data set and a suite that claims three things; nothing is measured yet."""
    for name, text in {"models/wide": MODEL, "models/narrow": MODEL, "data/dots": DATA}.items():
        path = project_folder / "bench" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (project_folder / "pyproject.toml").write_text('[tool.harness]\ncatalogues = ["bench"]\n')
    (project_folder / "suites" / "mine.toml").write_text(SUITE)
    return project_folder


def measure(project: Path, seeds: int = 10, **columns: str) -> RunSet:
    """Store a run set in which the wide model is better and slower; its runs may have columns of their own."""
    suite = load_suite(project / "suites" / "mine.toml", Catalog([project / "bench"]))
    wide, narrow = suite.cases
    runs = [
        Trained(case, seed, {"accuracy": accuracy + seed / 1000, "train_time": seconds * (1 + seed / 100)}, columns=columns)
        for case, accuracy, seconds in ((wide, 0.94, 3.0), (narrow, 0.87, 2.0))
        for seed in range(1, seeds + 1)
    ]
    return record(project / "results", suite, runs)


def test_the_ledger_is_a_table_on_stdout_with_the_counts_first(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One row a claim: what it says, what became of it and why; a refuted claim is a result, so that the exit code is 0."""
    measure(project)

    assert main(["claims", "mine"]) == 0

    out, err = capsys.readouterr()
    rows = [line.split("\t") for line in out.splitlines()]
    assert rows[0] == ["claim", "block", "verdict", "what is claimed", "what was asked and found"]
    assert [row[:4] for row in rows[1:]] == [
        ["better", "scale", "supported", "The wide one is better."],
        ["faster", "cost", "refuted", "The wide one is faster."],
        ["liked", "other", "untestable", "People like it."],
    ]
    asked = "accuracy of wide is higher than that of narrow by at least 0.0050"
    assert rows[1][4] == f"{asked}: 0.9455 against 0.8755: +0.0700 [+0.0700, +0.0700], 10 seeds, p 0.002"
    asked = "train_time of wide is lower than that of narrow by at least 10 %"
    assert rows[2][4].startswith(f"{asked}: 3.17 s against 2.11 s: a ratio of 0.667 in favour")
    assert rows[3][4] == "No person was asked."
    assert err.splitlines()[0] == "1 supported, 1 refuted, 0 inconclusive, 0 not run, 1 untestable"


def test_without_measurements_nothing_is_decided_and_the_next_command_is_named(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was not run is said to be so; it is no error."""
    assert main(["claims", "mine"]) == 0

    out, err = capsys.readouterr()
    assert [line.split("\t")[2] for line in out.splitlines()[1:]] == ["not run", "not run", "untestable"]
    assert "not stored: wide, narrow" in out
    assert "harness run mine" in err


def test_a_case_that_failed_is_not_told_to_be_not_there(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Running it again would fail again: the command that says why is named first."""
    suite = load_suite(project / "suites" / "mine.toml", Catalog([project / "bench"]))
    wide, narrow = suite.cases
    runs = [Trained(wide, 1, {"accuracy": 0.9}), Trained(narrow, 1, status="failed", reason="ValueError: boom")]
    stored = record(project / "results", suite, runs)

    assert main(["claims", "mine", "--block", "scale"]) == 0

    out, err = capsys.readouterr()
    assert "no run of narrow succeeded (seed 1: failed (ValueError: boom))" in out
    assert "are not there" not in err
    assert f"every run of them failed; why: harness show {stored.name}; once that is mended: harness run mine" in err
    assert main(["show", stored.name]) == 0
    assert "ValueError: boom" in capsys.readouterr().out


def test_too_few_seeds_are_inconclusive(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Five seeds are not enough, however clear they look."""
    measure(project, seeds=5)

    assert main(["claims", "mine"]) == 0

    (row,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("better\tscale\tinconclusive\t")]
    assert row.endswith(": 5 common seeds, where 6 are needed")


def test_code_that_was_edited_since_is_told(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Numbers of the code as it is are told from older ones; those of a harness that kept no digest are not called old."""
    catalog = Catalog([project / "bench"])
    wide, _ = load_suite(project / "suites" / "mine.toml", catalog).cases
    measure(project, code_digest=code_digest(wide, catalog))  # a user's catalogue counts as a whole, so that both have one
    assert main(["claims", "mine"]) == 0
    assert "edited" not in capsys.readouterr().err

    (project / "bench" / "models" / "wide.py").write_text(MODEL.replace("A model.", "Another."))
    assert main(["claims", "mine"]) == 0

    told = "edited since they were measured: the code of 2 cases (wide, narrow); harness run mine"
    assert told in capsys.readouterr().err


def test_json_is_the_ledger_that_is_stored(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--json prints it, --store keeps it in results/ledgers for git, with what it was judged from."""
    stored = measure(project)

    assert main(["claims", "mine", "--json", "--store"]) == 0

    out, err = capsys.readouterr()
    file = project / "results" / "ledgers" / "mine.json"
    assert file.read_text() == out
    assert f"stored in {file}" in err
    content = json.loads(out)
    assert content["sources"]["wide"]["run_set"] == stored.name
    assert (content["suite_version"], len(content["claims"])) == (3, 3)
    ledger = read_ledger(project / "results", "mine")
    assert ledger is not None
    assert list(ledger.counts) == list(JUDGEMENTS)
    assert main(["results", "ls"]) == 0  # ledgers are the results of no suite
    assert "ledgers" not in capsys.readouterr().out


def test_a_block_is_shown_alone_and_judged_with_all(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--block narrows what is shown; the ledger that is stored has every claim."""
    measure(project)

    assert main(["claims", "mine", "--block", "cost", "--store"]) == 0

    out, err = capsys.readouterr()
    assert [line.split("\t")[0] for line in out.splitlines()[1:]] == ["faster"]
    assert err.splitlines()[0] == "0 supported, 1 refuted, 0 inconclusive, 0 not run, 0 untestable"
    ledger = read_ledger(project / "results", "mine")
    assert ledger is not None
    assert len(ledger.claims) == 3


def test_markdown_is_for_a_pull_request(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Counts by block and the claims below them."""
    measure(project)

    assert main(["claims", "mine", "--markdown"]) == 0

    out = capsys.readouterr().out
    assert out.startswith("**mine**, 3 claims, 2 decided on H200: 1 supported, 1 refuted, 1 untestable.\n")
    assert "| scale | 1 | – | – | – | – |" in out
    assert "| better | **supported** | The wide one is better.<br><sub>my notes</sub> |" in out


def test_the_last_run_set_keeps_the_ledger_for_its_report(project: Path) -> None:
    """The table `claims` has a row a test, and the report shows it."""
    measure(project)
    last = measure(project)

    assert main(["claims", "mine"]) == 0

    assert list(last.table("claims")["verdict"]) == ["supported", "refuted", "untestable"]
    first = run_sets(project / "results", "mine")[0]
    assert len(first.table("claims")) == 0
    assert main(["report", "mine"]) == 0
    assert "The wide one is better." in (last.path / "report.html").read_text()


def test_what_a_stored_ledger_loses_is_told(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Storing a poorer ledger over a richer one names each claim that is decided no more."""
    measure(project)
    assert main(["claims", "mine", "--store"]) == 0
    shutil.rmtree(project / "results" / "mine")
    measure(project, seeds=4)
    capsys.readouterr()

    assert main(["claims", "mine", "--store"]) == 0

    err = capsys.readouterr().err
    assert "warning: better was supported in the stored ledger and is inconclusive now" in err
    assert "warning: faster was refuted in the stored ledger and is inconclusive now" in err

    (project / "results" / "ledgers" / "mine.json").write_text("{}")
    assert main(["claims", "mine", "--store"]) == 0
    assert "warning: written anew: a ledger that cannot be read" in capsys.readouterr().err
    assert read_ledger(project / "results", "mine") is not None


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["mime"], 2, "no suite 'mime'"),
        ([], 2, "no suite 'claims'"),
        (["mine", "--block", "costs"], 2, "no claim of 'costs', did you mean 'cost'?; there are claims of scale, cost, other"),
        (["mine", "--json", "--markdown"], 2, "give one of them"),
        (["quiet"], 4, "suite 'quiet' claims nothing"),
    ],
)
def test_what_cannot_be_judged_is_an_error(
    project: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, message: str
) -> None:
    """Unknown suites and blocks, and suites without a claim, end with a code of their own."""
    head = SUITE[: SUITE.index("[[claim]]")]
    (project / "suites" / "quiet.toml").write_text(head)

    assert main(["claims", *arguments]) == code
    assert message in " ".join(capsys.readouterr().err.split())


def test_judging_claims_never_imports_torch(project: Path) -> None:
    """It works on any machine; scipy.stats is loaded only where a trend needs it."""
    measure(project)
    code = (
        "import sys; from harness.cli import main; code = main(['claims', 'mine']);"
        "print([name for name in ('torch', 'sklearn', 'scipy.stats', 'matplotlib') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines()[-1] == "[]"


def test_a_reader_that_leaves_at_once_does_not_keep_the_ledger_from_being_stored(project: Path) -> None:
    """It is stored before the table is printed: `harness claims --store | head` loses nothing."""
    measure(project)
    read, write = os.pipe()
    os.close(read)  # the other end of the pipe is gone before the first line

    command = [sys.executable, "-P", "-m", "harness", "claims", "mine", "--store"]
    subprocess.run(command, cwd=project, stdout=write, stderr=subprocess.PIPE, check=False)
    os.close(write)

    assert read_ledger(project / "results", "mine") is not None
