"""What `harness export` writes: whole, the same every time, checkable by others' tools, and nothing of whoever wrote it."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import re
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

import harness
from harness.archive import export
from harness.errors import ResultsError, UsageError
from harness.project import find_project
from harness.results import RUN_TABLES, TABLES, RunSet
from harness.runner.execute import Ran
from harness.runner.find import find_run
from tests.archive.support import frame, members


def test_the_same_run_gives_the_same_bytes(home: Path, archive: Path, tmp_path: Path) -> None:
    """Whenever and wherever it is exported."""
    project = find_project(home)

    again = export(project, find_run(project, "mine", "good"), tmp_path / "again.zip")

    assert archive.read_bytes() == again.read_bytes()


def test_how_a_run_set_keeps_a_run_plays_no_part(
    write_project: Callable[..., None], run_mine: Callable[..., Ran], project_folder: Path
) -> None:
    """Beside other runs and alone, folded and not, in whatever order its rows lie."""
    write_project({"good": "passes = []"})
    run_set = run_mine().run_set
    project = find_project(project_folder)
    run = find_run(project, "mine", "good")
    first = export(project, run, project_folder / "first.zip").read_bytes()

    run_set.drop([run_id for run_id in run_set.run_ids() if run_id != run.run_id])
    rows = {
        name: pa.Table.from_pandas(run_set.table(name).iloc[::-1], TABLES[name], preserve_index=False) for name in RUN_TABLES
    }
    run_set.drop([run.run_id])
    run_set.add(run.run_id, rows)

    assert first == export(project, run, project_folder / "second.zip").read_bytes()


def test_others_tools_find_the_sums_right(archive: Path, tmp_path: Path) -> None:
    """`sha256sum -c` in the unpacked archive."""
    with zipfile.ZipFile(archive) as file:
        file.extractall(tmp_path)

    done = subprocess.run(
        ["sha256sum", "-c", "--strict", "SHA256SUMS"], cwd=tmp_path, capture_output=True, text=True, check=True
    )

    assert len(members(archive)) - 1 == done.stdout.count(": OK")


def test_the_lock_pins_what_is_installed(archive: Path) -> None:
    """Each line is a version that Python finds here; the harness itself and the interpreter are no packages to fetch."""
    lines = members(archive)["requirements.txt"].decode().splitlines()
    pins = dict(line.split("==") for line in lines if "==" in line)

    assert {"torch", "numpy", "scikit-learn"} <= set(pins)
    assert not {"python", "kernel", "benchmark-harness"} & set(pins)
    assert pins == {name: importlib.metadata.version(name) for name in pins}
    assert all(line.startswith(("#", "--extra-index-url ")) for line in lines if "==" not in line)


def test_only_its_own_run_is_in_it(archive: Path, run_set: RunSet) -> None:
    """The suite is narrowed to the case; tables hold the run's rows alone."""
    contents = members(archive)
    (run_id,) = frame(contents["tables/runs.parquet"])["run_id"]

    assert {run_id} == set(frame(contents["tables/steps.parquet"])["run_id"])
    assert ["good"] == [case["name"] for case in json.loads(contents["suite.json"])["cases"]]
    assert 96 == len(frame(contents["tables/data_samples.parquet"]))
    assert f"harness verify {run_id}.zip" in contents["README.md"].decode()
    assert hashlib.sha256(contents["README.md"]).hexdigest() in contents["SHA256SUMS"].decode()


def old_run(run_set: RunSet) -> str:
    """Add a copy of a good run as a harness before schema version 4 stored it, and return its id."""
    rows = run_set.table("runs")
    old = rows[(rows["case"] == "good") & (rows["pass"] == "train")].assign(run_id="old-s1", code_digest=None, data_digest=None)
    run_set.add("old-s1", {"runs": pa.Table.from_pandas(old, TABLES["runs"], preserve_index=False)})
    return "old-s1"


def test_what_could_not_be_verified_is_refused(
    write_project: Callable[..., None], run_mine: Callable[..., Ran], project_folder: Path
) -> None:
    """A pass that measures the machine, a run that failed, and a script's each say what to export instead."""
    write_project({"good": "passes = ['counters']", "exception": "passes = []", "nan": "passes = []"})
    run_set = run_mine(seeds=(1,)).run_set
    with harness.measure("script", device="cpu"):
        pass
    project = find_project(project_folder)
    ids = {re.sub(r"-\d{8}T.*", "", run_id): run_id for run_id in run_set.run_ids()}

    for name, words in (
        (ids["good-s1-counters"], "a run of the counters pass"),
        (ids["exception-s1"], "only a training that came to its end"),
        (ids["nan-s1"], "it diverged .training loss was nan at step 1.; no number of it is stored"),
        ("script-s1", "a script trained it"),
        (old_run(run_set), "an earlier harness ran it"),
    ):
        with pytest.raises(UsageError, match=words):
            export(project, find_run(project, name))
    assert not list(project_folder.glob("*.zip"))


def test_a_folder_of_this_machine_is_not_given_away(
    write_project: Callable[..., None], run_mine: Callable[..., Ran], project_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A suite may name one in an option; then nothing is written, and it is told where it stands."""
    elsewhere = project_folder.parent / "home of someone"
    write_project({"good": f'passes = []\nwhy = "as in {elsewhere}/notes"'})
    run_mine(seeds=(1,))
    project = find_project(project_folder)
    run = find_run(project, "mine", "good")
    monkeypatch.setenv("HOME", str(elsewhere))

    with pytest.raises(UsageError, match=r"suite\.json would name .*home of someone, a folder of this machine alone"):
        export(project, run)

    assert not list(project_folder.glob("*.zip"))


def test_a_place_that_cannot_be_written_is_named(home: Path, tmp_path: Path) -> None:
    """No half of an archive stays there."""
    project = find_project(home)
    run = find_run(project, "mine", "good")
    (tmp_path / "folder.zip").mkdir()

    for target in (tmp_path / "none" / "a.zip", tmp_path / "folder.zip"):
        with pytest.raises(ResultsError, match="cannot be written"):
            export(project, run, target)

    assert ["folder.zip"] == [path.name for path in tmp_path.iterdir()]
