"""`harness results`: what is stored, and removing it."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.cli import main
from harness.results import RunSet
from tests.support import make_case, make_suite


@pytest.fixture
def made(project_folder: Path) -> list[RunSet]:
    """Three run sets of one suite, the last complete."""
    run_sets = [RunSet.create(project_folder / "results", make_suite(make_case(), name="tiny")) for _ in range(3)]
    run_sets[-1].update(complete=True)
    return run_sets


def test_every_run_set_is_listed_with_its_state(made: list[RunSet], capsys: pytest.CaptureFixture[str]) -> None:
    """Oldest first: name, state, runs, size, time."""
    assert main(["results", "ls"]) == 0

    rows = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert rows[0] == ["run set", "state", "runs ok", "size", "created"]
    assert [(row[0], row[1]) for row in rows[1:]] == [
        (made[0].name, "unfinished"),
        (made[1].name, "unfinished"),
        (made[2].name, "complete"),
    ]


def test_a_run_set_is_removed_by_its_whole_name(made: list[RunSet], capsys: pytest.CaptureFixture[str]) -> None:
    """A suite's name alone removes nothing."""
    assert main(["results", "rm", "tiny"]) == 2
    assert "name the run set" in capsys.readouterr().err
    assert main(["results", "rm", made[0].name, "--dry-run"]) == 0
    assert made[0].path.exists()
    assert main(["results", "rm", made[0].name]) == 0
    assert not made[0].path.exists()
    assert made[1].path.exists()


def test_garbage_collection_keeps_the_last_and_clears_what_was_left(
    made: list[RunSet], capsys: pytest.CaptureFixture[str]
) -> None:
    """Old run sets and working folders of killed harnesses go; --dry-run only says so."""
    (made[2].path / ".work-dead").mkdir()

    assert main(["results", "gc", "--keep", "1", "--dry-run"]) == 0
    assert all(run_set.path.exists() for run_set in made)
    assert main(["results", "gc", "--keep", "1"]) == 0

    assert [run_set.path.exists() for run_set in made] == [False, False, True]
    assert not (made[2].path / ".work-dead").exists()
    assert f"removed {made[0].name}" in capsys.readouterr().out


def test_what_is_no_run_set_is_never_removed(made: list[RunSet], project_folder: Path) -> None:
    """A folder with another program's manifest stays, and so do the run sets named beside it."""
    web = project_folder / "web"
    web.mkdir()
    (web / "manifest.json").write_text('{"name": "app"}')

    assert main(["results", "rm", made[0].name, "./web"]) == 5

    assert web.exists()
    assert made[0].path.exists()


def test_a_run_set_in_use_does_not_stop_garbage_collection(made: list[RunSet], capsys: pytest.CaptureFixture[str]) -> None:
    """It is skipped, which stderr says; the others go."""
    with made[0].lock():
        assert main(["results", "gc", "--keep", "1"]) == 0

    shown = capsys.readouterr()
    assert [run_set.path.exists() for run_set in made] == [True, False, True]
    assert f"skipped {made[0].name}" in shown.err
    assert shown.out == f"removed {made[1].name}\n"
