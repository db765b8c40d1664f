"""An archive from anybody is data: what is not as it should be is refused, named, and neither executed nor written anywhere."""

from __future__ import annotations

import json
import os
import pickle
import random
import stat
import struct
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from pydantic import ValidationError

from harness.archive import read_archive
from harness.archive._format import MOST_BYTES, MOST_ROWS, Record
from harness.errors import ResultsError, UsageError
from harness.results import RUN_TABLES, SCHEMA_VERSION, TABLES, RunSet
from tests.archive.support import edited, forge, frame, members, parquet, with_sums, write

STEPS = "tables/steps.parquet"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A working folder; nothing is found in or above it afterwards but what the test put there."""
    folder = tmp_path / "deep" / "inside"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    yield folder
    left = [path for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".zip"]
    assert [] == left


def refused(path: Path) -> str:
    """Return what is said of an archive that is refused."""
    with pytest.raises(ResultsError) as caught:
        read_archive(path)
    return str(caught.value)


def test_what_was_exported_is_read(archive: Path, run_set: RunSet) -> None:
    """Every table holds the run's rows, number for number; case and seed are those that were run."""
    found = read_archive(archive)

    assert ("mine", "good", 2) == (found.record.suite, found.record.case, found.record.seed)
    assert run_set.manifest.suite.cases == found.suite.cases == (found.case,)
    for name in RUN_TABLES:
        read, stored = (sorted(map(repr, tables(name).to_dict("records"))) for tables in (found.table, run_set.table))
        assert stored == read
    assert found.environment in run_set.environment.values()


@pytest.mark.parametrize(
    "name", ["/etc/evil.txt", "../../evil.txt", "..\\evil.txt", "tables/../../evil.txt", "evil.py", "tables/"]
)
def test_a_member_that_no_archive_has_is_refused(archive: Path, place: Path, name: str) -> None:
    """Wherever its name points to, even if the sums list it, nothing is written there."""
    hostile = write(place / "a.zip", with_sums({**members(archive), name: b"evil"}))

    assert f"{name!r}: no member that an archive has" in refused(hostile)


def test_a_symbolic_link_is_refused(archive: Path, place: Path) -> None:
    """A member that is a link, a device or a folder is no text and no table."""
    contents = members(archive)
    with zipfile.ZipFile(place / "a.zip", "w") as file:
        for name, content in contents.items():
            info = zipfile.ZipInfo(name)
            if name == "README.md":
                info.external_attr = (stat.S_IFLNK | 0o777) << 16
                content = b"/etc/passwd"
            file.writestr(info, content)

    assert "'README.md': no plain file" in refused(place / "a.zip")


def test_a_member_that_is_there_twice_is_refused(archive: Path, place: Path) -> None:
    """Two readers could take one of them each."""
    write(place / "a.zip", members(archive))
    with zipfile.ZipFile(place / "a.zip", "a") as file, pytest.warns(UserWarning, match="Duplicate name"):
        file.writestr("record.json", b"{}")

    assert "'record.json': there 2 times" in refused(place / "a.zip")


def test_every_missing_member_is_named(archive: Path, place: Path) -> None:
    """All of them at once."""
    contents = {name: content for name, content in members(archive).items() if name not in ("suite.json", STEPS)}

    said = refused(write(place / "a.zip", with_sums(contents)))

    assert "2 problems" in said
    assert "suite.json: missing" in said
    assert f"{STEPS}: missing" in said


def test_a_zip_bomb_is_refused_by_its_size(archive: Path, place: Path) -> None:
    """A few kilobytes that unpack to more than a member may have are never unpacked."""
    bomb = write(place / "a.zip", with_sums({**members(archive), "README.md": bytes(MOST_BYTES["README.md"] + 1)}))

    assert bomb.stat().st_size < 100_000
    assert "'README.md': 4194305 bytes unpacked; at most 4194304 are read" in refused(bomb)


def test_a_bomb_that_lies_about_its_size_is_not_unpacked(archive: Path, place: Path) -> None:
    """What a member says of its size is what is made of it at most."""
    size = 2**28 + 54_321
    bomb = write(place / "a.zip", {**members(archive), "README.md": bytes(size)})
    content = bomb.read_bytes()
    assert 2 == content.count(struct.pack("<L", size))  # its own header and the directory's
    bomb.write_bytes(content.replace(struct.pack("<L", size), struct.pack("<L", 100)))

    tracemalloc.start()
    said = refused(bomb)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert "no zip file, or truncated: Bad CRC-32 for file 'README.md'" in said
    assert peak < 2**24


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_file_is_refused(archive: Path, place: Path, share: float) -> None:
    """Wherever a download stopped."""
    content = archive.read_bytes()
    (place / "a.zip").write_bytes(content[: int(len(content) * share)])

    assert "no zip file, or truncated" in refused(place / "a.zip")


def test_damage_is_found_before_anything_is_parsed(archive: Path, place: Path) -> None:
    """Each member whose digest is another is listed, and nothing else is said."""
    contents = members(archive)
    for name in ("record.json", STEPS):
        contents[name] += b" "

    said = refused(write(place / "a.zip", contents))

    assert "2 problems" in said
    assert "record.json: its SHA-256 is not the one in SHA256SUMS" in said
    assert f"{STEPS}: its SHA-256 is not the one in SHA256SUMS" in said
    assert "nothing of it was run" in said


class Evil:
    """Runs a command when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("touch evil.txt",)


@pytest.mark.parametrize("member", ["tables/runs.parquet", "record.json", "suite.json"])
def test_a_pickle_is_never_loaded(archive: Path, place: Path, member: str) -> None:
    """In place of any member it is no table and no JSON; what it would run does not run."""
    contents = {**members(archive), member: pickle.dumps(Evil())}

    assert f"  {member}: " in refused(write(place / "a.zip", with_sums(contents)))


def replaced(table: pa.Table, column: str, value: str) -> pa.Table:
    """Return a table with one text in a whole column."""
    return table.set_column(table.column_names.index(column), column, pa.array([value] * len(table)))


def hollow(table: pa.Table) -> pa.Table:
    """Return a table of too many rows, of nulls alone."""
    return pa.table({field.name: pa.nulls(MOST_ROWS + 1, field.type) for field in table.schema}, schema=table.schema)


LATER = {"harness_schema_version": str(SCHEMA_VERSION + 1)}


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda table: parquet(table.append_column("more", table["step"])), "columns that no such table has, or twice: 'more'"),
        (lambda table: parquet(table.append_column("step", table["step"])), "columns that no such table has, or twice: 'step'"),
        (lambda table: parquet(table.drop_columns(["loss"])), "column 'loss' is missing"),
        (lambda table: parquet(replaced(table, "loss", "low")), "column 'loss' is of type string; double is expected"),
        (lambda table: parquet(pa.concat_tables([table, table])), "several rows have one step"),
        (
            lambda table: parquet(table.replace_schema_metadata(LATER)),
            f"schema version {SCHEMA_VERSION + 1}; this harness reads",
        ),
        (lambda table: parquet(table.replace_schema_metadata({})), "schema version 0; this harness reads 1 to"),
        (lambda table: parquet(replaced(table, "run_id", "\x1b[2Jgood")), "column 'run_id' holds control characters"),
        (lambda table: parquet(replaced(table, "run_id", "another")), "rows of run_id 'another', which is not the run's"),
        (lambda table: parquet(table, compression="zstd"), "is packed (ZSTD"),
        (lambda table: parquet(table, use_dictionary=True), "is packed (UNCOMPRESSED, PLAIN RLE RLE_DICTIONARY)"),
        (lambda table: parquet(hollow(table)), f"{MOST_ROWS + 1} rows; at most {MOST_ROWS} are read"),
        (lambda table: parquet(table)[:-1], "no table that can be read"),
    ],
)
def test_a_table_that_is_none_of_ours_is_refused(
    archive: Path, place: Path, make: Callable[[pa.Table], bytes], words: str
) -> None:
    """With sums that fit; each says what is wrong with the table."""
    contents = members(archive)
    schema = TABLES["steps"]
    table = pa.Table.from_pandas(frame(contents[STEPS]), schema, preserve_index=False)
    contents[STEPS] = make(table)

    said = refused(write(place / "a.zip", with_sums(contents)))

    assert f"{STEPS}: " in said
    assert words in said


@pytest.mark.parametrize("seed", range(8))
def test_a_malformed_table_does_not_end_the_process(archive: Path, place: Path, seed: int) -> None:
    """Bytes of its footer at random, on some of which pyarrow aborts: what follows is a refusal, or the same rows."""
    draw = random.Random(seed)
    contents = members(archive)
    table = bytearray(contents[STEPS])
    for _ in range(3):
        table[-draw.randrange(9, 900)] = draw.randrange(256)
    hostile = write(place / "a.zip", with_sums({**contents, STEPS: bytes(table)}))

    try:
        assert 16 == len(read_archive(hostile).table("steps"))
    except ResultsError as error:
        assert "tables" in str(error)  # noqa: PT017 - either is right


def test_columns_of_a_later_schema_read_as_nulls(archive: Path, place: Path) -> None:
    """An archive of an earlier harness stays readable."""
    contents = members(archive)
    contents[STEPS] = edited(contents[STEPS], lambda rows: None)
    table = pa.Table.from_pandas(frame(contents[STEPS]), TABLES["steps"], preserve_index=False).drop_columns(["learning_rate"])
    contents[STEPS] = parquet(table.replace_schema_metadata({"harness_schema_version": "3"}))

    found = read_archive(write(place / "a.zip", with_sums(contents))).table("steps")

    assert found["learning_rate"].isna().all()
    assert not found["loss"].isna().any()


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("format", 2, "record.json: format version 2; this harness reads 1: update it"),
        ("format", None, "record.json: format version None; this harness reads 1: update it"),
        ("schema_version", 99, "record.json: schema version 99"),
        ("seed", 7, "seed: 7 in record.json, 2 in tables/runs.parquet"),
        ("seed", -1, "record.json: seed: "),
        ("commit", "HEAD; rm -rf /", "record.json: commit: "),
        ("code_digest", "0" * 64, "code_digest: "),
        ("suite", "../../elsewhere", "record.json: suite: "),
        ("more", 1, "record.json: more: "),
    ],
)
def test_a_record_that_is_edited_is_refused(archive: Path, place: Path, field: str, value: object, words: str) -> None:
    """With sums that fit: by its form, or because the tables say otherwise."""
    hostile = forge(archive, place / "a.zip", texts={"record.json": lambda record: record.update({field: value})})

    assert words in refused(hostile)


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda suite: suite["cases"][0]["recipe"]["optimizer"].update(lr=0.06), "its case is not the one that was run"),
        (lambda suite: suite.update(name="../../elsewhere"), "holds ../../elsewhere, good; the run is of mine, good"),
        (lambda suite: suite.update(name="other"), "holds other, good; the run is of mine, good"),
        (lambda suite: suite["cases"].clear(), "suite.json: 0 cases; one is expected"),
        (lambda suite: suite["cases"][0].update(command="rm"), "cases.0.command: "),
    ],
)
def test_a_suite_that_is_edited_is_refused(
    archive: Path, place: Path, edit: Callable[[dict[str, Any]], None], words: str
) -> None:
    """With sums that fit: the case's own digest is in the run's row; a name is no path."""
    assert words in refused(forge(archive, place / "a.zip", texts={"suite.json": edit}))


@pytest.mark.parametrize("field", ["machine.cpu", "numeric.instruction_set", "version.torch"])
def test_an_environment_that_is_edited_is_refused(archive: Path, place: Path, field: str) -> None:
    """Its rows no longer give the digests that the run's row holds."""

    def another(rows: pd.DataFrame) -> None:
        rows.loc[rows["key"] == field, "value"] = "another"

    said = refused(forge(archive, place / "a.zip", {"environments": another}))

    assert "environment_digest: the rows of tables/environments.parquet do not give the one in tables/runs.parquet" in said
    assert ("machine_class: " in said) == field.startswith("machine.")
    assert ("numeric_fingerprint: " in said) == field.startswith("numeric.")


def test_a_run_of_another_model_is_refused(archive: Path, place: Path) -> None:
    """What the run's row repeats of the case agrees with it."""

    def another(rows: pd.DataFrame) -> None:
        rows["model"], rows["threads"] = "better", 64

    said = refused(forge(archive, place / "a.zip", {"runs": another}))

    assert "model: 'good' in suite.json, 'better' in tables/runs.parquet" in said
    assert "threads: 1 in suite.json, 64 in tables/runs.parquet" in said


def test_json_without_end_is_refused(archive: Path, place: Path) -> None:
    """Nesting that would exhaust a parser is no record."""
    contents = {**members(archive), "record.json": b"[" * 1_000_000}

    assert "  record.json: " in refused(write(place / "a.zip", with_sums(contents)))


def test_what_is_no_archive_is_told_apart(tmp_path: Path) -> None:
    """A file that is not there, a folder, and a file of another kind."""
    (tmp_path / "notes.zip").write_text("not a zip")

    with pytest.raises(UsageError, match="no such archive; make one with `harness export RUN`"):
        read_archive(tmp_path / "none.zip")
    with pytest.raises(UsageError, match=r"Is a directory; name the \.zip file"):
        read_archive(tmp_path)
    assert "no zip file" in refused(tmp_path / "notes.zip")


def test_the_record_says_what_makes_the_run_again(archive: Path) -> None:
    """The commands are those that a user types."""
    record = json.loads(members(archive)["record.json"])

    assert ["harness run mine -k good --seeds 2,"] == record["commands"]


@pytest.mark.parametrize("name", ["smoke", "my suite", "a..b"])
def test_a_suite_is_named_as_a_file_may_be(archive: Path, name: str) -> None:
    """Spaces and dots inside are no path."""
    record = json.loads(members(archive)["record.json"])

    assert name == Record.model_validate(record | {"suite": name}).suite


@pytest.mark.parametrize("name", ["", ".", "..", ".hidden", "a/b", "..\\b", "a\nb", "/etc", "a\x1b[2J"])
def test_a_suite_is_named_as_no_path_is(archive: Path, name: str) -> None:
    """It becomes the name of a folder when the run is made again."""
    record = json.loads(members(archive)["record.json"])

    with pytest.raises(ValidationError):
        Record.model_validate(record | {"suite": name})
