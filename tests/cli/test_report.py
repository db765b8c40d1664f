"""`harness report`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from harness.cli import main
from tests.report.support import make_suite, stored, usual


def test_report_prints_both_paths_last(project_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A suite's name reports its last run set; the paths stand on stdout, one a line."""
    stored(project_folder / "results", make_suite())
    last = usual(project_folder / "results")

    code = main(["report", "demo"])

    assert code == 0
    assert capsys.readouterr().out.splitlines()[-2:] == [str(last.path / "report.html"), str(last.path / "report.md")]


def test_run_set_can_be_named(project_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An older run set is reported by its name or its path."""
    first = stored(project_folder / "results", make_suite())
    stored(project_folder / "results", make_suite())

    codes = [main(["report", name]) for name in (first.name, str(first.path))]

    assert codes == [0, 0]
    assert capsys.readouterr().out.splitlines()[::2] == [str(first.path / "report.html")] * 2


def test_suite_can_be_named_by_its_file(project_folder: Path) -> None:
    """A suite file stands for the suite of that name, as in `harness run`."""
    run_set = stored(project_folder / "results", make_suite())

    assert main(["report", "suites/demo.toml"]) == 0
    assert (run_set.path / "report.html").is_file()


def test_output_goes_elsewhere(project_folder: Path) -> None:
    """--output leaves the run set as it was."""
    run_set = stored(project_folder / "results", make_suite())

    assert main(["report", "demo", "--output", "public"]) == 0
    assert sorted(path.name for path in (project_folder / "public").iterdir()) == ["report.html", "report.md"]
    assert not (run_set.path / "report.html").exists()


def test_unknown_suite_is_refused(project_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A name without a run set is a usage error that names the nearest."""
    stored(project_folder / "results", make_suite())

    assert main(["report", "dem"]) == 2
    assert "did you mean 'demo'?" in capsys.readouterr().err


def test_section_of_a_catalogue_is_reported(project_folder: Path) -> None:
    """--catalogue adds a user's own section."""
    run_set = stored(project_folder / "results", make_suite())
    folder = project_folder / "bench" / "report"
    folder.mkdir(parents=True)
    (folder / "mine.py").write_text(
        '"""Mine."""\n\nfrom harness.report import Paragraph, Section\n\n'
        'SECTION = Section("Mine", 15, lambda data: [Paragraph("My own words.")])\n'
    )

    assert main(["report", "demo", "--catalogue", "bench"]) == 0
    assert "My own words." in (run_set.path / "report.html").read_text()


def test_report_never_imports_torch(project_folder: Path) -> None:
    """The whole command runs on a machine that judges and does not train."""
    usual(project_folder / "results")
    script = (
        "import sys; from harness.cli import main; code = main(['report', 'demo']); "
        "sys.exit(code or ('torch' in sys.modules) * 99)"
    )

    done = subprocess.run([sys.executable, "-c", script], cwd=project_folder, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
