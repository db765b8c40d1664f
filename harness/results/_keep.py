"""Keeping the results folder in hand: what is there, and removing it safely."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.errors import UsageError
from harness.results._store import RESERVED, RunSet, run_sets


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
    names = sorted(path.name for path in results.glob("*") if path.is_dir() and path.name != RESERVED)
    for name in names:
        if suite is None or name == suite:
            yield from map(describe, run_sets(results, name))


def describe(run_set: RunSet) -> Entry:
    """Return what listing shows of a run set."""
    manifest, statuses = run_set.manifest, run_set.table("runs", ["status"])["status"]
    size = sum(path.stat().st_size for path in run_set.path.rglob("*") if path.is_file())
    return Entry(run_set, manifest.complete, len(statuses), int((statuses == "ok").sum()), size, manifest.created_utc)


def remove(run_set: RunSet) -> None:
    """Delete a run set.

    Raises:
        UsageError: a harness is using it.
    """
    with run_set.lock():
        shutil.rmtree(run_set.path)


def superfluous(results: Path, keep: int) -> list[RunSet]:
    """Return the run sets that `gc` removes: all but each suite's last `keep`, those in use left out of count.

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
