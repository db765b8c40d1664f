"""`harness env`: what a run ran on, of any run, run set or archive, and of this machine as a run would find it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.cli import main
from harness.results import RunSet
from harness.runner.execute import Ran


@pytest.fixture
def run_set(write_project: Callable[..., None], run_mine: Callable[..., Ran]) -> RunSet:
    """A run set of one case with a pass of its own, one seed."""
    write_project({"good": "passes = ['memory']"})
    return run_mine(seeds=(1,)).run_set


@pytest.fixture
def shown(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, list[list[str]], str]]:
    """Return a function that runs `harness env …`: (exit code, cells of the rows, stderr)."""

    def run(*arguments: str) -> tuple[int, list[list[str]], str]:
        capsys.readouterr()
        code = main(["env", *arguments])
        out, err = capsys.readouterr()
        return code, [line.split("\t") for line in out.splitlines()], err

    return run


Shown = Callable[..., tuple[int, list[list[str]], str]]


def test_this_machine_is_what_a_run_finds(run_set: RunSet, shown: Shown, capsys: pytest.CaptureFixture[str]) -> None:
    """A run's stored surroundings and those asked for now do not differ in any field, nor those of its archive."""
    assert 0 == main(["export", "mine", "good", "-o", "good.zip"])

    for one, other in (("mine", "here"), ("here", "good-s1"), ("good.zip", "here"), ("good.zip", run_set.name)):
        code, rows, err = shown("diff", one, other)
        assert (0, []) == (code, rows), (one, other)
        assert "fields that differ: 0; the same bits can be expected" in err


def test_fields_are_shown_by_group(run_set: RunSet, shown: Shown, capsys: pytest.CaptureFixture[str]) -> None:
    """Machine first, then what bits depend on; as a table and as JSON."""
    code, rows, _ = shown("show", "mine")

    assert 0 == code
    assert ["group", "field", "value"] == rows[0]
    assert ["machine", "numeric", "version", "flag", "setting"] == list(dict.fromkeys(row[0] for row in rows[1:]))
    assert ["setting", "OMP_NUM_THREADS", "1"] in rows
    assert 0 == main(["env", "show", "--json"])
    assert rows[1:] == [[*key.split(".", 1), value] for key, value in sorted_by_group(json.loads(capsys.readouterr().out))]


def sorted_by_group(fields: dict[str, str]) -> list[tuple[str, str]]:
    """Return fields in the order of the table."""
    order = ["machine", "numeric", "version", "flag", "setting"]
    return sorted(fields.items(), key=lambda item: (order.index(item[0].split(".")[0]), item[0]))


def test_what_differs_is_shown_and_decides_the_exit_code(
    run_set: RunSet, shown: Shown, run_mine: Callable[..., Ran], capsys: pytest.CaptureFixture[str]
) -> None:
    """Other threads are other bits: each field with its group and both values."""
    two = run_mine(seeds=(1,), threads=2).run_set

    code, rows, err = shown("diff", run_set.name, two.name)

    assert 1 == code
    assert ["group", "field", run_set.name, two.name] == rows[0]
    assert ["numeric", "flag_threads", "1", "2"] in rows
    assert ["setting", "OMP_NUM_THREADS", "1", "2"] in rows
    assert "other bits are to be expected: flag_threads" in err
    assert (0, []) == shown("diff", "mine", "here")[:2]  # asked for as the run was: with two threads
    assert 1 == main(["env", "diff", run_set.name, two.name, "--json"])
    found = json.loads(capsys.readouterr().out)
    assert {"group": "numeric", "field": "flag_threads", "old": "1", "new": "2"} in found


def test_a_version_alone_is_no_other_bits(run_set: RunSet, shown: Shown) -> None:
    """A distribution that changed is shown; whether it matters the numeric fields say."""
    rows = run_set.table("environments")
    rows.loc[rows["key"] == "version.pluggy", "value"] = "0.0.1"
    rows.to_parquet(run_set.path / "environments.parquet")
    retag(run_set)

    code, found, err = shown("diff", "mine", "here")

    assert 0 == code
    assert [["version", "pluggy", "0.0.1"]] == [row[:3] for row in found[1:]]
    assert "fields that differ: 1; the same bits can be expected" in err


def retag(run_set: RunSet) -> None:
    """Give a table that pandas wrote the harness's schema again."""
    import pyarrow.parquet as pq

    from harness.results import TABLES

    file = run_set.path / "environments.parquet"
    pq.write_table(pq.read_table(file).select(TABLES["environments"].names).cast(TABLES["environments"]), file)


def test_runs_that_disagree_show_each_value(
    write_project: Callable[..., None], run_mine: Callable[..., Ran], shown: Shown
) -> None:
    """A set of two lanes has both."""
    write_project({"good": 'matrix = { "execution.lane" = ["speed", "deterministic"] }'})
    run_mine(seeds=(1,))

    _, rows, _ = shown("show", "mine")

    assert ["numeric", "lane", "deterministic | speed"] in rows


def test_what_is_not_there_says_what_to_name(run_set: RunSet, shown: Shown, project_folder: Path) -> None:
    """A name that nothing bears, and this machine twice."""
    assert "no run 'godo'" in shown("show", "godo")[2]
    assert "no such archive" in shown("show", "none.zip")[2]
    code, _, err = shown("diff", "here", "here")
    assert 2 == code
    assert "name a run, a run set or an archive" in err
