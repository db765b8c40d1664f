"""Finds the exporters and writes what they make."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from harness.catalog import Catalog, Part
from harness.errors import CatalogError, ResultsError, UsageError, nearest
from harness.exporters._base import Exporter, Source
from harness.results import write_atomically


def exporters(catalog: Catalog) -> dict[str, Part]:
    """Return the files of all formats by name, nothing imported; `pytest_benchmark.py` is `pytest-benchmark`."""
    return {name.replace("_", "-"): part for name, part in catalog.parts("exporters").items()}


def exporter(catalog: Catalog, name: str) -> Exporter:
    """Return one format.

    Raises:
        UsageError: there is no such format; lists all.
        CatalogError: its file cannot be imported, or defines no EXPORTER; names the file.
    """
    parts = exporters(catalog)
    part = parts.get(name.replace("_", "-"))
    if part is None:
        raise UsageError(f"--to: no format {name!r}{nearest(name, parts)}; allowed: {', '.join(parts)}")
    found: Any = part.load()
    if not isinstance(found, Exporter) or (found.text is None) == (found.folder is None):
        raise CatalogError(f"{part.path}: EXPORTER must be a harness.exporters.Exporter of a text or a folder, found {found!r}")
    return found


def write(made: Exporter, source: Source, output: Path | None) -> str | None:
    """Write what is exported to a file, or a folder; return the text where a text is wanted and no file named.

    Raises:
        UsageError: a package that it needs is absent; or the format is a folder of files, and no folder, or one that is not
            empty, was named.
        ResultsError: it cannot be written.
    """
    if made.needs and not find_spec(made.needs):
        raise UsageError(f"--to: this format needs the package {made.needs}: pip install {made.needs}")
    try:
        if made.folder:
            made.folder(source, _empty_folder(output))
            return None
        assert made.text is not None  # a format is one of both
        text = made.text(source)
        if output is None:
            return text
        output.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(output, text)
    except OSError as error:
        raise ResultsError(f"{output}: cannot be written: {error.strerror or error}; choose another --output") from error
    return None


def _empty_folder(output: Path | None) -> Path:
    if output is None:
        raise UsageError("--output DIR: this format is a folder of files; say which")
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise UsageError(f"{output}: is no empty folder; files of two exports would mix: name another, or remove it")
    output.mkdir(parents=True, exist_ok=True)
    return output
