"""Run sets on disk: whole runs or none, one holder at a time, damage named."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

from harness.errors import ResultsError, UsageError
from harness.results import (
    RUN_TABLES,
    SCHEMA_VERSION,
    TABLES,
    RunSet,
    find_run_set,
    leftovers,
    list_entries,
    remove,
    run_sets,
    superfluous,
    to_table,
)
from harness.suite import Case, PartRef, Recipe, Suite


@pytest.fixture
def suite() -> Suite:
    """A suite of one case."""
    case = Case(name="one", model=PartRef(name="m"), data=PartRef(name="d"), recipe=Recipe(epochs=1))
    return Suite(name="tiny", version=1, why="test", cases=(case,))


@pytest.fixture
def run_set(tmp_path: Path, suite: Suite) -> RunSet:
    """An empty run set."""
    return RunSet.create(tmp_path, suite)


def rows_of(run_id: str, environment: str = "e1") -> dict[str, list[dict[str, Any]]]:
    """Return a run with one row in a few tables."""
    run = dict.fromkeys(TABLES["runs"].names) | {"run_id": run_id, "case": "one", "seed": 1, "status": "ok"}
    measurement = dict.fromkeys(TABLES["measurements"].names) | {"run_id": run_id, "metric": "accuracy", "value": 0.5}
    return {
        "runs": [run],
        "measurements": [measurement],
        "environments": [{"environment_digest": environment, "key": "k", "value": "v"}],
    }


def test_a_run_is_readable_as_soon_as_it_is_added(run_set: RunSet) -> None:
    """Rows are on disk when `add` returns, before anything is folded."""
    run_set.add("r1", rows_of("r1"))

    assert RunSet(run_set.path).run_ids() == ["r1"]
    assert RunSet(run_set.path).table("measurements")["value"].tolist() == [0.5]


def test_folding_keeps_every_row_once(run_set: RunSet) -> None:
    """The tables hold the parts' rows, and the parts are gone."""
    run_set.add("r1", rows_of("r1"))
    run_set.fold()
    run_set.add("r2", rows_of("r2"))
    before = {name: run_set.table(name) for name in RUN_TABLES}

    run_set.fold()

    assert list(run_set.parts.iterdir()) == []
    for name in RUN_TABLES:
        pd.testing.assert_frame_equal(before[name], run_set.table(name))
    assert run_set.run_ids() == ["r1", "r2"]
    assert len(run_set.table("environments")) == 1


def test_a_kill_between_writing_the_tables_and_removing_the_parts_doubles_nothing(run_set: RunSet) -> None:
    """A part that is in the table already counts once."""
    run_set.add("r1", rows_of("r1"))
    run_set.fold()
    run_set.add("r1", rows_of("r1"))

    assert run_set.run_ids() == ["r1"]


def test_half_a_part_is_no_run(run_set: RunSet) -> None:
    """What a kill leaves under a temporary name is not read."""
    run_set.add("r1", rows_of("r1"))
    (run_set.parts / "r1").rename(run_set.parts / ".r1")

    assert run_set.run_ids() == []


def test_dropped_runs_leave_the_others(run_set: RunSet) -> None:
    """Runs of an edited case go; the rest stays."""
    for name in ("r1", "r2"):
        run_set.add(name, rows_of(name))

    run_set.drop(["r1"])

    assert run_set.run_ids() == ["r2"]
    assert run_set.table("measurements")["run_id"].tolist() == ["r2"]


def test_every_stored_table_carries_the_schema_version(run_set: RunSet) -> None:
    """Each Parquet file and the manifest say which schema they have."""
    run_set.add("r1", rows_of("r1"))
    run_set.fold()

    for name in RUN_TABLES:
        metadata = pq.read_schema(run_set.path / f"{name}.parquet").metadata
        assert metadata[b"harness_schema_version"] == str(SCHEMA_VERSION).encode()
    assert json.loads((run_set.path / "manifest.json").read_text())["schema_version"] == SCHEMA_VERSION


def test_tables_of_an_earlier_schema_version_lack_what_came_later(run_set: RunSet) -> None:
    """A run set of version 1 is read with nulls in later columns and no rows in later tables."""
    run_set.add("r1", rows_of("r1"))
    run_set.fold()
    file = run_set.path / "runs.parquet"
    content = pq.read_table(file).drop_columns(["synthetic", "resumed"])
    pq.write_table(content.replace_schema_metadata({"harness_schema_version": "1"}), file)
    (run_set.path / "episodes.parquet").unlink()

    runs = run_set.table("runs")

    assert runs["run_id"].tolist() == ["r1"]
    assert runs["synthetic"].isna().all()
    assert run_set.table("episodes").empty


def test_a_run_set_from_before_passes_declares_none(run_set: RunSet) -> None:
    """It was asked for trainings alone, so that it lacks nothing; one of now says what it was asked for."""
    assert {("memory", "counters")} == {case.passes for case in run_set.manifest.suite.cases}
    content = json.loads((run_set.path / "manifest.json").read_text()) | {"schema_version": 2}
    for case in content["suite"]["cases"]:
        del case["passes"]
    (run_set.path / "manifest.json").write_text(json.dumps(content))

    assert {()} == {case.passes for case in run_set.manifest.suite.cases}


def test_a_row_without_a_declared_column_is_refused() -> None:
    """No table is written with a column missing."""
    with pytest.raises(KeyError, match="value"):
        to_table("environments", [{"environment_digest": "e", "key": "k"}])


def test_a_truncated_table_is_named(run_set: RunSet) -> None:
    """A damaged file is an error with its path, never fewer rows."""
    run_set.add("r1", rows_of("r1"))
    run_set.fold()
    file = run_set.path / "measurements.parquet"
    file.write_bytes(file.read_bytes()[:-100])

    with pytest.raises(ResultsError, match=r"measurements\.parquet: truncated or damaged"):
        run_set.table("measurements")


@pytest.mark.parametrize("table", ["measurements", "runs", "confusions"])
@pytest.mark.parametrize("folded", [True, False])
def test_a_table_that_was_deleted_is_named(run_set: RunSet, table: str, folded: bool) -> None:
    """A file that is gone is an error with its path and the remedy, never a table without rows."""
    run_set.add("r1", rows_of("r1"))
    if folded:
        run_set.fold()
    file = (run_set.path if folded else run_set.parts / "r1") / f"{table}.parquet"
    file.unlink()

    with pytest.raises(ResultsError) as told:
        run_set.table(table)

    assert str(told.value) == f"{file}: gone, though runs were stored; remove the run set and run the suite again"


def test_a_first_fold_cut_short_loses_nothing(run_set: RunSet) -> None:
    """While the parts are there, the tables that were not written yet are not missed."""
    run_set.add("r1", rows_of("r1"))
    shutil.copytree(run_set.parts, run_set.path / "kept")
    run_set.fold()
    (run_set.path / "kept" / "r1").rename(run_set.parts / "r1")
    for table in ("environments", "runs"):  # the last ones that a fold writes
        (run_set.path / f"{table}.parquet").unlink()

    assert run_set.run_ids() == ["r1"]
    assert len(run_set.table("environments")) == 1


@pytest.mark.parametrize(("table", "command"), [("verdicts", "gate"), ("claims", "claims")])
def test_what_is_computed_from_others_is_computed_again(run_set: RunSet, table: str, command: str) -> None:
    """A damaged table of verdicts or claims costs no measurements: the command that writes it is the remedy."""
    file = run_set.path / f"{table}.parquet"
    file.write_bytes(b"PAR1 no more")

    with pytest.raises(
        ResultsError, match=f"{table}.parquet: truncated or damaged: .*; `harness {command} tiny` writes it again"
    ):
        run_set.table(table)

    run_set.put(table, [])
    assert run_set.table(table).empty


@pytest.mark.parametrize(
    "content", ["{", "{}", '{"schema_version": 99, "suite": {}, "left_out": [], "created_utc": "", "complete": true}']
)
def test_a_damaged_manifest_is_named(run_set: RunSet, content: str) -> None:
    """Half a manifest, an empty one and one of a later version are errors with the path."""
    (run_set.path / "manifest.json").write_text(content)

    with pytest.raises(ResultsError, match=r"manifest\.json"):
        _ = run_set.manifest


def test_two_run_sets_of_one_second_do_not_mix(tmp_path: Path, suite: Suite) -> None:
    """Run sets made at once get names of their own, in order."""
    first, second = RunSet.create(tmp_path, suite), RunSet.create(tmp_path, suite)

    assert first.path != second.path
    assert [run_set.path for run_set in run_sets(tmp_path, "tiny")] == [first.path, second.path]


def test_a_run_set_is_found_by_suite_by_name_and_by_path(tmp_path: Path, suite: Suite) -> None:
    """A suite's name means its last run set."""
    first, last = RunSet.create(tmp_path, suite), RunSet.create(tmp_path, suite)

    assert find_run_set(tmp_path, "tiny").path == last.path
    assert find_run_set(tmp_path, first.name).path == first.path
    assert find_run_set(tmp_path, str(first.path)).path == first.path
    with pytest.raises(UsageError, match=r"no run set 'tinny' .*did you mean 'tiny'"):
        find_run_set(tmp_path, "tinny")
    with pytest.raises(UsageError, match=r"no run set 'tiny/20260102T030405Z' .*make one with `harness run tiny`"):
        find_run_set(tmp_path, "tiny/20260102T030405Z")


def test_another_process_cannot_take_a_held_run_set(run_set: RunSet) -> None:
    """The lock keeps two harnesses apart, and goes with its holder."""
    code = (
        "import sys; from pathlib import Path; from harness.results import RunSet\n"
        "with RunSet(Path(sys.argv[1])).lock(): print('held')"
    )
    take = [sys.executable, "-P", "-c", code, str(run_set.path)]

    with run_set.lock():
        refused = subprocess.run(take, capture_output=True, text=True, check=False)
    taken = subprocess.run(take, capture_output=True, text=True, check=False)

    assert "in use by another harness" in refused.stderr
    assert taken.stdout == "held\n"


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[tuple[Path, Callable[[], None]]]:
    """A folder and a function that fills its disk: a tiny file system where mounting is allowed, else no file may grow."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    mounted = shutil.which("mount") and subprocess.run(mount, capture_output=True, check=False).returncode == 0
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill() -> None:
        if not mounted:
            return resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
        with (folder / "filler").open("wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(b"x" * 1024)

    yield folder, fill
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    if mounted:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_loses_the_run_in_flight_alone(full_disk: tuple[Path, Callable[[], None]], suite: Suite) -> None:
    """The error names the folder; runs stored before are whole; nothing half-written stays."""
    folder, fill = full_disk
    run_set = RunSet.create(folder, suite)
    run_set.add("r1", rows_of("r1"))
    fill()

    with pytest.raises(ResultsError, match="cannot be written"):
        run_set.add("r2", rows_of("r2"))

    assert RunSet(run_set.path).run_ids() == ["r1"]
    assert [path.name for path in run_set.parts.iterdir()] == ["r1"]


def test_garbage_collection_keeps_the_last_ones(tmp_path: Path, suite: Suite) -> None:
    """gc names all but the last `keep` of each suite."""
    made = [RunSet.create(tmp_path, suite) for _ in range(3)]

    assert [run_set.path for run_set in superfluous(tmp_path, keep=1)] == [made[0].path, made[1].path]
    with pytest.raises(UsageError, match="at least 1"):
        superfluous(tmp_path, keep=0)


def test_only_folders_of_dead_harnesses_are_leftovers(tmp_path: Path, suite: Suite) -> None:
    """A working folder in a held run set is in use."""
    run_set = RunSet.create(tmp_path, suite)
    folder = run_set.path / ".work-x"
    folder.mkdir()

    assert leftovers(tmp_path) == [folder]
    with run_set.lock():
        code = (
            "import sys; from pathlib import Path; from harness.results import leftovers; print(leftovers(Path(sys.argv[1])))"
        )
        done = subprocess.run([sys.executable, "-P", "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_fold_while_reading_loses_no_run(run_set: RunSet) -> None:
    """A reader that opened the table before a fold and lists the parts after it sees the folded runs all the same."""
    expected = [f"r{number:02}" for number in range(40)]
    for name in expected[:20]:
        run_set.add(name, rows_of(name))
    read: list[set[str]] = []
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            read.append(set(RunSet(run_set.path).run_ids()))

    reader = threading.Thread(target=watch)
    reader.start()
    for name in expected[20:]:
        run_set.add(name, rows_of(name))
        run_set.fold()
    done.set()
    reader.join()

    assert all(set(expected[:20]) <= seen for seen in read)
    assert read
    assert sorted(run_set.run_ids()) == expected


def test_tables_are_on_the_disk_before_the_parts_go(run_set: RunSet, monkeypatch: pytest.MonkeyPatch) -> None:
    """A power cut after a fold finds the merged files whole: each is flushed before it takes its name."""
    flushed: set[int] = set()
    flush = os.fsync

    def note(descriptor: int) -> None:
        flushed.add(os.fstat(descriptor).st_ino)
        flush(descriptor)

    run_set.add("r1", rows_of("r1"))
    monkeypatch.setattr(os, "fsync", note)

    run_set.fold()

    assert {(run_set.path / f"{table}.parquet").stat().st_ino for table in RUN_TABLES} <= flushed


def test_a_drop_cut_short_leaves_no_run_without_numbers(run_set: RunSet) -> None:
    """The runs table is rewritten first, so that no run counts whose measurements are gone."""
    for name in ("r1", "r2"):
        run_set.add(name, rows_of(name))
    run_set.fold()
    (run_set.path / ".measurements.parquet").mkdir()  # where the new table would be written

    with pytest.raises(ResultsError, match="cannot be written"):
        run_set.drop(["r1"])

    assert run_set.run_ids() == ["r2"]


def test_sizes_are_counted_while_runs_delete_their_files(tmp_path: Path, run_set: RunSet) -> None:
    """Listing does not mind files and folders that vanish under it."""
    done = threading.Event()

    def churn() -> None:
        folder = run_set.path / ".work-x"
        while not done.is_set():
            (folder / "run").mkdir(parents=True)
            for number in range(5):
                (folder / "run" / str(number)).touch()
            shutil.rmtree(folder)

    worker = threading.Thread(target=churn)
    worker.start()
    try:
        entries = [entry for _ in range(150) for entry in list_entries(tmp_path)]
    finally:
        done.set()
        worker.join()

    assert {entry.run_set.path for entry in entries} == {run_set.path}
    assert all(entry.size_bytes > 0 for entry in entries)


def test_another_programs_manifest_makes_no_run_set(tmp_path: Path) -> None:
    """A web application's folder is not taken for results."""
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "manifest.json").write_text('{"name": "app", "icons": []}')

    with pytest.raises(ResultsError, match=r"web/manifest\.json: damaged, or no run set's"):
        find_run_set(tmp_path / "results", str(tmp_path / "web"))


def test_only_run_sets_in_their_place_are_removed(tmp_path: Path, suite: Suite) -> None:
    """A run set elsewhere, such as a copy, and anything under baselines stay."""
    run_set = RunSet.create(tmp_path / "results", suite)
    places = [tmp_path / "copy", tmp_path / "results" / "baselines" / "x", tmp_path / "results" / "other" / "x"]
    for place in places:
        shutil.copytree(run_set.path, place)

    for place in places:
        with pytest.raises(UsageError, match="not removed"):
            remove(tmp_path / "results", RunSet(place))
    remove(tmp_path / "results", run_set)

    assert all(place.exists() for place in places)
    assert not run_set.path.exists()


def test_rows_that_several_runs_share_are_stored_once(run_set: RunSet) -> None:
    """Hashes of one data set, told by two runs, are there once before and after folding, and outlive a run that is dropped."""
    rows = [{"data_digest": "d", "split": "train", "sample": sample, "hash": 2**64 - 1 - sample} for sample in range(3)]
    for run_id in ("one", "two"):
        run_set.add(run_id, {"data_samples": rows})

    for _ in range(2):
        found = run_set.table("data_samples").sort_values("sample")
        assert [2**64 - 1, 2**64 - 2, 2**64 - 3] == found["hash"].tolist()
        run_set.fold()
    run_set.drop(["one"])
    assert 3 == len(run_set.table("data_samples"))
