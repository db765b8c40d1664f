"""The report's files."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.catalog import Catalog
from harness.errors import ResultsError
from harness.render import write_report
from tests.report.support import make_suite, stored, usual


def test_report_lies_beside_the_tables(tmp_path: Path) -> None:
    """By default both files are written to the run set's folder, and nothing else is left there."""
    run_set = stored(tmp_path, make_suite())
    before = {path.name for path in run_set.path.iterdir()}

    written = write_report(run_set, Catalog())

    assert written == (run_set.path / "report.html", run_set.path / "report.md")
    assert {path.name for path in run_set.path.iterdir()} - before == {"report.html", "report.md"}


def test_second_report_has_the_same_bytes(tmp_path: Path) -> None:
    """Writing again changes nothing: no time of rendering is in either file."""
    run_set = usual(tmp_path)

    first = [path.read_bytes() for path in write_report(run_set, Catalog())]

    assert [path.read_bytes() for path in write_report(run_set, Catalog(), tmp_path / "again")] == first


def test_output_folder_is_made(tmp_path: Path) -> None:
    """A folder that is not there yet is made, with its parents."""
    written = write_report(stored(tmp_path, make_suite()), Catalog(), tmp_path / "a" / "b")

    assert written.html == tmp_path / "a" / "b" / "report.html"
    assert written.html.is_file()


def test_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    """A place that cannot be written is named, with what to do."""
    blocked = tmp_path / "file"
    blocked.write_text("")

    with pytest.raises(ResultsError, match=r"file: the report cannot be written: .*; choose another --output"):
        write_report(stored(tmp_path, make_suite()), Catalog(), blocked)
