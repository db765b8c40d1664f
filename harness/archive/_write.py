"""Writes one stored training as an archive: the same run gives the same bytes, and nothing in it names a user or a folder."""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from harness.archive._format import (
    FORMAT,
    LOCK,
    MOST_BYTES,
    README,
    RECORD,
    SUITE,
    SUMS,
    Record,
    table_member,
)
from harness.archive._tables import pack
from harness.archive._words import lock, readme
from harness.errors import ResultsError, UsageError
from harness.project import Project
from harness.reproduce import check_repeatable, evidence_of
from harness.results import RUN_TABLES, SCHEMA_VERSION, SHARED, RunSet, to_table
from harness.runner.find import StoredRun

MOMENT = (1980, 1, 1, 0, 0, 0)
"""The time that every member bears; the first that a zip can."""
UNIX, READABLE = 3, 0o100644


def export(project: Project, run: StoredRun, file: Path | None = None) -> Path:
    """Write a stored training as one archive, and return its file.

    Args:
        project: where it was run.
        run: the training.
        file: the archive; by default `<run id>.zip` in the working folder. One that is there is replaced.

    Raises:
        UsageError: no training that could be verified: another pass, a script's, one that failed, or of an earlier harness.
        ResultsError: the run set is damaged, or the file cannot be written.
    """
    members = _members(run)
    _check_private(project, run, members)
    target = file or Path(f"{run.run_id}.zip")
    _write(target, members)
    return target


def _members(run: StoredRun) -> dict[str, bytes]:
    """Return what the archive holds, by name, sums last."""
    tables = _tables(run)
    row = tables["runs"].to_pylist()[0]
    _check_verifiable(run, row)
    environment = dict(zip(*(tables["environments"][name].to_pylist() for name in ("key", "value")), strict=True))
    record = _record(run, row)
    suite = run.run_set.manifest.suite.model_copy(update={"cases": (run.case,)})
    members = {
        RECORD: _text(record.model_dump_json(indent=1)),
        SUITE: _text(suite.model_dump_json(indent=1, by_alias=True)),
        README: readme(record, environment).encode(),
        LOCK: lock(record, environment).encode(),
        **{table_member(name): pack(table) for name, table in tables.items()},
    }
    return members | {SUMS: _sums(members)}


def _text(text: str) -> bytes:
    return f"{text}\n".encode()


def _sums(members: Mapping[str, bytes]) -> bytes:
    """Return the members' digests as `sha256sum` writes them."""
    lines = [f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in sorted(members.items()) if name != SUMS]
    return "".join(lines).encode()


def _tables(run: StoredRun) -> dict[str, pa.Table]:
    """Return the run's rows of each table, in an order that does not depend on how the run set keeps them."""
    own = _rows(run.run_set, "runs", "run_id", run.run_id)
    tables = {}
    for name in RUN_TABLES:
        key = SHARED.get(name, "run_id")
        rows = _rows(run.run_set, name, key, own[key][0].as_py())
        order = [(field.name, "ascending") for field in rows.schema if field.type != pa.binary()]
        tables[name] = rows.sort_by(order)
    return tables


def _rows(run_set: RunSet, name: str, key: str, value: str | None) -> pa.Table:
    frame = run_set.table(name)
    return to_table(name, pa.Table.from_pandas(frame[frame[key] == value], preserve_index=False))


def _check_verifiable(run: StoredRun, row: Mapping[str, Any]) -> None:
    run.check_training()
    check_repeatable(evidence_of(run.run_set.table, run.case, run.run_id, str(row["suite"])))
    if run.status == "diverged":
        raise UsageError(f"{run.run_id}: it diverged ({run.reason}); no number of it is stored that could be verified")
    if not (row["code_digest"] and row["data_digest"]):
        again = f"harness run {row['suite']} --fresh"
        raise UsageError(f"{run.run_id}: an earlier harness ran it and kept too little of it to be verified; {again}")


def _record(run: StoredRun, row: Mapping[str, Any]) -> Record:
    checkout = [f"git checkout {row['commit']}"] if row["commit"] else []
    texts = ("run_id", "run_key", "suite", "case", "commit", "diff_digest", "code_digest", "data_digest", "started_utc")
    return Record.model_validate(
        {
            "format": FORMAT,
            "schema_version": SCHEMA_VERSION,
            **{name: row[name] or "" for name in texts},
            "seed": row["seed"],
            "dirty": row["dirty"],
            "commands": (
                *checkout,
                shlex.join(["harness", "run", row["suite"], "-k", row["case"], "--seeds", f"{row['seed']},"]),
            ),
        }
    )


def _check_private(project: Project, run: StoredRun, members: Mapping[str, bytes]) -> None:
    """Refuse to write what names a folder of this machine: an option of the suite may.

    Raises:
        UsageError: names the members and the folder.
    """
    for folder in {Path.home(), project.root.resolve()}:
        if len(folder.parts) < 2:
            continue
        named = re.compile(re.escape(os.fsencode(folder)) + rb"(?![\w-])")
        if found := [name for name, content in members.items() if named.search(content)]:
            raise UsageError(
                f"{run.run_id}: not exported: {', '.join(found)} would name {folder}, a folder of this machine alone; "
                "give paths in the suite relative to the project, and run it again"
            )


def _write(target: Path, members: Mapping[str, bytes]) -> None:
    large = [f"{name} ({len(content)} bytes)" for name, content in members.items() if len(content) > MOST_BYTES[name]]
    if large:
        raise UsageError(f"{target}: not written: larger than an archive may be: {', '.join(large)}")
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with zipfile.ZipFile(temporary, "w") as archive:
            for name in sorted(members):
                info = zipfile.ZipInfo(name, MOMENT)
                info.create_system, info.external_attr, info.compress_type = UNIX, READABLE << 16, zipfile.ZIP_DEFLATED
                archive.writestr(info, members[name], compresslevel=6)
        temporary.replace(target)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise ResultsError(f"{target}: cannot be written: {error.strerror or error}; choose another file with -o") from error
