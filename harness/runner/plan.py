"""Which runs a suite means, and the key that says whether two runs are of the same thing."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.catalog import BUILT_IN, Catalog, Part
from harness.digests import digest_of
from harness.observations import Pass
from harness.suite import PASSES, Case, Suite

MEASURING_CODE = (
    "digests.py",
    "environment.py",
    "metrics/*.py",
    "observations.py",
    "probes/*.py",
    "runner/client.py",
    "runner/passes/*.py",
    "runner/record.py",
    "runner/supervise.py",
    "runner/taint.py",
    "runner/targets.py",
    "runner/worker.py",
    "seeds.py",
    "train/*.py",
    "vocabulary.py",
)
"""Files of the harness whose change makes a run another run; the parts of the case come on top."""


@dataclass(frozen=True)
class PlannedRun:
    """One pass over one case with one seed, to be run in a process of its own."""

    case: Case
    seed: int
    repeat: int
    measures: Pass = "train"

    @property
    def title(self) -> str:
        """How people are told of it."""
        repeat = f", repeat {self.repeat}" if self.case.repeats > 1 else ""
        measures = f", {self.measures} pass" if self.measures != "train" else ""
        return f"{self.case.name}, seed {self.seed}{repeat}{measures}"


def planned_runs(suite: Suite) -> list[PlannedRun]:
    """Return the suite's runs: all trainings, first seeds first, so that machine drift does not fall on one case alone; then
    pass after pass, because processes of one pass share an environment."""
    order: tuple[Pass, ...] = ("train", *PASSES)

    def places() -> Iterator[tuple[tuple[int, int, int, int], PlannedRun]]:
        for number, case in enumerate(suite.cases):
            for measures, seed, repeat in case.runs():
                yield (order.index(measures), repeat, case.seeds.index(seed), number), PlannedRun(case, seed, repeat, measures)

    return [run for _, run in sorted(places(), key=lambda entry: entry[0])]


def code_digest(case: Case, catalog: Catalog) -> str:
    """Return the digest of the source files that a case executes.

    Of a user's catalogue, every file counts: any of its parts may import any other.
    """
    parts = [
        catalog.part("models", case.model.name),
        catalog.part("data", case.data.name),
        catalog.part("tasks", case.task.name),
    ]
    files = {BUILT_IN / path for pattern in MEASURING_CODE for path in BUILT_IN.glob(pattern)}
    for part in parts:
        files |= {part.path, *(part.root / part.kind).glob("_[!_]*.py"), *_imported_parts(part, catalog)}
    for root in catalog.roots[1:]:
        files |= set(root.rglob("*.py"))
    return digest_of(sorted(f"{file.name} {_file_digest(file)}" for file in files))


def _imported_parts(part: Part, catalog: Catalog) -> Iterator[Path]:
    """Yield the files of parts of the same kind that a built-in part imports: data made of another data set's."""
    package, parts = f"harness.{part.kind}", catalog.parts(part.kind)
    for node in ast.walk(part.tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            inner = [node.module.removeprefix(f"{package}.")] if node.module != package else [name.name for name in node.names]
            for imported in (parts[name] for name in inner if name in parts):
                yield imported.path
                yield from _imported_parts(imported, catalog)


def _file_digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def run_key(case: Case, code: str, data_identity: str, numeric_fingerprint: str) -> str:
    """Return the key of a case as it would be run now: its specification, code, data and numeric fingerprint."""
    return digest_of([case.specification, code, data_identity, numeric_fingerprint])
