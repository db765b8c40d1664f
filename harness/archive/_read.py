"""Reads an archive as data: nothing is unpacked to disk, nothing of it is executed, and no member is read that is not expected.

An archive may come from anybody. Its members are a fixed list, each of bounded size; its digests are checked before anything is
parsed; what it says twice must agree. None of this tells whether its numbers are true: training again does.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import stat
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pyarrow as pa
from pydantic import BaseModel, ValidationError

from harness.archive._format import (
    FORMAT,
    MEMBERS,
    MOST_BYTES,
    MOST_TOTAL_BYTES,
    RECORD,
    SUITE,
    SUMS,
    Record,
    table_member,
)
from harness.archive._tables import TableError, unpack
from harness.digests import digest_of, short_digest
from harness.errors import ResultsError, UsageError
from harness.results import RUN_TABLES, SCHEMA_VERSION, SHARED
from harness.suite import Case, Suite

if TYPE_CHECKING:
    import pandas as pd

PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
ENCRYPTED = 0x1
Model = TypeVar("Model", bound=BaseModel)
SUM_LINE = re.compile(r"([0-9a-f]{64})  (\S+)")
AGREEING = ("run_id", "run_key", "suite", "case", "seed", "commit", "dirty", "diff_digest", "code_digest", "data_digest")
"""What record and runs table both say."""


@dataclass(frozen=True)
class Archive:
    """What an archive holds, checked as far as reading can."""

    path: Path
    record: Record
    suite: Suite
    case: Case
    tables: Mapping[str, pa.Table]

    def table(self, name: str) -> pd.DataFrame:
        """Return a table as a DataFrame, as a run set does."""
        frame: pd.DataFrame = self.tables[name].to_pandas()
        return frame

    @cached_property
    def environment(self) -> dict[str, str]:
        """What the run ran on: key -> value."""
        rows = self.tables["environments"]
        return dict(zip(rows["key"].to_pylist(), rows["value"].to_pylist(), strict=True))


def read_archive(path: Path) -> Archive:
    """Return what an archive holds.

    Raises:
        UsageError: there is no such file.
        ResultsError: it is no archive, damaged, or says things that contradict one another; lists every problem.
    """
    content = _content(path)
    members, problems = members_of(content)
    if not problems:
        problems = list(_wrong_sums(members)) or _trial(content)
    if not problems:
        parsed, problems = _parse(path, members)
        if parsed is not None:
            problems = list(_contradictions(parsed))
            if not problems:
                return parsed
    count = f"{len(problems)} problem{'s' if len(problems) != 1 else ''}"
    head = f"{path}: not what `harness export` wrote; {count}:"
    listed = [f"  {problem}" for problem in problems]
    advice = "nothing of it was run; get it again from where it was made, or update the harness if a later one made it"
    raise ResultsError("\n".join([head, *listed, advice]))


def _content(path: Path) -> bytes:
    try:
        if (size := path.stat().st_size) > MOST_TOTAL_BYTES:
            raise ResultsError(f"{path}: {size} bytes; no archive is larger than {MOST_TOTAL_BYTES}")
        return path.read_bytes()
    except FileNotFoundError as error:
        raise UsageError(f"{path}: no such archive; make one with `harness export RUN`") from error
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}; name the .zip file that `harness export` wrote") from error


def members_of(content: bytes) -> tuple[dict[str, bytes], list[str]]:
    """Return an archive's members by name, and what is wrong with it as a zip; no members where something is."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            found = archive.infolist()
            if problems := list(_wrong_members(found)):
                return {}, problems
            return {info.filename: _unpacked(archive, info) for info in found}, []
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, NotImplementedError) as error:
        return {}, [f"no zip file, or truncated: {error}"]


def _unpacked(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """Return a member's content; what it unpacks to beyond the size that was checked is never made."""
    with archive.open(info) as member:
        return member.read(info.file_size + 1)


def _trial(content: bytes) -> list[str]:
    """Return what is wrong with tables that end the process which reads them; another one than this tries."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "harness.archive._trial"], input=content, capture_output=True, check=False
    )
    if not done.returncode:
        return []
    said = " ".join(done.stderr.decode(errors="replace").split())
    return [
        f"tables: malformed, so that reading them ends the process that does (exit code {done.returncode}): {said[-200:]!r}"
    ]


def _wrong_members(found: list[zipfile.ZipInfo]) -> Iterator[str]:
    """Yield what is wrong with the members by what the zip says of them; nothing has been unpacked yet."""
    names = [info.filename for info in found]
    yield from (f"{name!r}: no member that an archive has" for name in sorted({*names} - {*MEMBERS}))
    yield from (f"{name!r}: there {names.count(name)} times" for name in sorted({*names}) if names.count(name) > 1)
    yield from (f"{name}: missing" for name in MEMBERS if name not in names)
    for info in found:
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in (0, stat.S_IFREG) or info.is_dir():
            yield f"{info.filename!r}: no plain file"
        if info.flag_bits & ENCRYPTED or info.compress_type not in PACKINGS:
            yield f"{info.filename!r}: encrypted, or packed in a way that `harness export` does not use"
        if info.file_size > MOST_BYTES.get(info.filename, MOST_TOTAL_BYTES):
            yield f"{info.filename!r}: {info.file_size} bytes unpacked; at most {MOST_BYTES.get(info.filename)} are read"
    if (total := sum(info.file_size for info in found)) > MOST_TOTAL_BYTES:
        yield f"{total} bytes unpacked in all; at most {MOST_TOTAL_BYTES} are read"


def _wrong_sums(members: Mapping[str, bytes]) -> Iterator[str]:
    stored: dict[str, str] = {}
    for line in members[SUMS].decode(errors="replace").splitlines():
        match = SUM_LINE.fullmatch(line)
        if match is None or match[2] in stored:
            yield f"{SUMS}: {line[:100]!r} is no line of it, or one too many"
        else:
            stored[match[2]] = match[1]
    for name in MEMBERS:
        if name != SUMS and stored.pop(name, "absent") != hashlib.sha256(members[name]).hexdigest():
            yield f"{name}: its SHA-256 is not the one in {SUMS}: it was damaged or edited"
    yield from (f"{SUMS}: names {name!r}, which is no member" for name in stored)


def _parse(path: Path, members: Mapping[str, bytes]) -> tuple[Archive | None, list[str]]:
    """Return what the members say, or what is wrong with their form."""
    problems: list[str] = []
    record = _model(Record, RECORD, members, problems)
    suite = _model(Suite, SUITE, members, problems)
    tables: dict[str, pa.Table] = {}
    for name in RUN_TABLES:
        try:
            tables[name] = unpack(name, members[table_member(name)])
        except TableError as error:
            problems.append(f"{table_member(name)}: {error}")
    if record is None or suite is None or problems:
        return None, problems
    if len(suite.cases) != 1:
        return None, [f"{SUITE}: {len(suite.cases)} cases; one is expected"]
    return Archive(path, record, suite, suite.cases[0], tables), []


def _model(kind: type[Model], name: str, members: Mapping[str, bytes], problems: list[str]) -> Model | None:
    try:
        content = json.loads(members[name].decode())
        if kind is Record:
            _check_format(content)
        return kind.model_validate(content)
    except ValidationError as error:
        problems += [f"{name}: {'.'.join(map(str, wrong['loc']))}: {wrong['msg']}" for wrong in error.errors()]
    except (ValueError, RecursionError) as error:
        problems.append(f"{name}: {error}")
    return None


def _check_format(content: object) -> None:
    fields = content if isinstance(content, dict) else {}
    version, schema = fields.get("format"), fields.get("schema_version")
    if version != FORMAT:
        raise ValueError(f"format version {version!r}; this harness reads {FORMAT}: update it")
    if not isinstance(schema, int) or not 1 <= schema <= SCHEMA_VERSION:
        raise ValueError(f"schema version {schema!r}; this harness reads 1 to {SCHEMA_VERSION}: update it")


def _contradictions(archive: Archive) -> Iterator[str]:
    """Yield what the archive says in one place and otherwise in another."""
    runs, record = archive.tables["runs"].to_pylist(), archive.record
    if len(runs) != 1:
        yield f"{table_member('runs')}: {len(runs)} rows; one is expected"
        return
    row = runs[0]
    for name in AGREEING:
        if (row[name] or "") != (getattr(record, name) or ""):
            yield f"{name}: {getattr(record, name)!r} in {RECORD}, {row[name]!r} in {table_member('runs')}"
    if record.suite != archive.suite.name or record.case != archive.case.name:
        held, meant = f"{archive.suite.name}, {archive.case.name}", f"{record.suite}, {record.case}"
        yield f"{SUITE}: holds {held}; the run is of {meant}"
    if archive.case.digest != row["case_digest"]:
        yield f"{SUITE}: its case is not the one that was run: the digests of their specifications differ"
    for name, value in _declared(archive.case).items():
        if row[name] != value:
            yield f"{name}: {value!r} in {SUITE}, {row[name]!r} in {table_member('runs')}"
    for name, value in _digests(archive.environment).items():
        if row[name] != value:
            yield f"{name}: the rows of {table_member('environments')} do not give the one in {table_member('runs')}"
    for name in RUN_TABLES:
        key = SHARED.get(name, "run_id")
        if others := {*archive.tables[name][key].to_pylist()} - {row[key]}:
            yield f"{table_member(name)}: rows of {key} {sorted(map(str, others))[0]!r}, which is not the run's"


def _declared(case: Case) -> dict[str, object]:
    """Return what the run's row repeats of its case."""
    execution = {name: getattr(case.execution, name) for name in ("lane", "precision", "mode", "threads")}
    return {"model": case.model.name, "data": case.data.name, "task": case.task.name, **execution}


def _digests(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the digests that the run's row holds of its environment."""
    machine, numeric = (
        {key.removeprefix(f"{group}."): value for key, value in environment.items() if key.startswith(f"{group}.")}
        for group in ("machine", "numeric")
    )
    return {
        "environment_digest": digest_of(environment),
        "machine_class": short_digest(machine),
        "numeric_fingerprint": short_digest(numeric),
    }
