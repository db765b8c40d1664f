"""Tables as bytes: Parquet without compression or dictionaries, so that what is read cannot be larger than what was sent."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from harness.archive._format import MOST_BYTES, MOST_ROWS, ROW_KEYS, table_member
from harness.results import SCHEMA_VERSION, TABLES

PLAIN = {"PLAIN", "RLE", "BIT_PACKED"}
"""Encodings that a reader takes; the last two are those of nulls and booleans."""
BATCH_ROWS = 65_536
CONTROL = r"[\x00-\x08\x0b-\x1f\x7f]"
"""Characters that would act on the terminal on which a text is shown."""


class TableError(ValueError):
    """A table that cannot be taken; says why."""


def pack(table: pa.Table) -> bytes:
    """Return a table as Parquet; equal tables give equal bytes under one version of pyarrow."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="none", use_dictionary=False)
    packed: bytes = sink.getvalue().to_pybytes()
    return packed


def unpack(name: str, content: bytes) -> pa.Table:
    """Return the table that `pack` was given, with nulls in columns that came after its schema version.

    Raises:
        TableError: it is no such table, or would be larger than it may be.
    """
    try:
        file = pq.ParquetFile(pa.BufferReader(content))
        _check_plain(file.metadata)
        return _checked(name, _with_schema(name, _read(name, file)))
    except (pa.ArrowException, OSError, OverflowError, UnicodeError) as error:
        raise TableError(f"no table that can be read: {' '.join(str(error).split())[:200]}") from error


def _check_plain(metadata: pq.FileMetaData) -> None:
    if metadata.num_rows > MOST_ROWS:
        raise TableError(f"{metadata.num_rows} rows; at most {MOST_ROWS} are read")
    for group in range(metadata.num_row_groups):
        for number in range(metadata.row_group(group).num_columns):
            column = metadata.row_group(group).column(number)
            if column.compression != "UNCOMPRESSED" or not set(column.encodings) <= PLAIN:
                packing = f"{column.compression}, {' '.join(sorted(column.encodings))}"
                raise TableError(f"column {column.path_in_schema} is packed ({packing}); `harness export` packs none")


def _read(name: str, file: pq.ParquetFile) -> pa.Table:
    batches, size = [], 0
    for batch in file.iter_batches(batch_size=BATCH_ROWS):
        batches.append(batch)
        size += batch.nbytes
        if size > 2 * MOST_BYTES[table_member(name)]:
            raise TableError("it grows beyond what is read as it is unpacked")
    return pa.Table.from_batches(batches, file.schema_arrow)


def _with_schema(name: str, table: pa.Table) -> pa.Table:
    version, schema = _version(table.schema), TABLES[name]
    if not 1 <= version <= SCHEMA_VERSION:
        raise TableError(f"schema version {version}; this harness reads 1 to {SCHEMA_VERSION}: update it")
    names = table.column_names
    if unknown := sorted({name for name in names if name not in schema.names or names.count(name) > 1}):
        raise TableError(f"columns that no such table has, or twice: {', '.join(map(repr, unknown))}")
    for field in schema:
        if field.name not in table.column_names:
            if version == SCHEMA_VERSION:
                raise TableError(f"column {field.name!r} is missing")
            table = table.append_column(field, pa.nulls(len(table), field.type))
        elif table.schema.field(field.name).type != field.type:
            found = table.schema.field(field.name).type
            raise TableError(f"column {field.name!r} is of type {found}; {field.type} is expected")
    return table.select(schema.names)


def _version(schema: pa.Schema) -> int:
    stored = (schema.metadata or {}).get(b"harness_schema_version", b"0")
    return int(stored) if stored.isdigit() else 0


def _checked(name: str, table: pa.Table) -> pa.Table:
    table.validate(full=True)  # texts that are no UTF-8
    for field in table.schema:
        if field.type == pa.string() and pc.any(pc.match_substring_regex(table[field.name], CONTROL)).as_py():
            raise TableError(f"column {field.name!r} holds control characters")
    keys = ROW_KEYS.get(name, ())
    if keys and len(table.group_by(list(keys)).aggregate([])) < len(table):
        raise TableError(f"several rows have one {', '.join(keys)}")
    return table
