"""Finds parts: one file, one part, in the built-in folders and then in the user's own.

A catalogue is a folder shaped like the package: `models/*.py`, `data/*.py`, `tasks/*.py`, `experiments/*.py`,
`metrics/*.py`, `report/*.py`, `exporters/*.py`, `cli/*.py`. A file's stem is the part's name and the file defines one
UPPERCASE object. Files starting with `_` or `.` are not parts. Names, summaries, literal fields and options are read from
the source without importing it, so listing never imports torch; `Part.load` imports.
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import importlib.util
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

from harness.errors import CatalogError, nearest

KINDS: dict[str, str] = {
    "models": "MODEL",
    "data": "DATASET",
    "tasks": "TASK",
    "experiments": "EXPERIMENT",
    "metrics": "METRIC",
    "report": "SECTION",
    "exporters": "EXPORTER",
    "cli": "COMMAND",
}
"""Folder -> name of the object that each of its files defines."""

WORDS: dict[str, str] = {
    "models": "model",
    "data": "data set",
    "tasks": "task",
    "experiments": "experiment",
    "metrics": "metric",
    "report": "report section",
    "exporters": "exporter",
    "cli": "command",
}
"""Folder -> what messages call one of its parts."""

FACTORIES: dict[str, str] = {"models": "build", "data": "load", "tasks": "start", "experiments": "run"}
"""Folder -> the function whose keyword-only arguments are the part's options in a suite."""

BUILT_IN = Path(__file__).parent


@dataclass(frozen=True)
class Part:
    """One file of a catalogue."""

    kind: str
    name: str
    path: Path
    root: Path
    """The catalogue's folder."""

    @property
    def built_in(self) -> bool:
        """Whether the part ships with the harness."""
        return self.root == BUILT_IN

    @cached_property
    def tree(self) -> ast.Module:
        """The parsed source."""
        try:
            return ast.parse(self.path.read_text(encoding="utf-8"), str(self.path))
        except (OSError, SyntaxError, UnicodeDecodeError) as error:
            raise CatalogError(f"{self.path}: cannot be read as Python: {error}") from error

    @property
    def summary(self) -> str:
        """First line of the file's docstring, or ''."""
        return (ast.get_docstring(self.tree) or "").split("\n")[0]

    @cached_property
    def fields(self) -> dict[str, Any]:
        """The literal keyword arguments of the part's object, such as unit, direction or article."""
        call = self._object_call()
        found: dict[str, Any] = {}
        for keyword in call.keywords if call else []:
            try:
                found[keyword.arg or ""] = ast.literal_eval(keyword.value)
            except ValueError:
                continue  # a function or an expression: known only after importing
        return found

    @cached_property
    def options(self) -> dict[str, Any]:
        """Keyword-only arguments of the part's factory: name -> default, None where it is no literal."""
        wanted = FACTORIES.get(self.kind)
        for node in self.tree.body:
            if isinstance(node, ast.FunctionDef) and node.name == wanted:
                return {
                    argument.arg: _literal(default)
                    for argument, default in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
                }
        return {}

    def _object_call(self) -> ast.Call | None:
        wanted = KINDS[self.kind]
        for node in self.tree.body:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
            if any(isinstance(target, ast.Name) and target.id == wanted for target in targets):
                value = node.value  # type: ignore[attr-defined]
                return value if isinstance(value, ast.Call) else None
        raise CatalogError(f"{self.path}: defines no {wanted}; a file in {self.kind}/ must define exactly that object")

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the source file."""
        return hashlib.sha256(self.path.read_bytes()).hexdigest()

    def module(self) -> ModuleType:
        """Import the part's file."""
        if self.built_in:
            return importlib.import_module(f"harness.{self.kind}.{self.name}")
        return _import_user_part(self)

    def load(self) -> Any:
        """Import the file and return its object.

        Raises:
            CatalogError: the file cannot be imported or lacks its object; names the file.
        """
        try:
            found = getattr(self.module(), KINDS[self.kind], None)
        except Exception as error:
            raise CatalogError(f"{self.path}: importing failed: {type(error).__name__}: {error}") from error
        if found is None:
            raise CatalogError(f"{self.path}: defines no {KINDS[self.kind]}")
        return found


def _literal(node: ast.expr | None) -> Any:
    try:
        return ast.literal_eval(node) if node is not None else None
    except ValueError:
        return None


def _package(name: str, folder: Path) -> None:
    """Register `folder` as a package without running any code, so that its files can import each other relatively."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_loader(name, loader=None, is_package=True)
        assert spec is not None  # a spec with no loader is always made
        module = importlib.util.module_from_spec(spec)
        module.__path__ = [str(folder)]
        sys.modules[name] = module


def _import_user_part(part: Part) -> ModuleType:
    root = f"harness_catalogue_{hashlib.sha256(str(part.root).encode()).hexdigest()[:8]}"
    _package(root, part.root)
    _package(f"{root}.{part.kind}", part.root / part.kind)
    return importlib.import_module(f"{root}.{part.kind}.{part.name}")


class Catalog:
    """The built-in parts and those of the user's catalogue folders."""

    def __init__(self, folders: Iterable[Path] = ()) -> None:
        self.roots = [BUILT_IN, *(folder.resolve() for folder in folders)]
        for root in self.roots[1:]:
            _check_root(root)

    def parts(self, kind: str) -> dict[str, Part]:
        """Return all parts of one kind by name, sorted.

        Raises:
            CatalogError: two files claim one name, or a stem is no Python name.
        """
        found: dict[str, Part] = {}
        for root in self.roots:
            for path in sorted((root / kind).glob("[!_.]*.py")):
                if not path.stem.isidentifier():
                    raise CatalogError(f"{path}: {path.stem!r} names no part; allowed: letters, digits and _, no digit first")
                if path.stem in found:
                    raise CatalogError(f"{path}: the name {path.stem!r} is taken by {found[path.stem].path}; rename one")
                found[path.stem] = Part(kind, path.stem, path, root)
        return dict(sorted(found.items()))

    def part(self, kind: str, name: str) -> Part:
        """Return one part.

        Raises:
            CatalogError: no such part; names the nearest.
        """
        parts = self.parts(kind)
        if name not in parts:
            raise CatalogError(f"no {WORDS[kind]} {name!r}{nearest(name, parts)} (`harness list {kind}` shows all)")
        return parts[name]

    def load(self, kind: str, name: str) -> Any:
        """Import one part and return its object."""
        return self.part(kind, name).load()


def _check_root(root: Path) -> None:
    if not root.is_dir():
        raise CatalogError(f"catalogue {root}: no such folder")
    kinds = [entry for entry in KINDS if (root / entry).is_dir()]
    if not kinds:
        raise CatalogError(f"catalogue {root}: holds none of the folders {', '.join(KINDS)}")
