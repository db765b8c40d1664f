"""Keeping the results folder in hand: what is there, and removing it safely."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from harness.errors import UsageError
from harness.results._store import RunSet, run_sets
from harness.suite import RESERVED


@dataclass(frozen=True)
class Entry:
    """One run set, for listing."""

    run_set: RunSet
    complete: bool
    runs: int
    ok: int
    size_bytes: int
    created_utc: str


def list_entries(results: Path, suite: str | None = None) -> Iterator[Entry]:
    """Yield every run set, by suite and then oldest first."""
    names = sorted(path.name for path in results.glob("*") if path.is_dir() and path.name not in RESERVED)
    for name in names:
        if suite is None or name == suite:
            yield from map(describe, run_sets(results, name))


def describe(run_set: RunSet) -> Entry:
    """Return what listing shows of a run set."""
    manifest, statuses = run_set.manifest, run_set.table("runs", ["status"])["status"]
    ok = int((statuses == "ok").sum())
    return Entry(run_set, manifest.complete, len(statuses), ok, _size(run_set.path), manifest.created_utc)


def _size(folder: Path) -> int:
    """Return the bytes of the files that are there; runs delete theirs while they are counted."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):
                total += os.stat(os.path.join(parent, name)).st_size
    return total


def check_removable(results: Path, run_set: RunSet) -> None:
    """Refuse what is not `results/<suite>/<run set>`, as its manifest says.

    Raises:
        UsageError: it is elsewhere, or a baseline.
        ResultsError: it is no run set.
    """
    suite, folder = run_set.manifest.suite.name, run_set.path.resolve()
    if suite in RESERVED or folder.parent != (results / suite).resolve():
        raise UsageError(f"{folder}: not removed: it is no run set of {results / suite}; delete it yourself if it may go")


def remove(results: Path, run_set: RunSet) -> None:
    """Delete one of the run sets in `results`.

    Raises:
        UsageError: a harness is using it, or it is none of them.
        ResultsError: it is no run set.
    """
    check_removable(results, run_set)
    with run_set.lock():
        shutil.rmtree(run_set.path)


def superfluous(results: Path, keep: int) -> list[RunSet]:
    """Return the run sets that `gc` removes: all but each suite's last `keep`.

    Raises:
        UsageError: `keep` is below 1.
    """
    if keep < 1:
        raise UsageError(f"--keep {keep}: at least 1 run set a suite is kept; remove the last one with `harness results rm`")
    names = {entry.run_set.path.parent.name for entry in list_entries(results)}
    return [run_set for name in sorted(names) for run_set in run_sets(results, name)[:-keep]]


def leftovers(results: Path) -> list[Path]:
    """Return working folders that a killed harness left in run sets that nobody uses now."""
    found: list[Path] = []
    for entry in list_entries(results):
        try:
            with entry.run_set.lock():
                found += entry.run_set.path.glob(".work-*")
        except UsageError:
            continue  # in use: its working folder is no leftover
    return found
