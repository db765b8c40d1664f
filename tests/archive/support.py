"""Archives taken apart and put together again by others than the harness: edited, with every digest made to fit, or hostile."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

SUMS = "SHA256SUMS"


def members(archive: Path) -> dict[str, bytes]:
    """Return what an archive holds."""
    with zipfile.ZipFile(archive) as file:
        return {name: file.read(name) for name in file.namelist()}


def with_sums(contents: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the members with sums that fit, as `sha256sum` would write them."""
    lines = [f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in contents.items() if name != SUMS]
    return {**contents, SUMS: "".join(lines).encode()}


def write(path: Path, contents: Mapping[str, bytes]) -> Path:
    """Write members as a zip."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in contents.items():
            file.writestr(name, content)
    return path


def frame(content: bytes) -> pd.DataFrame:
    """Return a table's rows."""
    return pq.read_table(io.BytesIO(content)).to_pandas()


def parquet(table: pa.Table, **options: Any) -> bytes:
    """Return a table as Parquet, plain unless the options say otherwise."""
    sink = io.BytesIO()
    pq.write_table(table, sink, **({"compression": "none", "use_dictionary": False} | options))
    return sink.getvalue()


def edited(content: bytes, edit: Callable[[pd.DataFrame], pd.DataFrame | None]) -> bytes:
    """Return a table with its rows edited, in place or by what `edit` returns, and its schema kept."""
    schema = pq.read_schema(io.BytesIO(content))
    rows = frame(content)
    changed = edit(rows)
    return parquet(pa.Table.from_pandas(rows if changed is None else changed, schema, preserve_index=False))


def forge(
    archive: Path,
    target: Path,
    tables: Mapping[str, Callable[[pd.DataFrame], pd.DataFrame | None]] | None = None,
    texts: Mapping[str, Callable[[dict[str, Any]], None]] | None = None,
) -> Path:
    """Write an archive with some tables' rows and some JSON texts edited, and all sums made to fit again."""
    contents = members(archive)
    for name, edit in (tables or {}).items():
        member = f"tables/{name}.parquet"
        contents[member] = edited(contents[member], edit)
    for name, change in (texts or {}).items():
        content = json.loads(contents[name])
        change(content)
        contents[name] = json.dumps(content).encode()
    return write(target, with_sums(contents))
