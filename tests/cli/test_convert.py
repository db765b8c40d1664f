"""`harness convert`: what it says where it cannot, and what it leaves out."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from harness.catalog import Catalog
from harness.cli import main
from harness.exporters import Exporter, exporter, exporters
from harness.suite import Gate
from tests.support import Trained, make_case, make_suite, record

CASE = make_case(gates={"accuracy": Gate(margin=0.05)})


@pytest.fixture
def measured(project_folder: Path) -> Path:
    """A project with a run set of suite demo: a score, a text and a null."""
    values = {"accuracy": 0.9, "final_weights_digest": "abc", "cuda_peak_allocated": None}
    record(project_folder / "results", make_suite(CASE), [Trained(CASE, seed, values) for seed in CASE.seeds])
    return project_folder


@pytest.mark.parametrize("name", sorted(exporters(Catalog())))
def test_every_format_says_what_it_is_and_who_reads_it(name: str) -> None:
    """A file of the package is a format: it has a line for listings, a reader, and one way to be written."""
    made = exporter(Catalog(), name)

    assert isinstance(made, Exporter)
    assert made.reads
    assert (made.text is None) != (made.folder is None)
    assert exporters(Catalog())[name].summary


def test_a_text_goes_to_stdout_and_what_is_left_out_to_stderr(measured: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """So that a pipe gets the file alone; texts and nulls are never written as numbers."""
    assert main(["convert", "demo", "--to", "bencher"]) == 0

    told = capsys.readouterr()
    assert list(json.loads(told.out)["demo/lenet"]) == ["accuracy"]
    assert told.err.splitlines() == [
        "left out: texts: final_weights_digest",
        "left out: null in every run: cuda_peak_allocated",
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "name a run set"),
        (["demo"], "give either --to FORMAT"),
        (["demo", "--to", "bencher", "--from", "pytest-benchmark"], "give either --to FORMAT"),
        (["demo", "--to", "benchr"], "did you mean 'bencher'?"),
        (["demo", "demo", "--to", "bencher"], "one run set at a time"),
        (["dem", "--to", "bencher"], "no run set 'dem'"),
        (["demo", "--to", "bencher", "--metric", "acuracy"], "did you mean 'accuracy'?"),
        (["demo", "--to", "bencher", "--metric", "final_weights_digest"], "nothing to export"),
        (["demo", "--to", "pytest-benchmark"], "nothing to export"),
        (["demo", "--to", "mlperf"], "--output DIR"),
        (["demo", "--to", "mlperf", "-o", "suites/.."], "is no empty folder"),
        (["demo", "--to", "bencher", "--suite", "api"], "--suite means nothing with --to"),
        (["a.json", "--from", "pytest-benchmark", "--metric", "x"], "--metric means nothing with --from"),
        (["a.json", "--from", "asv", "--suite", "api"], "allowed: pytest-benchmark"),
        (["a.json", "--from", "pytest-benchmark"], "--suite NAME"),
        (["a.json", "--from", "pytest-benchmark", "--suite", "api"], "a.json: cannot be read: No such file"),
    ],
)
def test_what_cannot_be_done_is_a_usage_error(
    measured: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    """Code 2, and what to do instead."""
    assert main(["convert", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_formats_are_listed(project_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--formats names each."""
    assert main(["convert", "--formats"]) == 0
    assert [line.split("\t")[0] for line in capsys.readouterr().out.splitlines()[1:]] == sorted(exporters(Catalog()))


def test_a_format_of_ones_own_is_a_file(measured: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A catalogue may hold exporters, like any part."""
    for kind in ("exporters", "models"):
        (measured / "bench" / kind).mkdir(parents=True)
    text = '"""Lines."""\nfrom harness.exporters import Exporter\n'
    text += 'EXPORTER = Exporter(reads="me", text=lambda source: f"{source.numbers[0].mean:.1f}\\n")\n'
    (measured / "bench" / "exporters" / "lines.py").write_text(text)

    assert main(["convert", "demo", "--to", "lines", "--catalogue", "bench"]) == 0
    assert capsys.readouterr().out == "0.9\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import nothing_of_that_name\n", "importing failed: ModuleNotFoundError"),
        ("EXPORTER = 3\n", "EXPORTER must be"),
        ("from harness.exporters import Exporter\nEXPORTER = Exporter(reads='me')\n", "of a text or a folder"),
    ],
)
def test_a_broken_format_is_named(measured: Path, capsys: pytest.CaptureFixture[str], text: str, message: str) -> None:
    """The message says which file, and there is no traceback."""
    for kind in ("exporters", "models"):
        (measured / "bench" / kind).mkdir(parents=True)
    (measured / "bench" / "exporters" / "broken.py").write_text(text)

    assert main(["convert", "demo", "--to", "broken", "--catalogue", "bench"]) == 2
    told = capsys.readouterr().err
    assert told.startswith(f"error: {measured / 'bench' / 'exporters' / 'broken.py'}: ")
    assert message in told


def test_converting_never_imports_torch(measured: Path) -> None:
    """Results are converted on any machine."""
    code = (
        "import sys; from harness.cli import main; code = main(['convert', 'demo', '--to', 'openmetrics', '-o', 'out.txt']);"
        "print(code, [name for name in ('torch', 'sklearn', 'scipy.stats') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines() == ["out.txt", "0 []"]
