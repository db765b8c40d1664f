"""`harness verify`: an archive in words and by its exit code."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.cli import main
from harness.runner.execute import Ran
from tests.archive.support import forge


@pytest.fixture
def archive(write_project: Callable[..., None], run_mine: Callable[..., Ran], capsys: pytest.CaptureFixture[str]) -> Path:
    """The archive of a project's one run, in the working folder."""
    write_project({"good": "passes = []"})
    run_mine(seeds=(1,))
    assert 0 == main(["export", "mine", "good", "-o", "good.zip"])
    capsys.readouterr()
    return Path("good.zip")


def test_what_was_compared_and_what_was_not_is_said(archive: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whose archive it is on stderr; the outcome and its extent on stdout."""
    assert 0 == main(["verify", "good.zip"])

    out, err = capsys.readouterr()
    assert "good.zip: good, seed 1, of suite mine, from code outside git" in err
    assert out.splitlines()[0].endswith(": identical")
    assert "16 losses" in out
    assert "not compared: times, memory and energy" in out


def test_an_edited_number_is_shown_beside_the_true_one(
    archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a row of the table, and as the first difference."""

    def flatter(rows: object) -> None:
        rows.loc[rows["metric"] == "parameters", "value"] = 6.0  # type: ignore[attr-defined, index]

    forge(archive, tmp_path / "forged.zip", {"measurements": flatter})

    assert 1 == main(["verify", "forged.zip"])

    out, _ = capsys.readouterr()
    assert "first difference: metric parameters: 6.0 → 12.0" in out
    assert ["metric", "", "parameters", "6.0", "12.0"] in [line.split("\t")[:5] for line in out.splitlines()]
    assert "localised: two more trainings by the same code agree" in out


def test_a_file_that_is_no_archive_is_refused(project_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2 where there is none, 5 where it is another kind of file."""
    (project_folder / "notes.zip").write_text("notes")

    assert 2 == main(["verify", "none.zip"])
    assert "make one with `harness export RUN`" in capsys.readouterr().err
    assert 5 == main(["verify", "notes.zip"])
    assert "no zip file, or truncated" in capsys.readouterr().err
