"""A run set on disk: one folder, its lock, its tables.

Each run's rows are written to `parts/<run_id>/` under a temporary name and renamed, so that a run is there whole or
not at all. `fold` merges the parts into one Parquet file a table and then removes them. A reader takes a run from
its part while that exists, so a kill between the two steps neither loses nor doubles a row.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from filelock import FileLock, Timeout
from pydantic import ValidationError

from harness.errors import ResultsError, UsageError, nearest
from harness.results._files import (
    check_version,
    has_rows,
    lacks,
    read_table,
    remedy,
    sync,
    to_table,
    write_atomically,
    write_table,
)
from harness.results._schema import RUN_TABLES, SCHEMA_VERSION, SHARED, TABLES
from harness.suite import RESERVED, Suite

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Manifest:
    """What a run set was asked to hold."""

    suite: Suite
    """As run: narrowed and overridden, every value resolved."""
    left_out: tuple[str, ...]
    """Cases of the suite that -k or --tag left out."""
    created_utc: str
    complete: bool
    asked: str = ""
    """The suite file and the options of the command line; an unfinished set is taken up by the same ones only."""


class RunSet:
    """The results of running one suite once."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __repr__(self) -> str:
        return f"RunSet({str(self.path)!r})"

    @property
    def name(self) -> str:
        """`<suite>/<run set>`."""
        return f"{self.path.parent.name}/{self.path.name}"

    @property
    def parts(self) -> Path:
        """The folder of runs that are not folded yet."""
        return self.path / "parts"

    @classmethod
    def create(
        cls, results: Path, suite: Suite, left_out: Sequence[str] = (), asked: str = "", name: str | None = None
    ) -> RunSet:
        """Make a new, empty run set under `results/<suite>/`, called by the moment.

        One that is given a name is made once, however many processes ask for it: who comes later finds it.

        Raises:
            ResultsError: the folder cannot be written.
            UsageError: another process holds the one of that name.
        """
        now = datetime.now(UTC)
        made = Manifest(suite, tuple(left_out), now.isoformat(timespec="seconds"), False, asked)
        if name:
            run_set = cls(results / suite.name / name)
            with _writing(run_set.path):
                run_set.parts.mkdir(parents=True, exist_ok=True)
            with run_set.lock():
                if not (run_set.path / MANIFEST).is_file():
                    run_set._write_manifest(made)
            return run_set
        stem = now.strftime("%Y%m%dT%H%M%SZ")
        with _writing(results / suite.name):
            for count in range(1, 1000):
                path = results / suite.name / (stem if count == 1 else f"{stem}-{count}")
                try:
                    path.mkdir(parents=True)
                    break
                except FileExistsError:
                    continue
            run_set = cls(path)
            run_set.parts.mkdir()
            run_set._write_manifest(made)
        return run_set

    @property
    def manifest(self) -> Manifest:
        """What the run set was asked to hold.

        Raises:
            ResultsError: absent, malformed or of a later schema version.
        """
        file = self.path / MANIFEST
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
            check_version(file, content["schema_version"])
            for case in content["suite"]["cases"]:
                case.setdefault("passes", [])  # of a schema version before passes: it was asked for none
            return Manifest(
                Suite.model_validate(content["suite"]),
                tuple(content["left_out"]),
                content["created_utc"],
                content["complete"],
                content["asked"],
            )
        except FileNotFoundError as error:
            raise ResultsError(f"{self.path}: not a run set: it holds no {MANIFEST}") from error
        except (ValueError, KeyError, TypeError, AttributeError, ValidationError) as error:
            raise ResultsError(f"{file}: damaged, or no run set's: {error}; if it is a run set, run the suite again") from error

    def update(self, suite: Suite | None = None, left_out: Sequence[str] | None = None, complete: bool | None = None) -> None:
        """Rewrite the manifest with the values given."""
        old = self.manifest
        with _writing(self.path):
            self._write_manifest(
                Manifest(
                    suite or old.suite,
                    old.left_out if left_out is None else tuple(left_out),
                    old.created_utc,
                    old.complete if complete is None else complete,
                    old.asked,
                )
            )

    def _write_manifest(self, manifest: Manifest) -> None:
        content = {
            "schema_version": SCHEMA_VERSION,
            "created_utc": manifest.created_utc,
            "complete": manifest.complete,
            "asked": manifest.asked,
            "left_out": list(manifest.left_out),
            "suite": manifest.suite.model_dump(mode="json", by_alias=True),
        }
        write_atomically(self.path / MANIFEST, json.dumps(content, indent=1) + "\n")

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the run set; one process at a time.

        Raises:
            UsageError: another process holds it.
        """
        with _writing(self.path):
            lock = FileLock(self.path / ".lock")
            try:
                lock.acquire(timeout=0)
            except Timeout as error:
                raise UsageError(
                    f"{self.path}: in use by another harness; wait for it, or start a run set of your own "
                    "(--fresh; in a script: another into=)"
                ) from error
        try:
            yield
        finally:
            lock.release()

    def add(self, run_id: str, rows: Mapping[str, Iterable[Mapping[str, Any]] | pa.Table]) -> None:
        """Store one run's rows, all or none.

        Args:
            run_id: the run's name, unique in the set.
            rows: table name -> rows; a table left out adds none.

        Raises:
            ResultsError: the folder cannot be written (full disk, read-only).
        """
        temporary = self.parts / f".{run_id}"
        with _writing(self.path):
            try:
                temporary.mkdir(parents=True)
                for table in RUN_TABLES:
                    write_table(temporary / f"{table}.parquet", to_table(table, rows.get(table, ())))
                sync(temporary)  # the files' names, so that the rename that follows never outlives them
                temporary.rename(self.parts / run_id)
            except OSError:
                shutil.rmtree(temporary, ignore_errors=True)
                raise

    def drop(self, run_ids: Iterable[str]) -> None:
        """Remove the rows of some runs; `runs` first, so that a kill midway leaves no run that lacks its numbers."""
        unwanted = set(run_ids)
        if not unwanted:
            return
        self.fold()
        with _writing(self.path):
            for table in ("runs", *(name for name in RUN_TABLES if name != "runs" and name not in SHARED)):
                content = self._read(table, None)
                keep = pc.invert(pc.is_in(content["run_id"], pa.array(sorted(unwanted), pa.string())))
                write_table(self.path / f"{table}.parquet", to_table(table, content.filter(keep)))

    def fold(self) -> None:
        """Merge the parts into the tables."""
        ids = self._part_ids()
        if not ids and all((self.path / f"{table}.parquet").exists() for table in RUN_TABLES):
            return
        with _writing(self.path):
            for table in RUN_TABLES:
                write_table(self.path / f"{table}.parquet", to_table(table, self._read(table, None)))
            sync(self.path)  # the tables outlive a power cut before the parts go
            for run_id in ids:
                self.parts.joinpath(run_id).rename(self.parts / f".{run_id}")
                shutil.rmtree(self.parts / f".{run_id}")

    def put(self, table: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """Replace one whole table that belongs to no run, such as verdicts."""
        with _writing(self.path):
            write_table(self.path / f"{table}.parquet", to_table(table, rows))

    def table(self, name: str, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """Return one table as a DataFrame, parts included; the order of rows means nothing.

        Raises:
            ResultsError: a file is truncated, no Parquet file, or gone; names it.
        """
        frame: pd.DataFrame = self._read(name, columns).to_pandas()
        return frame

    def run_ids(self) -> list[str]:
        """Return the ids of the runs held."""
        return [str(run_id) for run_id in self.table("runs", ["run_id"])["run_id"]]

    def _part_ids(self) -> list[str]:
        return sorted(path.name for path in self.parts.glob("[!.]*")) if self.parts.is_dir() else []

    def _read(self, name: str, columns: Sequence[str] | None) -> pa.Table:
        if name not in RUN_TABLES:
            return self._read_with([], name, columns)
        while True:
            ids = self._part_ids()
            whole = self._holds_tables(ids)  # asked before reading: a table seen to be absent may be written right after
            table = self._read_with(ids, name, columns)
            folders = [*([self.path] if whole else []), *(self.parts / run_id for run_id in ids)]
            gone = [folder / f"{name}.parquet" for folder in folders if lacks(folder, name)]
            if self._part_ids() == ids:
                if gone:
                    raise ResultsError(f"{gone[0]}: gone, though runs were stored; {remedy(gone[0])}")
                return table
            # Another process added or folded parts meanwhile: some may have been seen in neither place.

    def _holds_tables(self, ids: Sequence[str]) -> bool:
        """Whether parts were folded before, so that every table is there: `runs` comes last, and of no parts all are empty."""
        if (self.path / "runs.parquet").exists():
            return True
        return not ids and any(has_rows(self.path / f"{table}.parquet") for table in RUN_TABLES)

    def _read_with(self, ids: list[str], name: str, columns: Sequence[str] | None) -> pa.Table:
        wanted = list(columns) if columns else TABLES[name].names
        key = SHARED.get(name, "run_id")
        read = wanted if name not in RUN_TABLES or key in wanted else [*wanted, key]
        pieces = [read_table(self.path / f"{name}.parquet", name, read)]
        if name in RUN_TABLES:
            if name not in SHARED and ids:
                pieces[0] = pieces[0].filter(pc.invert(pc.is_in(pieces[0]["run_id"], pa.array(ids, pa.string()))))
            pieces += [read_table(self.parts / run_id / f"{name}.parquet", name, read) for run_id in ids]
        merged = pa.concat_tables(pieces)
        if name in SHARED:
            merged = merged.group_by(read).aggregate([]).select(read)
        return merged.select(wanted)

    @cached_property
    def environment(self) -> dict[str, dict[str, str]]:
        """Environment digest -> key -> value."""
        rows = self.table("environments")
        return {
            str(digest): dict(zip(group["key"], group["value"], strict=True))
            for digest, group in rows.groupby("environment_digest")
        }


def run_sets(results: Path, suite: str) -> list[RunSet]:
    """Return a suite's run sets, oldest first."""
    folder = results / suite
    if not folder.is_dir() or suite in RESERVED:
        return []
    return [RunSet(path) for path in sorted(folder.iterdir(), key=_age) if (path / MANIFEST).is_file()]


def _age(path: Path) -> str:
    """Return what sorts run sets by age: the name, which is the moment of making, or else what the manifest says it was."""
    if re.match(r"\d{8}T\d{6}Z", path.name):
        return path.name
    try:
        created = str(json.loads((path / MANIFEST).read_text(encoding="utf-8"))["created_utc"])
    except (OSError, ValueError, KeyError, TypeError):
        return path.name
    return created[:19].replace("-", "").replace(":", "") + "Z"


def find_run_set(results: Path, name: str) -> RunSet:
    """Return a run set by path, by `<suite>/<run set>`, or a suite's last by `<suite>`.

    Raises:
        UsageError: there is none.
        ResultsError: what is there is damaged, or no run set.
    """
    for path in (Path(name), results / name):
        if (path / MANIFEST).is_file():
            found = RunSet(path.resolve())
            _ = found.manifest  # other programs call their files manifest.json too
            return found
    if of_suite := run_sets(results, name):
        return of_suite[-1]
    suites = [path.name for path in results.glob("*") if path.is_dir() and path.name not in RESERVED]
    suite = name.partition("/")[0] or "SUITE"
    raise UsageError(f"no run set {name!r} in {results}{nearest(name, suites)}; make one with `harness run {suite}`")


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ResultsError(
            f"{path}: cannot be written: {error.strerror or error}; free space or choose another folder"
        ) from error
