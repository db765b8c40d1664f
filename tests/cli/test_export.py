"""`harness export`: one run, one file, named on stdout."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.archive import read_archive
from harness.cli import main
from harness.results import RunSet
from harness.runner.execute import Ran


@pytest.fixture
def run_set(write_project: Callable[..., None], run_mine: Callable[..., Ran]) -> RunSet:
    """A run set of one case, two seeds, and a pass."""
    write_project({"good": "passes = ['counters']"})
    return run_mine().run_set


def test_a_run_is_written_under_its_id(run_set: RunSet, project_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By the head of its id or by suite and case; stdout is the file's name, for scripts."""
    (second,) = (run_id for run_id in run_set.run_ids() if run_id.startswith("good-s2"))
    capsys.readouterr()

    assert 0 == main(["export", "good-s2"])

    out, err = capsys.readouterr()
    assert f"{second}.zip\n" == out
    assert f"harness verify {second}.zip" in err
    assert 2 == read_archive(project_folder / f"{second}.zip").record.seed
    assert 0 == main(["export", "mine", "good", "-o", "mine.zip"])
    assert 1 == read_archive(project_folder / "mine.zip").record.seed


def test_what_cannot_be_exported_says_so(run_set: RunSet, project_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No such run, several, a pass; nothing is written."""
    for arguments, words in (
        (["godo"], "no run 'godo'"),
        (["good-"], "begins 2 runs"),
        (["mine"], "name a case too: harness export mine CASE"),
        (["good-s1-counters"], "a run of the counters pass"),
    ):
        assert 2 == main(["export", *arguments])
        assert words in capsys.readouterr().err
    assert not list(project_folder.glob("*.zip"))
