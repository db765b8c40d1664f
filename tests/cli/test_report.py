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


def test_several_run_sets_are_put_side_by_side(project_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two or more make one page and its Markdown, in the last one's folder or in --output; no report of theirs is touched."""
    first, last = usual(project_folder / "results"), usual(project_folder / "results")

    assert main(["report", first.name, str(last.path)]) == 0
    assert capsys.readouterr().out.splitlines() == [str(last.path / f"side-by-side.{form}") for form in ("html", "md")]
    assert main(["report", first.name, "demo", first.name, "--output", "public"]) == 0
    assert sorted(path.name for path in (project_folder / "public").iterdir()) == ["side-by-side.html", "side-by-side.md"]
    assert not (last.path / "report.html").exists()
    page = (project_folder / "public" / "side-by-side.html").read_text()
    assert "3 run sets side by side" in page
    assert first.name in page


def test_the_page_is_opened_where_that_is_asked_for(project_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """--open hands the page's address to the system's browser, which is a program of ours here."""
    run_set = usual(project_folder / "results")
    browser = project_folder / "browser"
    browser.write_text('#!/bin/sh\necho "$1" > opened\n')
    browser.chmod(0o755)
    script = "import sys; from harness.cli import main; sys.exit(main(['report', 'demo', '--open']))"
    monkeypatch.setenv("BROWSER", str(browser))

    subprocess.run([sys.executable, "-c", script], cwd=project_folder, capture_output=True, check=True)

    assert (project_folder / "opened").read_text().strip() == (run_set.path / "report.html").as_uri()


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
