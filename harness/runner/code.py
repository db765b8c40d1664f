"""Which source files a case executes, found without running any of them."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from harness.catalog import BUILT_IN, Catalog, Part
from harness.digests import digest_of
from harness.suite import Case

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

PLUMBING = ("catalog", "cli", "errors", "git", "project", "results", "suite", "units")
"""Modules that find, read and write things, and whose change makes no number another; what they import is not looked at."""

TAKEN = ("models", "data", "tasks")
"""Kinds of parts that an experiment takes by name."""


def code_digest(case: Case, catalog: Catalog) -> str:
    """Return the digest of the source files that a case executes.

    Of a user's catalogue, every file counts: any of its parts may import any other.
    """
    files = {BUILT_IN / path for pattern in MEASURING_CODE for path in BUILT_IN.glob(pattern)}
    for part in parts_of(case, catalog):
        files |= set(_behind(part) if part.kind == "experiments" else _of_part(part, catalog))
    for root in catalog.roots[1:]:
        files |= set(root.rglob("*.py"))
    return digest_of(sorted(f"{file.name} {_file_digest(file)}" for file in files))


def _file_digest(file: Path) -> str:
    state = file.stat()
    return _digested(file, state.st_mtime_ns, state.st_size)


@cache
def _digested(file: Path, changed: int, size: int) -> str:
    """Return what `_file_digest` says: most files are behind every case of a suite."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def parts_of(case: Case, catalog: Catalog) -> list[Part]:
    """Return the parts that a case's runs are made of: model, data set and task, or its experiment and what that takes."""
    if case.experiment is None:
        named = zip(TAKEN, (case.model, case.data, case.task), strict=True)
        return [catalog.part(kind, ref.name) for kind, ref in named]
    experiment = catalog.part("experiments", case.experiment.name)
    return [experiment, *_taken(experiment, catalog)]


def _of_part(part: Part, catalog: Catalog) -> Iterator[Path]:
    yield part.path
    yield from (part.root / part.kind).glob("_[!_]*.py")
    yield from _imported_parts(part, catalog)


def _imported_parts(part: Part, catalog: Catalog) -> Iterator[Path]:
    """Yield the files of parts of the same kind that a built-in part imports: data made of another data set's."""
    package, parts = f"harness.{part.kind}", catalog.parts(part.kind)
    for node in ast.walk(part.tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            inner = [node.module.removeprefix(f"{package}.")] if node.module != package else [name.name for name in node.names]
            for imported in (parts[name] for name in inner if name in parts):
                yield imported.path
                yield from _imported_parts(imported, catalog)


def _taken(part: Part, catalog: Catalog) -> list[Part]:
    """Return the models, data sets and tasks whose names stand as texts in an experiment, or in modules of its own kind that
    it imports: more than it takes, perhaps, and never fewer, because `Setting` asks for literals."""
    own = {file for file in _behind(part) if file.parent == part.path.parent}
    if not part.built_in:
        own |= set(part.path.parent.glob("_[!_]*.py"))  # which it may import by relative names
    named = {word for file in own for word in _scan(file)[1]}
    return [found for kind in TAKEN for name, found in catalog.parts(kind).items() if name in named]


def _behind(part: Part) -> Iterable[Path]:
    """Return a part's file and every file of the harness that it imports, directly or through others."""
    seen, waiting = set[Path](), [part.path]
    while waiting:
        file = waiting.pop()
        if file not in seen:
            seen.add(file)
            waiting += [found for module in _scan(file)[0] for found in _files_of(module, BUILT_IN)]
    return seen


@cache
def _files_of(module: str, package: Path) -> tuple[Path, ...]:
    """Return the file of a module of the harness, and those of the packages that it lies in; none for what is not ours."""
    first, *inner = module.split(".")
    if first != "harness" or not inner or inner[0] in PLUMBING:
        return ()
    places = [package.joinpath(*inner[:depth]) for depth in range(1, len(inner) + 1)]
    files = [path for place in places for path in (place / "__init__.py", place.with_suffix(".py"))]
    return tuple(path for path in files if path.is_file())


def _scan(file: Path) -> tuple[frozenset[str], frozenset[str]]:
    """Return (modules that a file may import, texts that stand in it)."""
    state = file.stat()
    return _scanned(file, state.st_mtime_ns, state.st_size)


@cache
def _scanned(file: Path, changed: int, size: int) -> tuple[frozenset[str], frozenset[str]]:
    """Return what `_scan` says; nothing for a file that is no Python, which the run that imports it will say."""
    try:
        tree = ast.parse(file.read_bytes(), str(file))
    except SyntaxError:
        return frozenset(), frozenset()
    modules, texts = set[str](), set[str]()
    for node in ast.walk(tree):
        match node:
            case ast.Import():
                modules |= {name.name for name in node.names}
            case ast.ImportFrom(module=str(module), level=0):
                modules |= {module, *(f"{module}.{name.name}" for name in node.names)}
            case ast.Constant(value=str(text)):
                texts.add(text)
    return frozenset(modules), frozenset(texts)
