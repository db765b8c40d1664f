"""The files of a run set: written under a temporary name and renamed, read with the columns that they should have."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from harness.errors import ResultsError
from harness.results._schema import SCHEMA_VERSION, SINCE, TABLES

COMPUTED_BY = {"verdicts": "gate", "claims": "claims"}
"""Tables that are computed from the others -> the command that does so."""


def to_table(name: str, rows: Iterable[Mapping[str, Any]] | pa.Table) -> pa.Table:
    """Return rows as a table with exactly the columns of `name`; a missing column is an error."""
    schema = TABLES[name]
    if isinstance(rows, pa.Table):
        return rows.select(schema.names).cast(schema)
    listed = list(rows)
    return pa.table({field.name: pa.array([row[field.name] for row in listed], field.type) for field in schema}, schema=schema)


def write_atomically(path: Path, content: str) -> None:
    """Write a text file under a temporary name and rename it, so that no reader sees half of it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("w", encoding="utf-8", newline="\n") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def write_table(path: Path, table: pa.Table) -> None:
    """Write one table under a temporary name and rename it."""
    temporary = path.with_name(f".{path.name}")
    try:
        pq.write_table(table, temporary, compression="zstd")
        sync(temporary)
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def read_table(path: Path, name: str, columns: list[str]) -> pa.Table:
    """Return columns of one table's file; no rows where there is no file.

    Raises:
        ResultsError: truncated, no Parquet file, or of a later schema version.
    """
    schema = TABLES[name]
    wanted = pa.schema([schema.field(column) for column in columns])
    try:
        file = pq.ParquetFile(path)
        version = _version(path, file)
        content = file.read(columns=columns)
        if version < SCHEMA_VERSION:
            content = _with_later_columns(content, wanted)
        return content.select(columns).cast(wanted)
    except FileNotFoundError:
        return wanted.empty_table()
    except (pa.ArrowInvalid, OSError, KeyError) as error:
        raise ResultsError(f"{path}: truncated or damaged: {error}; {remedy(path)}") from error


def remedy(path: Path) -> str:
    """Return what to do about a table that cannot be read: what was computed from others is computed again."""
    if path.stem in COMPUTED_BY:
        return f"`harness {COMPUTED_BY[path.stem]} {path.parent.parent.name}` writes it again"
    return "remove the run set and run the suite again"


def has_rows(path: Path) -> bool:
    """Return whether a table's file is there and holds a row; one that cannot be read is no empty one."""
    try:
        return bool(pq.read_metadata(path).num_rows)
    except FileNotFoundError:
        return False
    except (pa.ArrowInvalid, OSError):
        return True


def lacks(folder: Path, name: str) -> bool:
    """Return whether a folder lacks a table which its schema version has: of a run set, empty ones are stored, too."""
    if (folder / f"{name}.parquet").exists():
        return False
    held = folder / "runs.parquet"
    try:
        return SINCE.get(name, 1) <= _version(held, pq.ParquetFile(held))
    except (pa.ArrowInvalid, OSError):  # damaged, or gone as well: then each table is missed that is asked for
        return True


def _with_later_columns(content: pa.Table, wanted: pa.Schema) -> pa.Table:
    """Return a table of an earlier schema version with nulls in the columns that came later."""
    for field in wanted:
        if field.name not in content.column_names:
            content = content.append_column(field, pa.nulls(len(content), field.type))
    return content


def _version(path: Path, file: pq.ParquetFile) -> int:
    """Return the schema version of an open table, which this harness can read."""
    version = int((file.schema_arrow.metadata or {}).get(b"harness_schema_version", b"0"))
    check_version(path, version)
    return version


def check_version(path: Path, version: int) -> None:
    """Refuse a file of a schema version that this harness does not know."""
    if not 1 <= version <= SCHEMA_VERSION:
        raise ResultsError(f"{path}: schema version {version}; this harness reads 1 to {SCHEMA_VERSION}: update it")


def sync(path: Path) -> None:
    """Flush a file, or the names in a folder, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
