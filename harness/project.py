"""Where a project keeps its suites, results and catalogues: `[tool.harness]` in its pyproject.toml."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from harness.catalog import Catalog
from harness.errors import UsageError, nearest

KEYS = ("catalogues", "suites", "results")


@dataclass(frozen=True)
class Project:
    """One folder with suites and results."""

    root: Path
    suites: Path
    results: Path
    catalogues: tuple[Path, ...]

    @property
    def baselines(self) -> Path:
        """The folder of reviewed baselines, in git."""
        return self.results / "baselines"

    @property
    def data(self) -> Path:
        """The data cache: HARNESS_DATA_DIR, or the user's cache folder."""
        named = os.environ.get("HARNESS_DATA_DIR")
        if named:
            return Path(named).expanduser().resolve()
        cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
        return Path(cache).expanduser() / "harness" / "data"

    def without_folders(self, text: str) -> str:
        """Return a text with the user's home as ~ and the project as '.': what is stored names no folder of this machine."""
        folders = {self.root.resolve(): ".", Path.home(): "~"}
        for folder in sorted(folders, key=lambda folder: len(folder.parts), reverse=True):  # the inner one first
            if len(folder.parts) > 1:
                text = re.sub(rf"{re.escape(str(folder))}(?![\w-])", folders[folder], text)
        return text

    def catalog(self) -> Catalog:
        """Return the built-in parts and those of this project's catalogues."""
        return Catalog(self.catalogues)

    def suite_files(self) -> dict[str, Path]:
        """Return the project's suite files by name."""
        return {path.stem: path for path in sorted(self.suites.glob("[!_.]*.toml"))}

    def suite_file(self, name: str) -> Path:
        """Return the suite file for a name or a path.

        Raises:
            UsageError: there is none; names the nearest.
        """
        if name.endswith(".toml"):
            path = Path(name)
            if not path.is_file():
                raise UsageError(f"{path}: no such suite file")
            return path
        files = self.suite_files()
        if name not in files:
            raise UsageError(f"no suite {name!r} in {self.suites}{nearest(name, files)} (`harness list suites` shows all)")
        return files[name]


def find_project(start: Path | None = None, catalogues: Iterable[Path] = ()) -> Project:
    """Return the project around `start` (the working folder): the nearest folder with `[tool.harness]` or `suites/`.

    `catalogues` are added to those that the project declares.

    Raises:
        UsageError: `[tool.harness]` is malformed; lists every problem.
    """
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        table = _tool_table(folder / "pyproject.toml")
        if table is not None or (folder / "suites").is_dir():
            return _project(folder, table or {}, catalogues)
    return _project(here, {}, catalogues)


def _tool_table(path: Path) -> dict[str, object] | None:
    if not path.is_file():
        return None
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path}: not valid TOML: {error}") from error
    table = content.get("tool", {}).get("harness")
    if table is not None and not isinstance(table, dict):
        raise UsageError(f"{path}: [tool.harness] must be a table")
    return table


def _project(root: Path, table: dict[str, object], catalogues: Iterable[Path]) -> Project:
    problems = [f"unknown key {key!r}{nearest(key, KEYS)}; allowed: {', '.join(KEYS)}" for key in table if key not in KEYS]
    declared = table.get("catalogues", [])
    if not (isinstance(declared, list) and all(isinstance(entry, str) for entry in declared)):
        problems.append("catalogues must be a list of folders")
        declared = []
    problems += [f"{key} must be a folder" for key in ("suites", "results") if not isinstance(table.get(key, ""), str)]
    if problems:
        raise UsageError("\n".join(f"{root / 'pyproject.toml'}: [tool.harness]: {problem}" for problem in problems))
    return Project(
        root=root,
        suites=root / str(table.get("suites", "suites")),
        results=root / str(table.get("results", "results")),
        catalogues=(*(root / entry for entry in declared), *(Path(entry) for entry in catalogues)),
    )
